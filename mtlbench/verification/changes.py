"""What is not the same in a record and in its cell run again."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from mtlbench.leaderboards import METRICS
from mtlbench.records import Record

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
    """The scores that differ by more than ``tolerance``, or are there once only.

    Args:
        record: as it was written.
        now: the same cell, run again.
        tolerance: largest difference that counts as none.
        metrics: those that are compared; all by default.
    """
    before, after = record.scores(), now.scores()
    return [
        Change(f"{split} {task} {METRICS.get(metric, metric)}", was, is_)
        for split, task, metric in dict.fromkeys([*before, *after])
        if (metrics is None or metric in metrics)
        and not _close(was := before.get((split, task, metric)), is_ := after.get((split, task, metric)), tolerance)
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


def _close(before: float | None, now: float | None, tolerance: float) -> bool:
    return before == now if before is None or now is None else abs(before - now) <= tolerance
