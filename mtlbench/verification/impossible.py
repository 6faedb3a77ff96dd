"""What no training can have given, seen in one record alone: values, epochs and spend."""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from mtlbench.records import Epoch, Record, StageSpend
from mtlbench.tasks.metrics import METRICS
from mtlbench.verification.findings import Finding
from mtlbench.verification.folders import Stored


def impossible(stored: Sequence[Stored]) -> Iterator[Finding]:
    """Findings about fields whose values cannot be: each names the field and the value."""
    for one in stored:
        for text in chain(_values(one.record), _outcome(one.record), _epochs(one.record), _spend(one.record)):
            yield Finding("impossible", f"{text}; run the cell again", one.path, one.record)


def _values(record: Record) -> Iterator[str]:
    """Scores outside the range of their metric, and losses, seconds and memory below 0."""
    for (split, task, metric), value in record.scores().items():
        yield from _score(f"metrics.{split}.{task}.{metric}", metric, value)
    for split, tasks in (record.dataset.optimum or {}).items():
        for task, values in tasks.items():
            for metric, value in values.items():
                yield from _score(f"dataset.optimum.{split}.{task}.{metric}", metric, value)
    for point in record.curve:
        place = f"curve, stage {point.stage}, epoch {point.epoch}"
        if point.validation.keys() != set(record.dataset.tasks):
            yield f"{place}, validation has the tasks {', '.join(sorted(point.validation))}, unlike the dataset"
        for task, value in point.validation.items():
            metric = record.dataset.primary_of(task)
            yield from _score(f"{place}, validation.{task}", metric, value)
        for task, value in point.train_loss.items():
            if value is not None and value < 0:
                yield f"{place}, train_loss.{task} is {value!r}, but no loss is negative"
    if record.influence:
        for task in record.influence.sums.keys() - set(record.dataset.tasks):
            yield f"influence.sums.{task} is of no task of the dataset"
        if len(set(map(len, record.influence.sums.values()))) > 1:
            yield "influence.sums has tasks of different length, but all are over the same groups of test rows"
    for stage in record.spend:
        for name in ("seconds", "peak_memory_mib"):
            if getattr(stage, name) < 0:
                yield f"spend, stage {stage.stage}, {name} is {getattr(stage, name)!r}, which is negative"


def _score(field: str, metric: str, value: float | None) -> Iterator[str]:
    if value is not None and metric in METRICS and not METRICS[metric].can_be(value):
        low, high = METRICS[metric].range
        yield f"{field} is {value!r}, but {METRICS[metric].label} lies between {low:g} and {high:g}"


def _outcome(record: Record) -> Iterator[str]:
    """A cell that is done has primary scores of all tasks, of metrics that there are; one that is not has none."""
    for task in record.dataset.tasks:
        if record.dataset.primary_of(task) not in METRICS:
            yield f"dataset.primary.{task} is {record.dataset.primary_of(task)!r}, which is no metric of this mtlbench"
    scores = record.scores()
    if record.status != "done":
        if scores:
            yield f"status is {record.status}, but metrics has {len(scores)} scores"
        return
    for split in ("validation", "test"):
        for task in record.dataset.tasks:
            primary = record.dataset.primary_of(task)
            if (split, task, primary) not in scores:
                yield f"metrics.{split}.{task}.{primary} is missing, but status is done"


def _epochs(record: Record) -> Iterator[str]:
    """Of a cell that is done, an epoch was kept: one of its own, or what another cell had trained."""
    if record.status != "done":
        return
    kept, continued = record.best_epoch or {}, any(stage.reused_from for stage in record.spend)
    if not any(point.train_loss for point in record.curve) and not continued:
        what = "has no training loss" if record.curve else "is empty"
        yield f"curve {what}, but status is done and spend reuses no other cell: nothing was trained"
    for name in dict.fromkeys(point.stage for point in record.curve):
        if name not in kept:
            yield f"best_epoch has no stage {name}, which the curve has"
    first = next(iter(kept), None)
    if first is not None and kept[first] == 0 and not continued:
        yield (
            f"best_epoch.{first} is 0, which keeps what the stage began with, but no stage came before it and spend "
            "reuses no other cell"
        )


def _spend(record: Record) -> Iterator[str]:
    """Each epoch of the curve took a step per batch; a budget may cut the last one short. Merging takes no step.

    A step reads its batch and, where the weighting looks ahead, a second one.
    """
    rows = record.dataset.facts.get("rows.train")
    size = record.training.get("batch_size")
    if record.status != "done" or not isinstance(rows, int) or not isinstance(size, int) or rows < 1 or size < 1:
        return
    own: dict[str, list[StageSpend]] = {}
    for stage in record.spend:
        if not stage.reused_from:
            own.setdefault(stage.stage, []).append(stage)
    steps = batches(rows, size)
    for name in dict.fromkeys(point.stage for point in record.curve):
        points, runs = [point for point in record.curve if point.stage == name], own.get(name, [])
        if not any(point.train_loss for point in points):
            if taken := sum(stage.steps for stage in runs):
                yield f"spend, stage {name}, steps is {taken:,}, but the curve has no training loss of that stage"
            continue
        epochs = _trained(points)
        for unit, each, most in (("steps", steps, steps), ("rows", rows, 2 * rows)):
            spent = sum(getattr(stage, unit) for stage in runs)
            if not (epochs - len(runs)) * each < spent <= epochs * most:
                yield (
                    f"spend, stage {name}, {unit} is {spent:,}, but the curve has {epochs:,} epochs of that stage, of "
                    f"{each:,} {unit} each: {epochs * each:,}"
                )


def _trained(points: Sequence[Epoch]) -> int:
    """The epochs of a stage, begun ones included: its last one or, where it was run several times, those of each."""
    last = [one for one, after in pairwise(points) if _passes(after) <= _passes(one)]
    return sum(point.epoch for point in (*last, points[-1]))


def _passes(point: Epoch) -> float:
    """Over the training split; at the end of an epoch as many as epochs."""
    return point.epoch if point.passes is None else point.passes


def batches(rows: int, size: int) -> int:
    """The batches of an epoch, as training cuts them: a last one of a single row is joined to the one before it."""
    count = -(-rows // size)
    last = rows - (count - 1) * size
    return count - 1 if count > 1 and last == 1 else count
