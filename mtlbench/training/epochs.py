"""The steps of a stage, epoch by epoch, with the validations that are due."""

import time
from collections.abc import Callable
from typing import Any

from torch import Tensor

from mtlbench.cells import Training
from mtlbench.config.interval import Interval
from mtlbench.training.budget import Spend
from mtlbench.training.model import Model
from mtlbench.training.seeding import generators
from mtlbench.training.selection import Selection
from mtlbench.training.stage import Batches, Stage, Taken

Progress = Callable[[str, int, int, int, int, float], None]
"""Hears stage, epoch, epochs, steps done, steps in all, rows per second."""


def unheard(*report: Any) -> None:
    """Stands for the progress where nobody listens."""


class Epochs:
    """Takes the steps of one epoch after the other, and validates.

    Args:
        model: what is trained.
        selection: judges each validation.
        batches: of the training split.
        training: when to validate, and how many epochs the progress counts.
        progress: hears how far a stage has come.
    """

    def __init__(
        self, model: Model, selection: Selection, batches: Batches, training: Training, progress: Progress
    ) -> None:
        self._model = model
        self._selection = selection
        self._batches = batches
        self._epochs = training.epochs
        self._every = Interval.parse(training.validate_every)
        self._progress = progress

    def one(self, stage: Stage, spend: Spend, over: Callable[[], bool], save: Callable[[list[Tensor]], None]) -> None:
        """One more epoch of ``stage``, or the rest of one, cut short where ``over`` says so.

        After each step ``save`` hears the states that torch's generators had before the epoch.
        """
        if not stage.midway:
            stage.begin_epoch()
        if not stage.unvalidated:
            self._model.forget_losses()
        self._model.backbone.train()
        outside = generators(self._batches.device)
        began, rows = time.perf_counter(), 0
        with self._batches.seeded(stage.stream, stage.epochs):
            for step in stage.steps(self._batches):
                spend.add(step.rows)
                rows += step.rows
                self._tell(stage, step, rows / (time.perf_counter() - began))
                if over():
                    break
                if step.number < step.steps and self._due(stage):
                    self.validate(stage)
                    if over():
                        break
                save(outside)
        stage.end_epoch()
        if self._due(stage):
            self.validate(stage)

    def validate(self, stage: Stage) -> None:
        """Judge the model as it is now, with the losses and weights since the last validation."""
        passes, weights = stage.passes, stage.weights()
        self._selection.judge(stage.name, stage.epochs, self._model.mean_losses(), weights, passes)
        self._model.forget_losses()

    def _due(self, stage: Stage) -> bool:
        """Whether the stage has gone on long enough since the last validation."""
        if self._every.unit == "steps":
            return stage.unvalidated >= self._every.length
        return not stage.midway and stage.epochs % self._every.length == 0

    def _tell(self, stage: Stage, step: Taken, rate: float) -> None:
        epochs = max(self._epochs, stage.epochs)
        done = (stage.epochs - 1) * step.steps + step.number
        self._progress(stage.name, stage.epochs, epochs, done, epochs * step.steps, rate)
