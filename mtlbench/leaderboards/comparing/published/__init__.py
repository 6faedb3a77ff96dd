"""Tables of papers and other libraries as data: weak references, shown beside results and never tested against."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from mtlbench.errors import UsageError, did_you_mean
from mtlbench.tasks.metrics import METRICS


@dataclass(frozen=True)
class Published:
    """One published number."""

    dataset: str
    task: str
    metric: str
    method: str
    value: float
    starred: bool
    """Whether it was published as a significant improvement."""


SOURCES = {
    "rmtl-table1": (
        "rmtl_table1.csv",
        'Table 1 of Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023, '
        "https://arxiv.org/abs/2302.03328",
    ),
    "mtreclib": (
        "mtreclib.csv",
        "what the library MTReclib reports, https://github.com/easezyc/Multitask-Recommendation-Library",
    ),
}
"""Name -> file and origin."""


def published(name: str) -> tuple[str, tuple[Published, ...]]:
    """The origin and the numbers of the published table called ``name``.

    Raises:
        UsageError: there is no such table.
    """
    if name not in SOURCES:
        raise UsageError(f"unknown published table {name!r}: {did_you_mean(name, list(SOURCES))}")
    file, origin = SOURCES[name]
    text = (resources.files(__name__) / file).read_text(encoding="utf-8")
    return origin, tuple(_numbers(list(csv.DictReader(text.splitlines()))))


def _numbers(rows: Sequence[dict[str, str]]) -> list[Published]:
    """Dataset and task are written where they change."""
    keys = {metric.label: key for key, metric in METRICS.items()}
    found: list[Published] = []
    for row in rows:
        found.append(
            Published(
                dataset=row["dataset"] or found[-1].dataset,
                task=row["task"] or found[-1].task,
                metric=keys[row["metric"]],
                method=row["method"],
                value=float(row["value"]),
                starred=row.get("significant") == "1",
            )
        )
    return found
