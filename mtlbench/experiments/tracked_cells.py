"""From the record of a cell to what a tracker is told of it."""

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mtlbench.api import TrackedCell, TrackedPoint
from mtlbench.cells import cell_stem
from mtlbench.config.parameters import spec_text
from mtlbench.config.plan import SEARCH_SEEDS
from mtlbench.records.schema import Record
from mtlbench.records.store import RecordStore

Named = Iterator[tuple[str, float | None]]


def tracked_cell(record: Record, seconds: float, out: Path) -> TrackedCell:
    """A cell that was done or failed just now, after ``seconds``; its record is in the results folder ``out``."""
    names = {kind: getattr(record, kind).name for kind in ("weighting", "backbone", "dataset")}
    specs = [spec_text(name, getattr(record, kind).changed) for kind, name in names.items()]
    seed = f"seed{record.seed}" if record.seed < SEARCH_SEEDS else f"search{record.seed - SEARCH_SEEDS}"
    reason = record.failure.reason if record.failure else None
    stem = cell_stem(names["dataset"], names["backbone"], names["weighting"], record.seed, record.cell)
    tags = {
        "cell": record.cell,
        "record": str(RecordStore(out).folder / f"{stem}.json"),
        "method": record.method,
        **names,
        "seed": str(record.seed),
        "status": record.status,
        "mtlbench": str(record.environment.get("mtlbench")),
        **({"reason": reason} if reason else {}),
    }
    ended = time.time()
    return TrackedCell(
        name="/".join([*specs, seed]),
        path="/".join([*names.values(), f"{seed}-{record.cell[:12]}"]),
        status="done" if record.status == "done" else "failed",
        reason=reason,
        tags=tags,
        parameters=_parameters(record, names),
        points=_points(record),
        scores=_finite(_scores(record)),
        began=ended - seconds,
        ended=ended,
    )


def _parameters(record: Record, names: Mapping[str, str]) -> dict[str, Any]:
    """Under the names that columns of results have."""
    return {
        **names,
        **{f"{kind}.{name}": value for kind in names for name, value in getattr(record, kind).params.items()},
        **{f"training.{name}": value for name, value in record.training.items()},
        "seed": record.seed,
        "preset": record.preset,
    }


def _points(record: Record) -> tuple[TrackedPoint, ...]:
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for step, epoch in enumerate(record.curve, start=1):
        of_weights = epoch.weights or {}
        found[step] |= _finite(
            [
                ("epoch", epoch.epoch if epoch.passes is None else epoch.passes),
                *((f"train/{task}/loss", loss) for task, loss in epoch.train_loss.items()),
                *((_of_task(record, "validation", task), score) for task, score in epoch.validation.items()),
                *((f"weight/{task}", summary.get("mean")) for task, summary in of_weights.items()),
            ]
        )
    for name, series in record.series.items():
        for step, value in enumerate(series, start=1):
            found[step] |= _finite([(f"series/{name}", value)])
    return tuple(TrackedPoint(step, values) for step, values in sorted(found.items()) if values)


def _of_task(record: Record, split: str, task: str) -> str:
    return f"{split}/{task}/{record.dataset.primary_of(task)}"


def _scores(record: Record) -> Named:
    for (split, task, metric), value in record.scores().items():
        yield f"{'selected' if split == 'validation' else split}/{task}/{metric}", value
    if record.selection is not None:
        yield "selected/objective", record.selection.objective
    if record.spend:
        yield "spend/steps", record.spent("steps")
        yield "spend/rows", record.spent("rows")
        yield "spend/seconds", record.spent("seconds")
    for name, logged in record.diagnostics.items():
        if isinstance(logged, list):
            tasks = record.dataset.tasks if len(logged) == len(record.dataset.tasks) else map(str, range(len(logged)))
            yield from ((f"diagnostics/{name}/{task}", one) for task, one in zip(tasks, logged, strict=True))
        else:
            yield f"diagnostics/{name}", logged


def _finite(named: "Named | list[tuple[str, float | None]]") -> dict[str, float]:
    return {name: float(value) for name, value in named if value is not None and math.isfinite(value)}
