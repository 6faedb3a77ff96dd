"""A record as the page holds it: all of its provenance, its curves short enough to draw."""

from collections.abc import Sequence
from typing import Any

from mtlbench.records import Epoch, Record

MOST_POINTS = 200
"""Of one stage's curve; a longer one is thinned, its first, last and kept epochs stay."""
DIGITS = 7


class Shared:
    """Values that many cells share, each held once and named by its place."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """Where ``value`` is, put there if it is new."""
        key = repr(value)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def cell_content(record: Record, shared: Shared) -> dict[str, Any]:
    """What the page knows of one cell."""
    tasks = record.dataset.tasks
    uses = {
        kind: {"version": use.version, "source": use.source, "params": use.params}
        for kind, use in (("dataset", record.dataset), ("backbone", record.backbone), ("weighting", record.weighting))
    }
    environment = {name: value for name, value in record.environment.items() if name != "utc"}
    return {
        "id": record.cell,
        "seed": record.seed,
        "status": record.status,
        "reason": record.failure.reason if record.failure else None,
        "traceback": record.failure.traceback if record.failure else None,
        "uses": shared.place(uses),
        "fingerprint": shared.place(record.dataset.fingerprint),
        "environment": shared.place(environment),
        "utc": record.environment.get("utc"),
        "protocol": record.protocol,
        "checksum": record.checksum,
        "training": shared.place({"preset": record.preset, **record.training}),
        "metrics": {
            split: [{name: short(value) for name, value in scores.get(task, {}).items()} for task in tasks]
            for split, scores in (record.metrics or {}).items()
        },
        "kept": {**(record.best_epoch or {}), **(record.selection.passes if record.selection else {})},
        "curve": [_stage(record, name, tasks) for name in dict.fromkeys(point.stage for point in record.curve)],
        "diagnostics": record.diagnostics,
        "spend": [stage.model_dump() for stage in record.spend],
    }


def _stage(record: Record, name: str, tasks: Sequence[str]) -> dict[str, Any]:
    """One stage of the curve, column by column; per task a list over validations."""
    kept = (record.best_epoch or {}).get(name)
    points = thinned([point for point in record.curve if point.stage == name], kept)
    weighted = any(point.weights for point in points)
    return {
        "stage": name,
        "epoch": [point.epoch if point.passes is None else short(point.passes) for point in points],
        "loss": [[short(point.train_loss.get(task)) for point in points] for task in tasks],
        "validation": [[short(point.validation.get(task)) for point in points] for task in tasks],
        "weights": {
            part: [[short((point.weights or {}).get(task, {}).get(part)) for point in points] for task in tasks]
            for part in ("mean", "q05", "q95")
        }
        if weighted
        else None,
    }


def thinned(points: Sequence[Epoch], kept: int | None, most: int = MOST_POINTS) -> list[Epoch]:
    """At most about ``most`` of ``points``, evenly spaced; the first, the last and the kept epoch among them."""
    if len(points) <= most:
        return list(points)
    stride = (len(points) - 1) / (most - 1)
    chosen = {round(i * stride) for i in range(most)} | {i for i, point in enumerate(points) if point.epoch == kept}
    return [points[i] for i in sorted(chosen)]


def short(value: float | None) -> float | None:
    """As many digits as a screen can use."""
    return None if value is None else float(f"{value:.{DIGITS}g}")
