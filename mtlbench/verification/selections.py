"""Whether what was scored on the test split was chosen on the validation split, by the rule of the trainer."""

import math
from collections.abc import Iterator, Sequence
from statistics import fmean

from mtlbench.records import Epoch, Record
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Stored

TOLERANCE = 1e-6
"""Between the AUC in the curve and that of the state brought back: an accelerator sums in another order."""


def selected(stored: Sequence[Stored]) -> Iterator[Finding]:
    """Findings about the epochs kept.

    The trainer keeps the epoch of the best mean validation AUC over tasks. It breaks a tie by validation loss, which
    the curve lacks, so any of equal epochs is accepted. So of each stage the epoch kept is a best one of the curve,
    where any was better than what the stage began with; and the state scored has the validation AUC of the best epoch
    kept, or of the cell it started from where none was. A choice by the test split breaks this unless the curve was
    changed too.
    """
    records = {one.record.cell: one.record for one in stored}
    for one in stored:
        if one.record.status == "done":
            for text in _faults(one.record, records):
                yield Finding("selection", f"{text}; run the cell again", one.path, one.record)


def _faults(record: Record, records: dict[str, Record]) -> Iterator[str]:
    kept = record.best_epoch or {}
    best, where = -math.inf, ""
    for stage, epoch in kept.items():
        points = [point for point in record.curve if point.stage == stage]
        if len({point.epoch for point in points}) < len(points):
            continue  # the stage was run twice under one name: its curve does not tell which run was kept
        top = max(points, key=_score, default=None)
        if epoch == 0 or top is None:
            continue
        own = next((point for point in points if point.epoch == epoch), None)
        if own is None:
            yield f"it kept epoch {epoch} of stage {stage}, which its learning curve lacks"
        elif _score(top) > _score(own):
            yield (
                f"it kept epoch {epoch} of stage {stage}, of mean validation AUC {_score(own):.6f}, but epoch "
                f"{top.epoch} has {_score(top):.6f}: it was not chosen on the validation split"
            )
        elif _score(own) > best:
            best, where = _score(own), f"epoch {epoch} of stage {stage}"
    if where:
        yield from _scored(record, best, where)
    else:
        yield from _start_kept(record, records)


def _scored(record: Record, best: float, where: str) -> Iterator[str]:
    """The state scored is the one kept, not another epoch's."""
    own = _validation(record)
    if abs(own - best) > TOLERANCE:
        yield f"its mean validation AUC is {own:.6f}, but {where}, which it kept, has {best:.6f} in the learning curve"


def _start_kept(record: Record, records: dict[str, Record]) -> Iterator[str]:
    """No epoch was better than the start: the start's scores are the cell's, and no epoch has better ones."""
    source = records.get(next((stage.reused_from for stage in record.spend if stage.reused_from), None) or "")
    if source is None or source.status != "done" or not record.best_epoch:
        return
    own, start = _validation(record), _validation(source)
    if abs(own - start) > TOLERANCE:
        yield (
            f"it says that it kept what it started from, cell {source.cell[:12]} of mean validation AUC {start:.6f}, "
            f"but has {own:.6f}"
        )
    top = max(record.curve, key=_score, default=None)
    if top is not None and _score(top) > start + TOLERANCE:
        yield (
            f"it kept what it started from, of mean validation AUC {start:.6f}, but epoch {top.epoch} of stage "
            f"{top.stage} has {_score(top):.6f}: it was not chosen on the validation split"
        )


def _score(point: Epoch) -> float:
    values = [value for value in point.validation.values() if value is not None]
    return sum(values) / len(values) if values and len(values) == len(point.validation) else -math.inf


def _validation(record: Record) -> float:
    values = [of_task.get("auc") for of_task in (record.metrics or {}).get("validation", {}).values()]
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else math.nan
