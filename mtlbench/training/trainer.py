"""The only train loop of mtlbench: every backbone, weighting and stage goes through it."""

import math
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import NoReturn

from torch import Tensor

from mtlbench.api import Backbone, Schema, Split, Splits, Stateful, Step, TrainingError, Weighting
from mtlbench.api.renamed import TRAINER_METHODS, replacement
from mtlbench.cells import Training
from mtlbench.training.batches import permuted_batches
from mtlbench.training.budget import Allowance, Meter, Spend
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.curve import CurvePoint
from mtlbench.training.descent import TASK_GRADIENTS, descent
from mtlbench.training.journal import Journal
from mtlbench.training.loop import Loop, Progress, Runner, Update
from mtlbench.training.optimiser import BackboneOptimiser
from mtlbench.training.passes import Passes
from mtlbench.training.seeding import seeded
from mtlbench.training.selection import Best, Selection
from mtlbench.training.stages import MeanLosses, Stages
from mtlbench.training.weighted import WeightedSteps


class BackboneTrainer:
    """Trains one backbone on one encoded dataset; implements :class:`mtlbench.api.Trainer`.

    The parameters kept are those of the epoch with the best mean validation AUC over tasks. Training stops after
    ``training.patience`` epochs without a better one. The test split is never read here.

    Args:
        backbone: freshly initialised, on the device of ``splits``.
        splits: the encoded dataset.
        training: epochs, patience, batch size and Adam's settings.
        seed: with the stage and epoch it fixes batches and dropout masks.
        warm_start: the checkpoint behind :meth:`restore`.
        source: the checkpoint behind :meth:`reuse`.
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
        dense: bool = False,
        progress: Progress | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.backbone = backbone
        self.schema = splits.schema
        self.data = splits.train
        self.batch_size = training.batch_size
        self.epochs = training.epochs
        self.learning_rate = training.learning_rate
        self._seed = seed
        self._warm_start = warm_start
        self._source = source
        self._progress = progress
        self._optimiser = BackboneOptimiser(
            backbone,
            training.learning_rate,
            training.weight_decay,
            reads=None if dense else _most_rows_read(splits.schema, training.batch_size),
            embedding_optimiser=training.embedding_optimiser,
        )
        self._passes = Passes(backbone, self._optimiser, self.data, training.batch_size, training.precision)
        self._meter = Meter()
        self._selection = Selection(backbone, self._optimiser, self.schema.tasks, splits.validation, self._passes.infer)
        device = self.data.labels.device
        self._losses = MeanLosses(len(self.schema.tasks), device)
        self._runner = Runner(self.minibatches, self.epochs, seed, device, self._meter, progress)
        self._stages = Stages(
            backbone,
            self._optimiser,
            self._selection,
            self._runner,
            self._meter,
            self._losses,
            journal or Journal(),
            epochs=self.epochs,
            patience=training.patience,
            device=device,
        )

    # -- what a weighting sees (mtlbench.api.Trainer) -------------------------------------------------------------

    def restore(self, *, optimiser: bool = True, score: bool = True) -> None:
        """Continue from the start cell: its parameters, optimiser state, best score and spend."""
        if self._warm_start is None:
            raise TrainingError("the weighting continues from another cell, but no checkpoint of it was given")
        self._count(self._warm_start)
        self.backbone.load_state_dict(self._warm_start.backbone)
        if optimiser:
            self._optimiser.load_state_dict(self._warm_start.optimiser)
        if score:
            self._selection.keep(self._warm_start.score)

    @property
    def source_checkpoint(self) -> Checkpoint:
        """The source cell's checkpoint, its budget not counted."""
        if self._source is None:
            raise TrainingError("the weighting reuses another cell, but no checkpoint of it was given")
        return self._source

    def reuse(self, stages: Collection[str]) -> Checkpoint:
        """The source cell's checkpoint, those ``stages`` of it counted in the budget."""
        self._count(self.source_checkpoint, stages)
        return self.source_checkpoint

    def train(self, weighting: Weighting, stage: str = "train", seconds: float | None = None) -> None:
        """Train under ``weighting``: weigh, multiply, average over samples and tasks, descend."""
        loop = self._loop_of(weighting, stage, stage)
        if seconds is None:
            self._stages.train(loop)
        else:
            self._stages.last = loop
            self.spend_rest(Allowance("seconds", seconds))

    def select(self, candidates: Mapping[str, Weighting], stage: str = "train") -> str:
        """Train under each of ``candidates`` from the present state, and return to the best on validation."""
        state, before = self._selection.state(), self._selection.best
        chosen, best, last, winner = "", Best(), self._stages.last, None
        for name, weighting in candidates.items():
            self._selection.load(state)
            self._selection.best = before
            loop = self._loop_of(weighting, f"{stage} {name}", stage)
            call = self._stages.run(loop)
            better = self.score > best.score
            self._stages.close(call, loop, kept=better)
            if better:
                if winner is not None:
                    self._stages.drop(winner)
                chosen, best, last, winner = name, self._selection.best, loop, call
        self._selection.best, self._stages.last = best, last
        self._selection.load(self._selection.best_state())
        return chosen

    def step(self, rows: Tensor, number: int = 0) -> Step:
        """Forward the backbone on ``rows`` and compute the loss of each sample and task."""
        return self._counted(self._passes.step(rows, number))

    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's rows as the parameters now are, under the step's dropout masks."""
        self._runner.reseed()
        return self._passes.losses(step)

    def descend(self, loss: Tensor) -> None:
        """Take one Adam step of the backbone down the gradient of the scalar ``loss``."""
        self._optimiser.descend(loss)

    def loop(
        self,
        update: Update,
        stage: str,
        end_epoch: Callable[[int], None] | None = None,
        state: Stateful | None = None,
    ) -> None:
        """Call ``update(rows)`` for each batch of an epoch, validate, keep the best, stop early."""
        self._stages.train(Loop(update, stage, stage, end_epoch, state=state))

    def run_once(self, name: str, compute: Callable[[], None], result: Stateful) -> None:
        """Call ``compute()``, or give ``result`` the state that it had after it, where that was saved."""
        self._stages.run_once(name, compute, result)

    def minibatches(self, stage: str, epoch: int) -> list[Tensor]:
        """The rows of the training split in batches, permuted as a function of seed, stage and epoch alone."""
        return permuted_batches(len(self.data), self.batch_size, self._seed, stage, epoch, self.data.labels.device)

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
        if self._progress is not None:
            self._progress(stage, done, total, done, total, math.nan)

    def log_scalar(self, name: str, value: float | list[float]) -> None:
        """Put a diagnostic into the record."""
        self._stages.diagnostics[name] = value

    def log_series(self, name: str, values: list[float]) -> None:
        """Put a curve into the record."""
        self._stages.curves[name] = values

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
        return self._stages.curves

    @property
    def spend(self) -> list[Spend]:
        """The stages so far."""
        return self._meter.stages

    @property
    def curve(self) -> list[CurvePoint]:
        """One point per epoch so far."""
        return self._selection.curve

    @property
    def best_epoch(self) -> dict[str, int]:
        """Stage -> its epoch that was the best of all; 0 where it never improved on what came before."""
        return self._selection.best_epoch

    @property
    def score(self) -> float:
        """Best validation score so far."""
        return self._selection.best.score

    def spend_rest(self, allowance: Allowance) -> None:
        """Train the last stage on from the best epoch, past early stopping, until all stages have used the allowance.

        Nothing happens where they have already, or where no stage trained the backbone.
        """
        last = self._stages.last
        if last is not None and not self._meter.used(allowance):
            self._stages.train(last, allowance)

    def infer(self, split: Split) -> Tensor:
        """Logits (N, K) of the backbone on ``split``, in evaluation mode, in large batches, without gradient."""
        return self._passes.infer(split)

    def checkpoint(self, cell: str, weighting: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """The best state and the weighting's, for other cells to build on."""
        backbone, optimiser = self._selection.best_state()
        return Checkpoint(cell, backbone, optimiser, self.score, self.spend, dict(weighting or {}))

    # -- the loop's parts -----------------------------------------------------------------------------------------

    def _counted(self, step: Step) -> Step:
        """``step``, its losses counted in the epoch's means."""
        self._losses.add(step.losses)
        return step

    def _count(self, source: Checkpoint, stages: Collection[str] | None = None) -> None:
        """Enter stages of another cell, all unless named, into the budget of this one."""
        self.spend.extend(
            replace(stage, reused_from=stage.reused_from or source.cell)
            for stage in source.spend
            if stages is None or stage.stage in stages
        )

    def _loop_of(self, weighting: Weighting, stage: str, stream: str) -> Loop:
        """Training under ``weighting`` as a loop."""
        weighting.setup(self)
        descend = descent(weighting, self.backbone, self._optimiser, self._passes.probe)
        forward = self._passes.step if weighting.needs & TASK_GRADIENTS else self._passes.single
        steps = WeightedSteps(
            weighting, lambda rows, number: self._counted(forward(rows, number)), descend, self.schema.tasks
        )
        return Loop(steps.update, stage, stream, steps.end_epoch, lambda: steps.weights, steps)


def _most_rows_read(schema: Schema, batch_size: int) -> int:
    return sum(min(field.cardinality, batch_size) for field in schema.categorical)
