"""The trainer: what a weighting sees of the training core, and what is asked of it afterwards."""

import math
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import NoReturn

from torch import Tensor

from mtlbench.api import Backbone, Merge, Setting, Split, Splits, Stateful, Step, TrainingError, Weighting
from mtlbench.api.renamed import TRAINER_METHODS, replacement
from mtlbench.cells import Training
from mtlbench.tasks.fitted import TaskScores
from mtlbench.tasks.objective import Objective
from mtlbench.training.budget import Budget, Meter, Spend
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.epochs import Progress, unheard
from mtlbench.training.journal import Journal
from mtlbench.training.look_ahead import LookAhead
from mtlbench.training.merging import Shares
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded
from mtlbench.training.selection import Best, CurvePoint, Selection
from mtlbench.training.stage import Batches, Stage
from mtlbench.training.stages import Stages
from mtlbench.training.update import WeightedUpdate


class BackboneTrainer:
    """Trains one backbone on one encoded dataset; implements :class:`mtlbench.api.Trainer`.

    The parameters kept are those of the best validation score, ``training.objective`` of the tasks' primary metrics;
    the lower validation loss breaks a tie. A stage stops after ``training.patience`` validations without a better one.

    Args:
        backbone: freshly initialised, on the device of ``splits``.
        splits: the encoded dataset, its rare ids unknown already (``training.min_count`` is not applied here).
        training: epochs, patience, batch size and Adam's settings.
        seed: with the stage and epoch it fixes batches and dropout masks.
        warm_start, source: the checkpoints behind :meth:`restore` and :meth:`reuse`.
        reference: task -> the single-task baseline's validation score, where the objective is measured against it.
        dense: update every row of every embedding table in every step, for weightings that read the parameters.
        progress: hears how far a stage has come.
        journal: where the cell saves what it has done.
    """

    def __init__(
        self,
        backbone: Backbone,
        splits: Splits,
        training: Training,
        seed: int,
        *,
        warm_start: Checkpoint | None = None,
        source: Checkpoint | None = None,
        reference: Mapping[str, float | None] | None = None,
        dense: bool = False,
        progress: Progress | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.backbone = backbone
        self.schema, self.data = splits.schema, splits.train
        self.batch_size, self.epochs, self.learning_rate = training.batch_size, training.epochs, training.learning_rate
        self._seed, self._warm_start = seed, warm_start
        self._source, self._progress = source, progress or unheard
        self._model = Model(backbone, splits, training, dense=dense)
        device = self.data.labels.device
        self._batches, self._meter = Batches(len(self.data), training.batch_size, seed, device), Meter()
        look_ahead = LookAhead(self._model, self._batches, self._meter)
        self.setting = Setting(self.schema.tasks, device, self.learning_rate, self.data, self.losses, look_ahead)
        objective = Objective(training.objective, self._model.tasks.primary_metrics, reference)
        self._selection = Selection(self._model, splits.validation, objective)
        self._stages = Stages(
            self._model, self._selection, self._batches, self._meter, journal or Journal(), training, self._progress
        )

    # -- what a weighting sees (mtlbench.api.Trainer) -------------------------------------------------------------

    def restore(self, *, optimiser: bool = True, score: bool = True) -> None:
        """Continue from the start cell: its parameters, optimiser state, best score and spend."""
        start = self._warm_start
        if start is None:
            raise TrainingError("the weighting continues from another cell, but no checkpoint of it was given")
        self._meter.enter(start.reused())
        self._model.load((start.backbone, start.optimiser), optimiser=optimiser)
        if score:
            self._selection.keep(start.score, start.validation_loss)

    @property
    def source_checkpoint(self) -> Checkpoint:
        """The source cell's checkpoint, its budget not counted."""
        if self._source is None:
            raise TrainingError("the weighting reuses another cell, but no checkpoint of it was given")
        return self._source

    def reuse(self, stages: Collection[str]) -> Checkpoint:
        """The source cell's checkpoint, those ``stages`` of it counted in the budget."""
        self._meter.enter(self.source_checkpoint.reused(stages))
        return self.source_checkpoint

    def train(self, weighting: Weighting, stage: str = "train", seconds: float | None = None) -> None:
        """Train under ``weighting``: forward, weigh, average over samples and tasks, backward."""
        weighted = self._weighted(weighting, stage, stage)
        if seconds is None:
            self._stages.train(weighted)
        else:
            self._stages.train_until_spent(Budget("seconds", seconds), weighted)

    def select(self, candidates: Mapping[str, Weighting], stage: str = "train") -> str:
        """Train under each of ``candidates`` from the present state, and return to the best on validation."""
        return self._stages.select(self._apart("select", candidates, stage))

    def fork(
        self, branches: Mapping[str, Weighting], merge: Merge, interval: int = 1, stage: str = "train"
    ) -> list[Shares]:
        """Train under each of ``branches``, and go on from a mean of them after every ``interval`` epochs."""
        return self._stages.fork(stage, self._apart("fork", branches, stage), merge, interval)

    def step(self, rows: Tensor, number: int = 0) -> Step:
        """Forward the backbone on ``rows`` and compute the loss of each sample and task."""
        return self._model.step(rows, number)

    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's rows as the parameters now are, under the step's dropout masks."""
        self._batches.reseed()
        return self._model.losses(step)

    def training_losses(self, logits: Tensor) -> Tensor:
        """Losses (N, K) that ``logits`` (N, K) of the training split have."""
        return self._model.training_losses(logits)

    def descend(self, loss: Tensor) -> None:
        """Take one Adam step of the backbone down the gradient of the scalar ``loss``."""
        self._model.descend(loss)

    def loop(
        self,
        update: Callable[[Tensor], None],
        stage: str,
        end_epoch: Callable[[int], None] | None = None,
        state: Stateful | None = None,
    ) -> None:
        """Call ``update(rows)`` for each batch, validate, keep the best, stop early."""
        self._stages.train(Stage(stage, stage, update, end_epoch, state, self._model.pace))

    def run_once(self, name: str, compute: Callable[[], None], result: Stateful) -> None:
        """Call ``compute()``, or give ``result`` the state that it had after it, where that was saved."""
        self._stages.run_once(name, compute, result)

    def minibatches(self, stage: str, epoch: int) -> list[Tensor]:
        """The rows of the training split in batches, permuted as a function of seed, stage and epoch alone."""
        return self._batches.epoch(stage, epoch)

    def predict(self) -> Tensor:
        """Logits (N, K) of the backbone on the training split."""
        return self.infer(self.data)

    def stage(self, name: str) -> AbstractContextManager[Spend]:
        """Count what happens inside as the stage ``name`` of the budget."""
        return self._meter.stage(name)

    def seeded(self, purpose: str) -> AbstractContextManager[None]:
        """Inside, torch's global generator is seeded by seed and ``purpose``."""
        return seeded(self._seed, purpose)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Pass on how far a stage of the weighting's own has come."""
        self._progress(stage, done, total, done, total, math.nan)

    def log_scalar(self, name: str, value: float | list[float]) -> None:
        """Put a diagnostic into the record."""
        self._stages.log_scalar(name, value)

    def log_series(self, name: str, values: list[float]) -> None:
        """Put a curve into the record."""
        self._stages.log_series(name, values)

    def __getattr__(self, name: str) -> NoReturn:
        """Name the successor of a method that is gone."""
        raise AttributeError(replacement("trainer", name, TRAINER_METHODS))

    # -- what run_cell sees ---------------------------------------------------------------------------------------

    @property
    def diagnostics(self) -> dict[str, float | list[float]]:
        """What the weighting reported."""
        return self._stages.diagnostics

    @property
    def curves(self) -> dict[str, list[float]]:
        """Curves that the weighting reported."""
        return self._stages.series

    @property
    def spend(self) -> list[Spend]:
        """The stages so far."""
        return self._meter.stages

    @property
    def curve(self) -> list[CurvePoint]:
        """One point per validation so far."""
        return self._selection.curve

    @property
    def best_epoch(self) -> dict[str, int]:
        """Stage -> its epoch that was the best of all; 0 where it never improved on what came before."""
        return self._selection.best_epoch

    @property
    def best_passes(self) -> dict[str, float]:
        """Stage -> passes over the training split at its best, where that was within an epoch."""
        return self._selection.best_passes

    @property
    def best(self) -> Best:
        """The best state so far, its validation score and loss."""
        return self._selection.best

    def train_until_spent(self, budget: Budget) -> None:
        """Train the last stage on from the best epoch, past early stopping, until all stages have used the budget."""
        self._stages.train_until_spent(budget)

    def infer(self, split: Split) -> Tensor:
        """Logits (N, K) of the backbone on ``split``, in evaluation mode, in large batches, without gradient."""
        return self._model.infer(split)

    def scores(self, split: Split) -> TaskScores:
        """Every metric of every task on ``split``.

        Raises:
            TrainingError: a logit is not finite.
        """
        return self._model.tasks.scores(self.infer(split), split, self.schema)

    def checkpoint(self, cell: str, weighting: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """The best state and the weighting's, for other cells to build on."""
        state, best = self._selection.best_state(), self.best
        return Checkpoint(cell, *state, best.score, self.spend, dict(weighting or {}), best.loss)

    def _weighted(self, weighting: Weighting, name: str, stream: str) -> Stage:
        """The stage of training under ``weighting``."""
        update = WeightedUpdate(weighting, self.setting, self._model)
        return Stage(name, stream, update.step, update.end_epoch, update, self._model.pace, update.weights)

    def _apart(self, call: str, weightings: Mapping[str, Weighting], stage: str) -> dict[str, Callable[[], Stage]]:
        """Name -> what makes the stage of training under that weighting, on the batches of ``stage``."""
        if not weightings:
            raise TrainingError(f"the weighting names none to train under; give trainer.{call} at least one")
        return {name: partial(self._weighted, one, f"{stage} {name}", stage) for name, one in weightings.items()}
