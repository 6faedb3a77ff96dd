"""The only train loop of mtlbench: every backbone, weighting and stage goes through it."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import Backbone, Schema, Split, Splits, Step, TrainingError, Weighting
from mtlbench.cells import Training
from mtlbench.evaluation import auc
from mtlbench.training.batches import permuted_batches
from mtlbench.training.budget import Spend, measured
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.curve import CurvePoint
from mtlbench.training.descent import descent
from mtlbench.training.gradients import PROBE_ROWS
from mtlbench.training.optimiser import BackboneOptimiser
from mtlbench.training.seeding import derive, reseed, seeded
from mtlbench.training.traces import WeightTrace

INFERENCE_ROWS = 8192

Progress = Callable[[str, int, int, int, int, float], None]
"""Hears stage, epoch, epochs, steps done, steps in all, rows per second."""


class BackboneTrainer:
    """Trains one backbone on one encoded dataset; implements :class:`mtlbench.api.Trainer`.

    The parameters kept are those of the epoch with the best mean validation AUC over tasks. Training stops after
    ``training.patience`` epochs without a better one. The test split is never read here.

    Args:
        backbone: freshly initialised, on the device of ``splits``.
        splits: the encoded dataset.
        training: epochs, patience, batch size and Adam's settings.
        seed: with the stage and epoch it fixes batches and dropout masks.
        start: the checkpoint behind :meth:`restore`.
        dense: update every row of every embedding table in every step, for weightings that read the parameters.
        progress: hears how far a stage has come.
    """

    def __init__(
        self,
        backbone: Backbone,
        splits: Splits,
        training: Training,
        seed: int,
        *,
        start: Checkpoint | None = None,
        dense: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.backbone = backbone
        self.schema = splits.schema
        self.data = splits.train
        self.batch_size = training.batch_size
        self.epochs = training.epochs
        self.learning_rate = training.learning_rate
        self.spend: list[Spend] = []
        self.curve: list[CurvePoint] = []
        self.best_epoch: dict[str, int] = {}
        self.diagnostics: dict[str, float | list[float]] = {}
        self.score = -math.inf
        self._validation = splits.validation
        self._patience = training.patience
        self._seed = seed
        self._step_seed = seed
        self._start = start
        self._progress = progress
        self._optimiser = BackboneOptimiser(
            backbone,
            training.learning_rate,
            training.weight_decay,
            reads=None if dense else _most_rows_read(splits.schema, training.batch_size),
            embedding_optimiser=training.embedding_optimiser,
        )
        self._precision = getattr(torch, training.precision)
        self._best: tuple[dict[str, Any], dict[str, Any]] | None = None
        self._loss_sum = torch.zeros(len(self.schema.tasks), dtype=torch.float64, device=self.data.labels.device)
        self._loss_rows = 0
        self._weights: dict[str, dict[str, float]] | None = None

    # -- what a weighting sees (mtlbench.api.Trainer) -------------------------------------------------------------

    def restore(self) -> None:
        """Continue from the start cell: its parameters, optimiser state, best score and spend."""
        if self._start is None:
            raise TrainingError("the weighting continues from another cell, but no checkpoint of it was given")
        self.backbone.load_state_dict(self._start.backbone)
        self._optimiser.load_state_dict(self._start.optimiser)
        self.score = self._start.score
        self.spend += [
            Spend(**{**vars(stage), "reused_from": stage.reused_from or self._start.cell})
            for stage in self._start.spend
        ]
        self._keep_best()

    def train(self, weighting: Weighting, stage: str = "train") -> None:
        """Train under ``weighting``: weigh, multiply, average over samples and tasks, descend."""
        weighting.setup(self)
        descend = descent(weighting, self.backbone, self._optimiser, self._probe)
        trace = WeightTrace()
        taken = 0

        def update(rows: Tensor) -> None:
            nonlocal taken
            step = self.step(rows, taken)
            trace.add(descend(step))
            weighting.after_step(step)
            taken += 1

        def end_epoch(epoch: int) -> None:
            self._weights = trace.summary(self.schema.tasks)
            weighting.end_epoch(epoch)

        self.loop(update, stage, end_epoch)

    def step(self, rows: Tensor, number: int = 0) -> Step:
        """Forward the backbone on ``rows`` and compute the loss of each sample and task."""
        categorical, numerical, labels = self.data.categorical[rows], self.data.numerical[rows], self.data.labels[rows]
        self._optimiser.prepare(categorical)
        logits = self._logits(categorical, numerical)
        losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        self._loss_sum += losses.detach().sum(0)
        self._loss_rows += len(rows)
        return Step(rows, categorical, numerical, labels, logits, losses, number)

    @torch.no_grad()
    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's rows as the parameters now are, under the step's dropout masks."""
        reseed(self.data.labels.device, self._step_seed)
        self._optimiser.prepare(step.categorical)
        logits = self._logits(step.categorical, step.numerical)
        return F.binary_cross_entropy_with_logits(logits, step.labels, reduction="none")

    def descend(self, loss: Tensor) -> None:
        """Take one Adam step of the backbone down the gradient of the scalar ``loss``."""
        self._optimiser.descend(loss)

    def loop(
        self, update: Callable[[Tensor], None], stage: str, end_epoch: Callable[[int], None] | None = None
    ) -> None:
        """Call ``update(rows)`` for each batch of an epoch, validate, keep the best, stop early."""
        with self.stage(stage) as spend:
            self.best_epoch[stage] = 0
            for epoch in range(1, self.epochs + 1):
                self.backbone.train()
                self._loss_sum.zero_()
                self._loss_rows = 0
                with seeded(self._seed, "epoch", stage, epoch):
                    self._run_epoch(update, stage, epoch, spend)
                if end_epoch is not None:
                    end_epoch(epoch)
                self._validate(stage, epoch)
                if epoch - self.best_epoch[stage] >= self._patience:
                    break
            self._return_to_best()

    def minibatches(self, stage: str, epoch: int) -> list[Tensor]:
        """The rows of the training split in batches, permuted as a function of seed, stage and epoch alone."""
        return permuted_batches(len(self.data), self.batch_size, self._seed, stage, epoch, self.data.labels.device)

    def predict(self) -> Tensor:
        """Logits (N, K) of the backbone on the training split."""
        return self.infer(self.data)

    @contextmanager
    def stage(self, name: str) -> Iterator[Spend]:
        """Count what happens inside as the stage ``name`` of the budget."""
        spend = Spend(name)
        self.spend.append(spend)
        with measured(spend):
            yield spend

    def seeded(self, purpose: str) -> AbstractContextManager[None]:
        """Inside, torch's global generator is seeded by seed and ``purpose``."""
        return seeded(self._seed, purpose)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Pass on how far a stage of the weighting's own has come."""
        if self._progress is not None:
            self._progress(stage, done, total, done, total, math.nan)

    def report(self, name: str, value: float | list[float]) -> None:
        """Put a diagnostic into the record."""
        self.diagnostics[name] = value

    # -- what run_cell sees ---------------------------------------------------------------------------------------

    def infer(self, split: Split) -> Tensor:
        """Logits (N, K) of the backbone on ``split``, in evaluation mode, in large batches, without gradient."""
        self._optimiser.settle()
        training = self.backbone.training
        self.backbone.eval()
        with torch.inference_mode():
            parts = [
                self._logits(categorical, numerical)
                for categorical, numerical in zip(
                    split.categorical.split(INFERENCE_ROWS), split.numerical.split(INFERENCE_ROWS), strict=True
                )
            ]
        self.backbone.train(training)
        return torch.cat(parts)

    def checkpoint(self, cell: str) -> Checkpoint:
        """The best state, for other cells to continue from."""
        assert self._best is not None, "nothing was trained"
        backbone, optimiser = self._best
        return Checkpoint(cell, backbone, optimiser, self.score, self.spend)

    # -- the loop's parts -----------------------------------------------------------------------------------------

    def _logits(self, categorical: Tensor, numerical: Tensor) -> Tensor:
        reduced = self._precision != torch.float32
        with torch.autocast(categorical.device.type, self._precision, enabled=reduced):
            logits: Tensor = self.backbone(categorical, numerical)
        return logits.float()

    def _probe(self) -> Tensor:
        """Logits of a few rows in evaluation mode, in the autograd graph."""
        categorical, numerical = self.data.categorical[:PROBE_ROWS], self.data.numerical[:PROBE_ROWS]
        self._optimiser.prepare(categorical)
        training = self.backbone.training
        self.backbone.eval()
        logits = self._logits(categorical, numerical)
        self.backbone.train(training)
        return logits

    def _run_epoch(self, update: Callable[[Tensor], None], stage: str, epoch: int, spend: Spend) -> None:
        batches = self.minibatches(stage, epoch)
        began, rows_done = time.perf_counter(), 0
        for done, rows in enumerate(batches, start=1):
            # Each step has its own seed, so that random numbers drawn by a weighting do not shift the dropout masks.
            self._step_seed = derive(self._seed, "step", stage, epoch, done)
            reseed(self.data.labels.device, self._step_seed)
            update(rows)
            spend.add(len(rows))
            rows_done += len(rows)
            if self._progress is not None:
                rate = rows_done / (time.perf_counter() - began)
                self._progress(
                    stage, epoch, self.epochs, (epoch - 1) * len(batches) + done, self.epochs * len(batches), rate
                )

    def _validate(self, stage: str, epoch: int) -> None:
        tasks = self.schema.tasks
        losses = (self._loss_sum / self._loss_rows).tolist()
        if not all(math.isfinite(loss) for loss in losses):
            means = ", ".join(f"{task} {loss:g}" for task, loss in zip(tasks, losses, strict=True))
            raise TrainingError(
                f"training diverged: mean loss over epoch {epoch} of stage {stage!r} is {means}; "
                "lower --learning-rate or check the weights of the method"
            )
        logits = self.infer(self._validation)
        aucs = [auc(logits[:, k], self._validation.labels[:, k]) for k in range(len(tasks))]
        self.curve.append(
            CurvePoint(
                stage, epoch, dict(zip(tasks, losses, strict=True)), dict(zip(tasks, aucs, strict=True)), self._weights
            )
        )
        score = sum(aucs) / len(aucs)
        if score > self.score:
            self.score = score
            self.best_epoch[stage] = epoch
            self._keep_best()

    def _keep_best(self) -> None:
        optimiser = self._optimiser.state_dict()
        backbone = {name: value.detach().clone() for name, value in self.backbone.state_dict().items()}
        self._best = (backbone, optimiser)

    def _return_to_best(self) -> None:
        if self._best is None:
            raise TrainingError("no epoch gave a defined validation AUC; check the validation split")
        backbone, optimiser = self._best
        self.backbone.load_state_dict(backbone)
        self._optimiser.load_state_dict(optimiser)


def _most_rows_read(schema: Schema, batch_size: int) -> int:
    return sum(min(field.cardinality, batch_size) for field in schema.categorical)
