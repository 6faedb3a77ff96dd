"""Columns of a board: tasks and metrics, as records have them and as the registry of metrics knows them."""

from collections.abc import Iterable, Iterator, Sequence

from mtlbench.records import DatasetUse, Record
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.metrics.metric import Metric
from mtlbench.tasks.metrics.probabilities import NORMALISED_ENTROPY

Column = tuple[str, str]
"""Task and metric."""

TABULATED = tuple(key for key, metric in METRICS.items() if metric.tabulated)
"""Metrics that have a column, in the order of the registry."""
TABLE_METRICS = frozenset({*TABULATED, NORMALISED_ENTROPY.key})
"""What of a record's scores tables are made of: notes speak of the normalised entropy."""
MOST_IN_ONE_TABLE = 2
"""Tasks of a board that shows all metrics in one table."""
PLAIN_KIND = "binary"
"""What the label of a task is whose record does not say."""


def metric_of(column: Column) -> Metric:
    """The metric of a column of a board, which is always a known one."""
    return METRICS[column[1]]


def columns_of(records: Iterable[Record], dataset: DatasetUse) -> tuple[Column, ...]:
    """For each task its primary metric, then the other tabulated ones that a record has scores of."""
    held: dict[str, set[str]] = {task: set() for task in dataset.tasks}
    for record in records:
        for task, scores in (record.metrics or {}).get("test", {}).items():
            held.setdefault(task, set()).update(scores)
    return tuple((task, metric) for task in dataset.tasks for metric in _metrics(held[task], dataset.primary_of(task)))


def primaries_of(dataset: DatasetUse) -> tuple[Column, ...]:
    """The primary metric of each task that is known here."""
    return tuple((task, key) for task in dataset.tasks if (key := dataset.primary_of(task)) in METRICS)


def needs_two_tables(dataset: DatasetUse) -> bool:
    """Whether one table would hold too much: there are many tasks, or tasks whose labels are numbers."""
    return len(dataset.tasks) > MOST_IN_ONE_TABLE or bool(numeric_tasks(dataset))


def numeric_tasks(dataset: DatasetUse) -> list[str]:
    """The tasks whose labels are not 0 or 1."""
    return [task for task in dataset.tasks if dataset.kinds.get(task, PLAIN_KIND) != PLAIN_KIND]


def decimals_of(column: Column, values: Iterable[float]) -> int:
    """Digits behind the point of every value in the column."""
    return metric_of(column).decimals(max(map(abs, values), default=0.0))


def in_words(metrics: Sequence[str]) -> str:
    """``A, B and C``."""
    return " and ".join(filter(None, [", ".join(metrics[:-1]), metrics[-1]]))


def _metrics(held: set[str], primary: str) -> Iterator[str]:
    if primary in METRICS:
        yield primary
    yield from (key for key in TABULATED if key in held and key != primary)
