"""Whether what was scored on the test split was chosen on the validation split, by the rule of the trainer."""

import math
from collections.abc import Iterator, Mapping, Sequence

from mtlbench.errors import MtlbenchError
from mtlbench.records import Epoch, Record
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.objective import DELTA_M, MEAN, Objective
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Stored

TOLERANCE = 1e-6
"""Between the score in the curve and that of the state brought back: an accelerator sums in another order."""
OF_PERCENT = 1e-3
"""The same between two Delta_m, which are in percent."""
LOSSES = ("logloss", "loss")
"""The metric that is the mean loss of a task in training: the first that it has."""


def selected(stored: Sequence[Stored]) -> Iterator[Finding]:
    """Findings about the epochs kept.

    The trainer keeps the epoch of the best objective on validation. It breaks a tie by validation loss, which the curve
    lacks, so any of equal epochs is accepted. So of each stage the epoch kept is a best one of the curve, where any was
    better than what the stage began with. The state scored has the validation score of the best epoch kept, or of the
    cell it started from where none was. A choice by the test split breaks this unless the curve was changed too.

    An objective that is measured against another cell is checked where the record of that cell is there.
    """
    records = {one.record.cell: one.record for one in stored}
    for one in stored:
        known = all(one.record.dataset.primary_of(task) in METRICS for task in one.record.dataset.tasks)
        if one.record.status == "done" and known:
            for text in _faults(one.record, records):
                yield Finding("selection", f"{text}; run the cell again", one.path, one.record)


def _faults(record: Record, records: Mapping[str, Record]) -> Iterator[str]:
    try:
        judge = _judge(record, records)
    except MtlbenchError as error:
        yield f"its objective cannot be computed: {error}"
        return
    if judge is not None:
        yield from judge.kept()
        yield from judge.said()


def _judge(record: Record, records: Mapping[str, Record]) -> "_Judge | None":
    """What computes the objective of ``record``; ``None`` where the cell that it is measured against is not there.

    Raises:
        MtlbenchError: it has no objective that can be computed.
    """
    text = str(record.training.get("objective", MEAN))
    metrics = {task: METRICS[record.dataset.primary_of(task)] for task in record.dataset.tasks}
    cell = record.selection.reference if record.selection else None
    if text != DELTA_M or cell is None:
        return _Judge(record, Objective(text, metrics), records)
    reference = records.get(cell)
    if reference is None:
        return None
    return _Judge(record, Objective(text, metrics, reference.primary_scores("validation")), records)


class _Judge:
    """Computes the objective of one record again."""

    def __init__(self, record: Record, objective: Objective, records: Mapping[str, Record]) -> None:
        self._record = record
        self._objective = objective
        self._records = records
        self._tolerance = OF_PERCENT if objective.text == DELTA_M else TOLERANCE
        self._own = objective.of(record.primary_scores("validation"))
        self._name = f"mean validation {_called(record)}" if objective.text == MEAN else f"objective {objective.text}"

    def kept(self) -> Iterator[str]:
        """The best epoch of each stage was kept, and is what was scored."""
        best, where = -math.inf, ""
        within = self._record.selection.passes if self._record.selection else {}
        for stage, epoch in (self._record.best_epoch or {}).items():
            points = [point for point in self._record.curve if point.stage == stage]
            if len({(point.epoch, point.passes) for point in points}) < len(points):
                continue  # the stage was run twice under one name: its curve does not tell which run was kept
            top = max(points, key=self._score, default=None)
            if epoch == 0 or top is None:
                continue
            place = epoch, within.get(stage)
            own = next((point for point in points if (point.epoch, point.passes) == place), None)
            if own is None:
                yield f"it kept epoch {epoch} of stage {stage}, which its learning curve lacks"
            elif self._score(top) > self._score(own):
                yield (
                    f"it kept epoch {epoch} of stage {stage}, of {self._name} {self._score(own):.6f}, but epoch "
                    f"{top.epoch} has {self._score(top):.6f}: it was not chosen on the validation split"
                )
            elif self._score(own) > best:
                best, where = self._score(own), f"epoch {epoch} of stage {stage}"
        if not where:
            yield from self._start_kept()
        elif self._differ(self._own, best):
            yield (
                f"its {self._name} is {self._own:.6f}, but {where}, which it kept, has {best:.6f} in the learning curve"
            )

    def said(self) -> Iterator[str]:
        """What the record says of the state that was kept agrees with its scores."""
        said = self._record.selection
        if said is None:
            return
        if said.objective is None or self._differ(said.objective, self._own):
            yield f"selection.objective is {said.objective!r}, but its validation scores give {self._own:.6f}"
        loss = self._loss()
        if said.validation_loss is not None and abs(said.validation_loss - loss) > TOLERANCE * max(1, loss):
            yield f"selection.validation_loss is {said.validation_loss!r}, but its validation losses give {loss:.6f}"

    def _start_kept(self) -> Iterator[str]:
        """No epoch was better than the start: the start's scores are the cell's, and no epoch has better ones."""
        record = self._record
        source = self._records.get(next((stage.reused_from for stage in record.spend if stage.reused_from), None) or "")
        if source is None or source.status != "done" or not record.best_epoch:
            return
        start = self._objective.of(source.primary_scores("validation"))
        if self._differ(self._own, start):
            yield (
                f"it says that it kept what it started from, cell {source.cell[:12]} of {self._name} {start:.6f}, but "
                f"has {self._own:.6f}"
            )
        top = max(record.curve, key=self._score, default=None)
        if top is not None and self._score(top) > start + self._tolerance:
            yield (
                f"it kept what it started from, of {self._name} {start:.6f}, but epoch {top.epoch} of stage "
                f"{top.stage} has {self._score(top):.6f}: it was not chosen on the validation split"
            )

    def _score(self, point: Epoch) -> float:
        found = self._objective.of(point.validation)
        return -math.inf if math.isnan(found) else found

    def _differ(self, one: float, other: float) -> bool:
        return abs(one - other) > self._tolerance

    def _loss(self) -> float:
        """Mean over tasks of the mean validation loss; NaN where a task has none."""
        scores = (self._record.metrics or {}).get("validation", {})
        losses = [next((found[key] for key in LOSSES if key in found), None) for found in scores.values()]
        return sum(math.nan if loss is None else loss for loss in losses) / max(len(losses), 1)


def _called(record: Record) -> str:
    """The primary metrics by name, negated where lower is better."""
    metrics = dict.fromkeys(METRICS[record.dataset.primary_of(task)] for task in record.dataset.tasks)
    return " and ".join(f"-{metric.label}" if metric.lower_is_better else metric.label for metric in metrics)
