"""Labels of a log: what each task's kind allows, and what happened before what."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.api import DataError, Log, Task
from mtlbench.api.tasks import check_order
from mtlbench.errors import UsageError
from mtlbench.tasks.kind import Place, TaskKind
from mtlbench.tasks.registry import task_kind

Labels = NDArray[np.float32]


def kind_of(task: Task) -> TaskKind:
    """What the label of ``task`` is.

    Raises:
        UsageError: there is no such kind, or a parameter of it is wrong; naming the task.
    """
    try:
        return task_kind(task.kind, task.params)
    except UsageError as error:
        raise UsageError(f"task {task.name!r}: {error}") from error


def labels_of(task: Task, column: "pd.Series[Any]", place: Place = "row {}".format) -> Labels:
    """The labels (N,) in ``column``, NaN where they are missing.

    Raises:
        DataError: one is not of the task's kind.
    """
    numeric = pd.api.types.is_numeric_dtype(column)
    values = column.to_numpy(np.float64, na_value=np.nan) if numeric else column.to_numpy()
    return kind_of(task).read(values, task.name, place)


def check_labels(log: Log) -> None:
    """Refuse labels that their kinds cannot hold, and tasks that contradict those they come after.

    Raises:
        DataError: naming the task, the row and the remedy.
    """
    tasks = {task.name: task for task in log.described_tasks}
    check_order(log.described_tasks)

    def labels(name: str) -> Labels:
        return labels_of(tasks[name], log.frame[name], log.place)

    for name in tasks:
        labels(name)
    for task in tasks.values():
        if task.after is not None and not task.within and task.kind != "real":
            _check_after(log, task, labels(task.name), labels(task.after))


def clip_labels(labels: Labels, train: int, quantile: float | None) -> float | None:
    """Cut ``labels`` (N,) in place at the ``quantile`` of those of the first ``train`` rows that are observed.

    Returns:
        The value at which they are cut; ``None`` without a quantile, or where none is observed.
    """
    if quantile is None:
        return None
    seen = labels[:train].astype(np.float64)
    if np.isnan(seen).all():  # which the check of the splits refuses
        return None
    limit = float(np.nanquantile(seen, quantile))
    np.minimum(labels, np.float32(limit), out=labels)
    return limit


def _check_after(log: Log, task: Task, later: Labels, earlier: Labels) -> None:
    broken = (later > 0) & (earlier == 0)
    if broken.any():
        raise DataError(
            f"task {task.name!r} is {later[broken][0]:g} where {task.after!r} is 0 in {broken.sum()} rows, the first "
            f"{log.place(int(broken.argmax()))}, but is declared to come after it: order the tasks by stage, make the "
            "later one 0 where the earlier is 0, or declare them parallel, without `after`"
        )
