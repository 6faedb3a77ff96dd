"""What a weighting may use of the trainer."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from mtlbench.api.backbone import Backbone
from mtlbench.api.schema import Schema
from mtlbench.api.splits import Split
from mtlbench.api.step import Step

if TYPE_CHECKING:
    from mtlbench.api.weighting import Weighting


class StageBudget(Protocol):
    """The cost of one stage of training so far."""

    def add(self, rows: int, steps: int = 1) -> None:
        """Count ``steps`` optimiser steps that read ``rows`` training rows in all."""


class Stateful(Protocol):
    """An object that can be saved and restored: a weighting, a module, or an object of a weighting's own.

    Once it has its state back, it goes on as before.
    """

    def state_dict(self) -> Mapping[str, Tensor]:
        """All tensors that later results depend on."""

    def load_state_dict(self, state: dict[str, Tensor]) -> object:
        """Take back what :meth:`state_dict` gave, copied."""


class SourceCheckpoint(Protocol):
    """What is known about the cell named by :meth:`mtlbench.api.Weighting.source`."""

    @property
    def state(self) -> Mapping[str, Tensor]:
        """Its weighting's ``state_dict()`` after training."""

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of all its stages."""


Merge = Callable[[Mapping[str, float], Callable[[Mapping[str, float]], float]], Mapping[str, float]]
"""From the validation score of each branch, and a function from shares to the score of the mean, to shares."""


class Trainer(Protocol):
    """What a weighting may use of the trainer, when it has a schedule of its own (:meth:`Weighting.fit`).

    A cell that was killed runs ``fit`` again from the start. A call of :meth:`train`, :meth:`select`, :meth:`fork`,
    :meth:`loop` or :meth:`run_once` that had ended and was saved gives its saved outcome at once. The call that was
    interrupted goes on from its last saved step. So ``fit`` must make these calls in an order that depends only on the
    seed and on what the calls before gave.
    """

    backbone: Backbone
    schema: Schema
    data: Split
    """The training split. A weighting cannot reach the validation and test splits."""
    batch_size: int
    epochs: int
    """The largest number of epochs of one stage."""
    learning_rate: float
    """The backbone's highest: a schedule lowers it in the course of a stage."""

    def restore(self, *, optimiser: bool = True, score: bool = True) -> None:
        """Load the cell named by :meth:`Weighting.warm_start`; its whole budget counts as the first stages of this one.

        Without ``optimiser`` Adam starts afresh. Without ``score`` its best validation score is forgotten, so the first
        epoch of the next stage counts as the best so far, whether it is better or not.
        """

    def reuse(self, stages: Collection[str]) -> SourceCheckpoint:
        """The cell named by :meth:`Weighting.source`; its stages that are named in ``stages`` count in this budget."""

    @property
    def source_checkpoint(self) -> SourceCheckpoint:
        """The same cell, without counting its budget: for a method that only looks at its cost."""

    def train(self, weighting: "Weighting", stage: str = "train", seconds: float | None = None) -> None:
        """Train the backbone under ``weighting`` until early stopping or the last epoch.

        With ``seconds``, train until all stages of the cell together have taken that long, even if validation no longer
        improves. Nothing is trained if they have taken that long already.
        """

    def select(self, candidates: "Mapping[str, Weighting]", stage: str = "train") -> str:
        """Train under each of ``candidates`` by itself, keep the best on validation, and return its name.

        Each candidate starts from the parameters and the optimiser state at the time of the call, sees the batches and
        dropout masks of ``stage``, and stops early by its own best score. So each is trained exactly as :meth:`train`
        would. Each counts in the budget, as the stage ``<stage> <name>``. Of candidates with the same score the first
        is kept.
        """

    def fork(
        self, branches: "Mapping[str, Weighting]", merge: Merge, interval: int = 1, stage: str = "train"
    ) -> Sequence[Mapping[str, float]]:
        """Train under each of ``branches`` and merge them, again and again; returns the shares of each merge, of sum 1.

        All branches start from the same parameters. Each trains for ``interval`` epochs, on the batches and dropout
        masks of ``stage``, and keeps its weighting, its optimiser and its place in the learning rate's schedule. Then
        ``merge`` gets the validation score of each branch by name, and a function that gives the validation score of
        the branches' mean by shares. It returns the shares to go on with, of any sum: all branches then start from the
        mean of the parameters, and of buffers such as those of batch normalisation, by these shares. ``merge`` must
        depend on nothing but what it is given. A single branch is trained on without ``merge``.

        Branches and merged parameters are validated, and the best of all is kept. The training ends with the last epoch
        of the branches, or once their validations have not improved on the best for as long as :meth:`train` waits.

        Each branch counts in the budget as the stage ``<stage> <name>``. Merging counts as ``<stage> merged``: no
        steps, and the rows of the validation split for each score that ``merge`` asks for.
        """

    def step(self, rows: Tensor, number: int = 0) -> Step:
        """Run the backbone on ``rows``, within the autograd graph; ``number`` steps of the stage came before."""

    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's rows under the present parameters and the step's dropout masks, no gradient."""

    def training_losses(self, logits: Tensor) -> Tensor:
        """Losses (N, K) that ``logits`` (N, K) of the training split have; 0 where a label was not observed."""

    def descend(self, loss: Tensor) -> None:
        """Take one optimiser step of the backbone down the gradient of ``loss``, a scalar made from the last step."""

    def loop(
        self,
        update: Callable[[Tensor], None],
        stage: str,
        end_epoch: Callable[[int], None] | None = None,
        state: Stateful | None = None,
    ) -> None:
        """The loop inside :meth:`train`: call ``update(rows)`` for each batch of an epoch, validate, stop early.

        ``update`` calls :meth:`step` and :meth:`descend`. ``end_epoch`` gets the number of epochs completed. ``state``
        is what they carry from step to step; without it, a cell that was killed begins this loop again.
        """

    def run_once(self, name: str, compute: Callable[[], None], result: Stateful) -> None:
        """Call ``compute()``, which changes ``result``, and save the outcome. It is for a stage of the weighting's own.

        If a killed cell is resumed after ``compute()`` had ended, it is not called again: ``result`` gets back the
        state that it had afterwards, with the stages and diagnostics that were logged. Nothing else that ``compute``
        changed comes back.
        """

    def minibatches(self, stage: str, epoch: int) -> list[Tensor]:
        """The rows of the training split in batches. The order depends on seed, stage and epoch alone."""

    def predict(self) -> Tensor:
        """Logits (N, K) of the backbone on the training split, in evaluation mode, without gradient."""

    def stage(self, name: str) -> AbstractContextManager[StageBudget]:
        """Count what happens inside as the stage ``name`` of the budget, wall-clock included."""

    def seeded(self, purpose: str) -> AbstractContextManager[None]:
        """Inside, torch's global generator is seeded by the seed and ``purpose``. Afterwards it is as it was before."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage of the weighting's own has come."""

    def log_scalar(self, name: str, value: float | list[float]) -> None:
        """Put a diagnostic into the cell's record: a number, or a list with one number for each task."""

    def log_series(self, name: str, values: list[float]) -> None:
        """Put a curve into the cell's record, such as a loss pass by pass."""
