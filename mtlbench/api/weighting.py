"""The weighting plugin interface: from what happened in a training step to the weights of its losses.

One idea: a weighting turns a step into weights, (K,) one per task or (B, K) one per sample and task. The trainer
multiplies them with the losses, averages over samples and tasks, goes backward, and records them. Weights of ones are
the plain average, for every method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from mtlbench.api.backbone import Backbone
from mtlbench.api.dataset import Split
from mtlbench.api.params import Params
from mtlbench.api.plugin import Plugin
from mtlbench.api.schema import Schema


@dataclass(frozen=True)
class Start:
    """The cell whose trained backbone a weighting continues from: same dataset, backbone and seed, this weighting."""

    weighting: str
    params: Mapping[str, Any]


@dataclass
class Step:
    """One training step as a weighting sees it: B samples, K tasks."""

    rows: Tensor
    """(B,) int64 row numbers in the training split."""
    categorical: Tensor
    """(B, F) int32 inputs."""
    numerical: Tensor
    """(B, D) float32 inputs."""
    labels: Tensor
    """(B, K) float32, 0 or 1."""
    logits: Tensor
    """(B, K) logits of the backbone, still in the autograd graph."""
    losses: Tensor
    """(B, K) binary cross-entropy of each sample and task, still in the autograd graph."""
    number: int
    """Steps taken before this one, in this stage."""


class StageBudget(Protocol):
    """What one stage of training has cost so far."""

    def add(self, rows: int, steps: int = 1) -> None:
        """Count ``steps`` optimiser steps that read ``rows`` training rows in all."""


class Trainer(Protocol):
    """What a weighting may use of the trainer, when it owns a schedule (:meth:`Weighting.fit`)."""

    backbone: Backbone
    schema: Schema
    data: Split
    """The training split. Validation and test are out of a weighting's reach."""
    batch_size: int
    epochs: int
    """Most epochs that one stage may train for."""
    learning_rate: float

    def restore(self) -> None:
        """Load backbone, optimiser and best validation score of the cell named by :meth:`Weighting.start`.

        That cell's whole budget is counted as this one's first stage.
        """

    def train(self, weighting: "Weighting", stage: str = "train") -> None:
        """Train the backbone under ``weighting`` until early stopping or the last epoch."""

    def step(self, rows: Tensor, number: int = 0) -> Step:
        """Forward the backbone on ``rows``, in the autograd graph; ``number`` steps of the stage came before."""

    def descend(self, loss: Tensor) -> None:
        """Take one optimiser step of the backbone down the gradient of the scalar ``loss`` of the last step."""

    def loop(
        self, update: Callable[[Tensor], None], stage: str, end_epoch: Callable[[int], None] | None = None
    ) -> None:
        """The loop below :meth:`train`: call ``update(rows)`` for each batch of an epoch, validate, stop early.

        ``update`` calls :meth:`step` and :meth:`descend`; ``end_epoch`` hears the number of epochs completed.
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

    def report(self, name: str, value: float | list[float]) -> None:
        """Put a diagnostic into the cell's record, for each task a value where it is a list."""


class Weighting(Plugin, ABC):
    """Base of a weighting plugin.

    A weighting without a schedule of its own overrides :meth:`weigh` alone::

        class Inverse(Weighting):
            \"\"\"Weights inversely proportional to the task losses.\"\"\"

            name, label = "inverse", "Inverse"

            def weigh(self, step):
                return 1 / step.losses.mean(0).detach()
    """

    baseline: ClassVar[bool] = False
    """Whether the method, at its defaults, is what the others are measured against."""

    reads_parameters: ClassVar[bool] = False
    """Whether the method reads or differentiates parameters of the backbone directly. Embedding tables are then updated
    densely, so that every row is up to date in every step; the result is the same, a step costs more."""

    def __init__(self, params: Params) -> None:
        self.params = params

    @classmethod
    def method(cls, backbone: str) -> str:
        """The leaderboard's name of this weighting on the backbone labelled ``backbone``."""
        return f"{cls.label}-{backbone}"

    def applicable(self, schema: Schema, backbone: type[Backbone]) -> str | None:
        """``None`` when the pair makes sense, else the reason why not, as one sentence."""
        return None

    def start(self) -> Start | None:
        """The cell to continue from, trained once and shared by all that name it; ``None`` to start afresh."""
        return None

    def fit(self, trainer: Trainer) -> None:
        """Train ``trainer.backbone``: one stage, from scratch or on from the start cell's checkpoint.

        Override for a schedule of stages. All weightings that continue call that stage ``continue``, and so see the
        same batches and dropout masks in it.
        """
        if self.start() is None:
            trainer.train(self, "train")
        else:
            trainer.restore()
            trainer.train(self, "continue")

    def setup(self, trainer: Trainer) -> None:
        """Called once by ``trainer.train`` before its first step."""

    @abstractmethod
    def weigh(self, step: Step) -> Tensor:
        """Weights (K,) per task or (B, K) per sample and task, on the device of ``step.losses``."""

    def after_step(self, step: Step) -> None:
        """Called after the optimiser step."""

    def end_epoch(self, epoch: int) -> None:
        """Called after epoch number ``epoch`` (from 1) of the stage, before validation."""

    def state_dict(self) -> dict[str, Tensor]:
        """State that a checkpoint must carry."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""


def ones(step: Step) -> Tensor:
    """Weights (K,) of one: the plain average over samples and tasks."""
    return torch.ones(step.losses.shape[1], device=step.losses.device)
