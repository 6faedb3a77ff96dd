"""What one trained cell of constant weights shows of the tasks: their losses, their pace, and whether they conflict."""

import json
import math
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import Backbone, Splits
from mtlbench.cells import Cell
from mtlbench.discovery import Catalogue
from mtlbench.files import replacing
from mtlbench.records import Record
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.gradients import TaskGradients, reach
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded

BATCHES = 32
"""Of training rows, whose gradients are compared."""


@dataclass(frozen=True)
class Pair:
    """How the gradients of two tasks lie to each other on the parameters that they share."""

    tasks: tuple[str, str]
    cosine: float
    """Mean over batches."""
    error: float
    """Standard error of that mean."""
    conflicts: float
    """Share of the batches in which it is below 0."""


@dataclass(frozen=True)
class Measured:
    """What was measured on one cell of constant weights; numbers by task."""

    cell: str
    """The cell's id."""
    seconds: float
    """That its training took."""
    start_losses: dict[str, float]
    """On validation, of the initial network."""
    losses: dict[str, float]
    """On validation, of the trained network."""
    scores: dict[str, float | None]
    """On validation, by the primary metric."""
    best_epochs: dict[str, int]
    """The epoch in which each task by itself was best on validation."""
    pairs: tuple[Pair, ...]
    """Empty where no parameter is shared."""


def measured(cell: Cell, record: Record, catalogue: Catalogue, splits: Splits, checkpoint: Path) -> Measured:
    """Measure the trained network of ``cell``.

    Args:
        cell: of constant weights.
        record: its record, with scores.
        catalogue: of the plugins.
        splits: its dataset.
        checkpoint: the file of its trained network.

    Raises:
        UsageError: the checkpoint is damaged.
    """
    with seeded(cell.seed, "initial parameters"):
        backbone: Backbone = catalogue.create("backbone", cell.backbone, splits.schema)
    model = Model(backbone, splits, cell.training)
    start = _losses(model, splits)
    backbone.load_state_dict(Checkpoint.load(checkpoint, cell.id).backbone)
    backbone.eval()
    return Measured(
        cell=cell.id,
        seconds=record.spent("seconds"),
        start_losses=start,
        losses=_losses(model, splits),
        scores=record.primary_scores("validation"),
        best_epochs=best_epochs(record),
        pairs=tuple(_pairs(model, splits, cell.training.batch_size)),
    )


def best_epochs(record: Record) -> dict[str, int]:
    """Task -> the number of the validation at which its own score was best, from 1; without tasks that have none."""
    found = {}
    for task in record.dataset.tasks:
        scores = [point.validation.get(task) for point in record.curve]
        known = [(score, -place) for place, score in enumerate(scores, start=1) if score is not None]
        if known:
            found[task] = -max(known)[1]
    return found


def cosines(grams: list[Tensor], tasks: tuple[str, ...]) -> list[Pair]:
    """The pairs of ``tasks`` in batches with these inner products (K, K) of their gradients.

    A batch in which the gradient of a task is 0, for want of observed labels, does not count for it.
    """
    pairs = []
    for i, j in combinations(range(len(tasks)), 2):
        lengths = [math.sqrt(float(gram[i, i]) * float(gram[j, j])) for gram in grams]
        found = [float(gram[i, j]) / length for gram, length in zip(grams, lengths, strict=True) if length > 0]
        if len(found) > 1:
            error = stdev(found) / math.sqrt(len(found))
            pairs.append(Pair((tasks[i], tasks[j]), fmean(found), error, fmean(value < 0 for value in found)))
    return pairs


def _losses(model: Model, splits: Splits) -> dict[str, float]:
    part = splits.validation
    means = model.tasks.mean_losses(model.infer(part), part.labels, part.weight)
    return dict(zip(splits.schema.task_names, means, strict=True))


def _pairs(model: Model, splits: Splits, batch: int) -> list[Pair]:
    """The pairs of tasks over batches of training rows; none where no parameter is shared."""
    order = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(0))
    reached = reach(model.probe(), model.leaves())
    grams = []
    for rows in order.split(batch)[:BATCHES]:
        step = model.step(rows)
        found = TaskGradients.of_logits(step.logits, step.task_losses, None, model.leaves(), reached).shared
        if not found.jacobian:
            return []
        grams.append(found.gram)
    return cosines(grams, splits.schema.task_names)


def save(found: Measured, path: Path) -> None:
    """Write ``found`` to ``path``, whole or not at all."""
    with replacing(path) as file:
        file.write(json.dumps(asdict(found), indent=2).encode())


def saved(path: Path, cell: str) -> Measured | None:
    """What :func:`save` wrote of ``cell``; ``None`` where there is nothing of it."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        pairs = tuple(Pair(**{**pair, "tasks": tuple(pair["tasks"])}) for pair in content["pairs"])
        found = Measured(**{**content, "pairs": pairs})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.cell == cell else None
