"""Whether what was scored on the test split was chosen on the validation split, by the rule of the trainer."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from mtlbench.records import Epoch, Record
from mtlbench.tasks.metrics import METRICS
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Stored

TOLERANCE = 1e-6
"""Between the score in the curve and that of the state brought back: an accelerator sums in another order."""


def selected(stored: Sequence[Stored]) -> Iterator[Finding]:
    """Findings about the epochs kept.

    The trainer keeps the epoch of the best mean over tasks of their primary metrics on validation. It breaks a tie by
    validation loss, which the curve lacks, so any of equal epochs is accepted. So of each stage the epoch kept is a
    best one of the curve, where any was better than what the stage began with. The state scored has the validation
    score of the best epoch kept, or of the cell it started from where none was. A choice by the test split breaks this
    unless the curve was changed too.
    """
    records = {one.record.cell: one.record for one in stored}
    for one in stored:
        known = all(one.record.dataset.primary_of(task) in METRICS for task in one.record.dataset.tasks)
        if one.record.status == "done" and known:
            for text in _faults(one.record, records):
                yield Finding("selection", f"{text}; run the cell again", one.path, one.record)


def _faults(record: Record, records: dict[str, Record]) -> Iterator[str]:
    score = _of_epoch(record)
    kept, name = record.best_epoch or {}, _called(record)
    best, where = -math.inf, ""
    for stage, epoch in kept.items():
        points = [point for point in record.curve if point.stage == stage]
        if len({point.epoch for point in points}) < len(points):
            continue  # the stage was run twice under one name: its curve does not tell which run was kept
        top = max(points, key=score, default=None)
        if epoch == 0 or top is None:
            continue
        own = next((point for point in points if point.epoch == epoch), None)
        if own is None:
            yield f"it kept epoch {epoch} of stage {stage}, which its learning curve lacks"
        elif score(top) > score(own):
            yield (
                f"it kept epoch {epoch} of stage {stage}, of mean validation {name} {score(own):.6f}, but epoch "
                f"{top.epoch} has {score(top):.6f}: it was not chosen on the validation split"
            )
        elif score(own) > best:
            best, where = score(own), f"epoch {epoch} of stage {stage}"
    if where:
        yield from _scored(record, best, where)
    else:
        yield from _start_kept(record, records)


def _scored(record: Record, best: float, where: str) -> Iterator[str]:
    """The state scored is the one kept, not another epoch's."""
    own, name = _validation(record), _called(record)
    if abs(own - best) > TOLERANCE:
        yield (
            f"its mean validation {name} is {own:.6f}, but {where}, which it kept, has {best:.6f} in the learning curve"
        )


def _start_kept(record: Record, records: dict[str, Record]) -> Iterator[str]:
    """No epoch was better than the start: the start's scores are the cell's, and no epoch has better ones."""
    source = records.get(next((stage.reused_from for stage in record.spend if stage.reused_from), None) or "")
    if source is None or source.status != "done" or not record.best_epoch:
        return
    own, start, name, score = _validation(record), _validation(source), _called(record), _of_epoch(record)
    if abs(own - start) > TOLERANCE:
        yield (
            f"it says that it kept what it started from, cell {source.cell[:12]} of mean validation {name} "
            f"{start:.6f}, but has {own:.6f}"
        )
    top = max(record.curve, key=score, default=None)
    if top is not None and score(top) > start + TOLERANCE:
        yield (
            f"it kept what it started from, of mean validation {name} {start:.6f}, but epoch {top.epoch} of stage "
            f"{top.stage} has {score(top):.6f}: it was not chosen on the validation split"
        )


def _called(record: Record) -> str:
    """The primary metrics by name, negated where lower is better."""
    metrics = dict.fromkeys(METRICS[record.dataset.primary_of(task)] for task in record.dataset.tasks)
    return " and ".join(f"-{metric.label}" if metric.lower_is_better else metric.label for metric in metrics)


def _score(record: Record, values: Mapping[str, float | None]) -> float:
    """What selects an epoch: the mean over tasks of their primary metrics, more is better; NaN where one is missing."""
    gains = [METRICS[record.dataset.primary_of(task)].gain(v) for task, v in values.items() if v is not None]
    return sum(gains) / len(gains) if gains and len(gains) == len(values) else math.nan


def _of_epoch(record: Record) -> Callable[[Epoch], float]:
    def score(point: Epoch) -> float:
        found = _score(record, point.validation)
        return -math.inf if math.isnan(found) else found

    return score


def _validation(record: Record) -> float:
    scores = (record.metrics or {}).get("validation", {})
    return _score(record, {task: found.get(record.dataset.primary_of(task)) for task, found in scores.items()})
