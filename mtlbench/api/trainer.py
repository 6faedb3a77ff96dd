"""What a weighting may use of the trainer."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from mtlbench.api.backbone import Backbone
from mtlbench.api.dataset import Split
from mtlbench.api.schema import Schema
from mtlbench.api.step import Step

if TYPE_CHECKING:
    from mtlbench.api.weighting import Weighting


class StageBudget(Protocol):
    """What one stage of training has cost so far."""

    def add(self, rows: int, steps: int = 1) -> None:
        """Count ``steps`` optimiser steps that read ``rows`` training rows in all."""


class Stateful(Protocol):
    """What goes on as before once it has taken back its state: a weighting, a module, or an object of a weighting's."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """Tensors that all that follows depends on."""

    def load_state_dict(self, state: dict[str, Tensor]) -> object:
        """Take back what :meth:`state_dict` gave, copied."""


class SourceCheckpoint(Protocol):
    """What is known of the cell named by :meth:`mtlbench.api.Weighting.source`."""

    @property
    def state(self) -> Mapping[str, Tensor]:
        """Its weighting's ``state_dict()`` after training."""

    @property
    def seconds(self) -> float:
        """Wall-clock of all its stages."""


class Trainer(Protocol):
    """What a weighting may use of the trainer, when it owns a schedule (:meth:`Weighting.fit`).

    A cell that was killed runs ``fit`` again. Each call of :meth:`train`, :meth:`select`, :meth:`loop` and
    :meth:`run_once` that had ended and was saved then gives its saved outcome at once; the call that was interrupted
    goes on from its last saved step. So ``fit`` must make these calls in an order that depends on nothing but the seed
    and what they gave.
    """

    backbone: Backbone
    schema: Schema
    data: Split
    """The training split. Validation and test are out of a weighting's reach."""
    batch_size: int
    epochs: int
    """Most epochs that one stage may train for."""
    learning_rate: float

    def restore(self, *, optimiser: bool = True, score: bool = True) -> None:
        """Load the cell named by :meth:`Weighting.warm_start`; its whole budget is counted as this one's first stages.

        Without ``optimiser`` Adam starts afresh. Without ``score`` its best validation score is forgotten, and the
        first epoch of the next stage counts as the best so far, better or not.
        """

    def reuse(self, stages: Collection[str]) -> SourceCheckpoint:
        """The cell named by :meth:`Weighting.source`; the ``stages`` of it that were needed count in this budget."""

    @property
    def source_checkpoint(self) -> SourceCheckpoint:
        """The same cell, its budget not counted: for what depends on how it went and uses nothing of it."""

    def train(self, weighting: "Weighting", stage: str = "train", seconds: float | None = None) -> None:
        """Train the backbone under ``weighting`` until early stopping or the last epoch.

        With ``seconds`` until the cell's stages have taken that long in all, however often validation fails to improve;
        nothing happens where they have already.
        """

    def select(self, candidates: "Mapping[str, Weighting]", stage: str = "train") -> str:
        """Train under each of ``candidates`` by itself, keep the best on validation, and give its name.

        Each starts from the parameters and optimiser state of the moment of the call, sees the batches and dropout
        masks of ``stage``, and stops early by its own best score: it does exactly what :meth:`train` would. Each
        counts in the budget, as the stage ``<stage> <name>``. Of equals the first is kept.
        """

    def step(self, rows: Tensor, number: int = 0) -> Step:
        """Forward the backbone on ``rows``, in the autograd graph; ``number`` steps of the stage came before."""

    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's rows as the parameters now are, under the step's dropout masks, no gradient."""

    def descend(self, loss: Tensor) -> None:
        """Take one optimiser step of the backbone down the gradient of the scalar ``loss`` of the last step."""

    def loop(
        self,
        update: Callable[[Tensor], None],
        stage: str,
        end_epoch: Callable[[int], None] | None = None,
        state: Stateful | None = None,
    ) -> None:
        """The loop below :meth:`train`: call ``update(rows)`` for each batch of an epoch, validate, stop early.

        ``update`` calls :meth:`step` and :meth:`descend`; ``end_epoch`` hears the number of epochs completed. ``state``
        is what they carry from step to step. Without it a cell that was killed begins this loop again.
        """

    def run_once(self, name: str, compute: Callable[[], None], result: Stateful) -> None:
        """Call ``compute()``, which changes ``result``; where a cell that was killed is resumed, ``result`` alone
        takes the state that it had afterwards, and the stages and diagnostics that it entered are there again.

        For stages of a weighting's own. What else ``compute`` changes is not there in a cell that is resumed.
        """

    def minibatches(self, stage: str, epoch: int) -> list[Tensor]:
        """The rows of the training split in batches, permuted as a function of seed, stage and epoch alone."""

    def predict(self) -> Tensor:
        """Logits (N, K) of the backbone in evaluation mode on the training split, without gradient."""

    def stage(self, name: str) -> AbstractContextManager[StageBudget]:
        """Count what happens inside as the stage ``name`` of the budget, wall-clock included."""

    def seeded(self, purpose: str) -> AbstractContextManager[None]:
        """Inside, torch's global generator is seeded by seed and ``purpose``; outside, it is as before."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tell the user how far a stage of the weighting's own has come."""

    def log_scalar(self, name: str, value: float | list[float]) -> None:
        """Put a diagnostic into the cell's record, for each task a value where it is a list."""

    def log_series(self, name: str, values: list[float]) -> None:
        """Put a curve into the cell's record, such as a loss pass by pass."""
