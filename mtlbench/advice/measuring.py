"""What one trained cell of constant weights shows of the tasks: their losses, their pace, and whether they conflict."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from mtlbench.advice.conflict import Cosines, Pair, cosines_on_the_way
from mtlbench.api import Backbone, Splits
from mtlbench.cells import Cell
from mtlbench.discovery import Catalogue
from mtlbench.errors import UsageError
from mtlbench.files import replacing
from mtlbench.records import Record
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded


@dataclass(frozen=True)
class Measured:
    """What was measured on one cell of constant weights; numbers by task."""

    cell: str
    """The cell's id."""
    seconds: float
    """That its training took."""
    looking: float
    """Seconds that the gradients of its tasks took."""
    start_losses: dict[str, float]
    """On validation, of the initial network."""
    losses: dict[str, float]
    """On validation, of the trained network."""
    scores: dict[str, float | None]
    """On validation, by the primary metric."""
    best_epochs: dict[str, int]
    """The epoch in which each task by itself was best on validation."""
    cosines: Cosines | None
    """Of the tasks' gradients; ``None`` where no parameter is shared, or there were too few batches."""


def measured(cell: Cell, record: Record, catalogue: Catalogue, splits: Splits, checkpoint: Path) -> Measured:
    """Measure the trained network of ``cell``, and the way to it.

    Args:
        cell: of constant weights.
        record: its record, with scores.
        catalogue: of the plugins.
        splits: its dataset.
        checkpoint: the file of its trained network.

    Raises:
        UsageError: the checkpoint is damaged, or the baseline trains in several stages.
    """
    with seeded(cell.seed, "initial parameters"):
        backbone: Backbone = catalogue.create("backbone", cell.backbone, splits.schema)
    model = Model(backbone, splits, cell.training)
    start = _losses(model, splits)
    stages = list((record.best_epoch or {}).items())
    if len(stages) != 1:
        raise UsageError(f"{record.method} trains in {len(stages)} stages; advice needs a baseline that has one")
    began = perf_counter()
    cosines = cosines_on_the_way(model, splits, cell, *stages[0])
    looking = perf_counter() - began
    backbone.load_state_dict(Checkpoint.load(checkpoint, cell.id).backbone)
    trained = Model(backbone, splits, cell.training)  # the other one has updates that wait for the rows they are of
    return Measured(
        cell=cell.id,
        seconds=record.spent("seconds"),
        looking=looking,
        start_losses=start,
        losses=_losses(trained, splits),
        scores=record.primary_scores("validation"),
        best_epochs=best_epochs(record),
        cosines=cosines,
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


def _losses(model: Model, splits: Splits) -> dict[str, float]:
    part = splits.validation
    means = model.tasks.mean_losses(model.infer(part), part.labels, part.weight)
    return dict(zip(splits.schema.task_names, means, strict=True))


def save(found: Measured, path: Path) -> None:
    """Write ``found`` to ``path``, whole or not at all."""
    with replacing(path) as file:
        file.write(json.dumps(asdict(found), indent=2).encode())


def saved(path: Path, cell: str) -> Measured | None:
    """What :func:`save` wrote of ``cell``; ``None`` where there is nothing of it."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if (known := content["cosines"]) is not None:
            pairs = tuple(Pair(**{**pair, "tasks": tuple(pair["tasks"])}) for pair in known["pairs"])
            content["cosines"] = Cosines(**{**known, "pairs": pairs})
        found = Measured(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.cell == cell else None
