"""What is not the same in a record and in its cell run again."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from mtlbench.records import Record
from mtlbench.tasks.metrics import METRICS

BY_THE_WAY = {"utc"}
"""Of the environment what differs always."""


T = TypeVar("T")


@dataclass(frozen=True)
class Change(Generic[T]):
    """Something that is not what it was."""

    name: str
    before: T
    now: T


def changed_scores(
    record: Record, now: Record, tolerance: float = 0.0, metrics: Collection[str] | None = None
) -> list[Change[float | None]]:
    """The scores of ``record`` that differ by more than ``tolerance``, or are missing now.

    A metric that the record lacks is one that mtlbench did not have then. A metric that this task does not have any
    more, such as one of sessions where there are none, is not compared either; a primary metric always is.

    Args:
        record: as it was written.
        now: the same cell, run again.
        tolerance: largest difference that counts as none; of a metric in the label's unit, the largest share of it.
        metrics: those that are compared; all by default.
    """
    after = now.scores()
    return [
        Change(f"{split} {task} {METRICS[metric].label if metric in METRICS else metric}", was, is_)
        for (split, task, metric), was in record.scores().items()
        if (metrics is None or metric in metrics)
        and ((split, task, metric) in after or metric == record.dataset.primary_of(task))
        and not _close(was, is_ := after.get((split, task, metric)), tolerance * _unit(metric, was))
    ]


def changed_environment(record: Record, now: Record) -> list[Change[object]]:
    """What differs in machine and versions."""
    before, after = record.environment, now.environment
    return [
        Change(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if name not in BY_THE_WAY and before.get(name) != after.get(name)
    ]


def changed_code(record: Record, now: Record) -> list[Change[object]]:
    """The plugins whose code or version differs."""
    uses = ((record.dataset, now.dataset), (record.backbone, now.backbone), (record.weighting, now.weighting))
    return [
        Change(f"code of {old.name}", *(f"{use.version}, source {use.source[:12]}" for use in (old, new)))
        for old, new in uses
        if (old.version, old.source) != (new.version, new.source)
    ]


def _unit(metric: str, value: float | None) -> float:
    return abs(value or 1.0) if metric in METRICS and METRICS[metric].in_unit else 1.0


def _close(before: float | None, now: float | None, tolerance: float) -> bool:
    return before == now if before is None or now is None else abs(before - now) <= tolerance
