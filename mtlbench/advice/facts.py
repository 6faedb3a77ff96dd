"""What an encoded log holds: rows, tasks, and how many labels of each there are to learn and to judge by."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mtlbench.api import Split, Splits
from mtlbench.errors import DataError
from mtlbench.text import counted

FEWEST_TASKS = 2
FEWEST_LABELS = 10
"""Of either class of a binary task, in the validation and in the test split: with fewer the AUC is noise."""
FEWEST_NUMBERS = 50
"""Observed labels of a task of numbers, in the same splits."""
FEW_LABELS = 200
"""Of the rarer class, below which differences between methods drown in the error of the test sample."""
JUDGED = ("validation", "test")
"""The splits that choose and that score."""


@dataclass(frozen=True)
class TaskFacts:
    """The labels of one task."""

    name: str
    kind: str
    observed: Mapping[str, int]
    """Split -> labels that were observed."""
    rarer: Mapping[str, int]
    """Split -> labels of the rarer class of a binary task; of another kind the observed ones."""
    mean: float
    """Of the observed training labels: the base rate of a binary task."""
    share_observed: float
    """Of the training rows."""

    @property
    def binary(self) -> bool:
        """Whether labels are 0 and 1."""
        return self.kind == "binary"

    @property
    def rare(self) -> float:
        """Share of the rarer class in training; 0.5 for a task that is not binary."""
        return min(self.mean, 1 - self.mean) if self.binary else 0.5


@dataclass(frozen=True)
class LogFacts:
    """The splits of a log, and its tasks."""

    rows: Mapping[str, int]
    tasks: tuple[TaskFacts, ...]

    @property
    def warnings(self) -> list[str]:
        """What makes an answer less sure, as sentences."""
        return [
            f"{task.name} has {task.rarer['test']} labels of its rarer class in test: another test sample would move "
            "its AUC by more than weightings usually do."
            for task in self.tasks
            if task.binary and task.rarer["test"] < FEW_LABELS
        ]


def facts_of(splits: Splits) -> LogFacts:
    """The facts of an encoded log."""
    parts = splits.parts()
    tasks = []
    for k, task in enumerate(splits.schema.tasks):
        labels = {name: _observed(split, k) for name, split in parts.items()}
        ones = {name: int((values > 0).sum()) for name, values in labels.items()}
        observed = {name: len(values) for name, values in labels.items()}
        rarer = {name: min(ones[name], observed[name] - ones[name]) for name in parts}
        tasks.append(
            TaskFacts(
                name=task.name,
                kind=task.kind,
                observed=observed,
                rarer=rarer if task.kind == "binary" else observed,
                mean=float(labels["train"].double().mean()),
                share_observed=observed["train"] / max(1, len(parts["train"])),
            )
        )
    return LogFacts({name: len(split) for name, split in parts.items()}, tuple(tasks))


def require_answerable(facts: LogFacts, log: str) -> None:
    """Refuse a log on which no comparison of weightings could tell anything.

    Raises:
        DataError: it has one task, or a split has too few labels to judge by; with the remedy.
    """
    if len(facts.tasks) < FEWEST_TASKS:
        raise DataError(
            f"{log} has one task, {facts.tasks[0].name}: a weighting weighs tasks against each other; name two or more "
            "in its `tasks`"
        )
    for task in facts.tasks:
        for split in JUDGED:
            least = FEWEST_LABELS if task.binary else FEWEST_NUMBERS
            if task.rarer[split] < least:
                labels = counted(task.rarer[split], "label" if task.binary else "observed label")
                which = f"{labels} of its rarer class" if task.binary else labels
                raise DataError(
                    f"{log}: task {task.name!r} has {which} in the {split} split, and "
                    f"nothing can be told from fewer than {least}; give a longer log, larger splits (`split`), or "
                    "leave the task out"
                )


def _observed(split: Split, task: int) -> Tensor:
    labels = split.labels[:, task]
    return labels[~labels.isnan()]
