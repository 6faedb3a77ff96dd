"""Columns of 0 and 1 that tell a label because they are a stage of the same funnel."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench_plugins.datasets._table_tasks import TRUTHS
from mtlbench_plugins.describing.leaks import SUSPECT, alone, same
from mtlbench_plugins.describing.sample import Sample

Flags = Mapping[str, NDArray[np.bool_]]
"""Columns of 0 and 1, each with the rows in which it is 1."""


def ones(column: "pd.Series[Any]") -> NDArray[np.bool_] | None:
    """The rows in which a column of 0 and 1, or false and true, is 1; ``None`` of any other column."""
    if column.nunique() != 2 or column.isna().any():
        return None
    words = column.astype("str").str.strip().str.lower()
    return np.asarray(words.map(TRUTHS) == 1) if words.isin(TRUTHS).all() else None


def find_stages(sample: Sample, names: Iterable[str], labels: Flags) -> dict[str, tuple[NDArray[np.bool_], str]]:
    """Those of ``names`` that are a stage before or after one of ``labels``, with what says so.

    A stage before a label tells it nearly as well as what is written down after it: the label is 0 wherever it is.
    """
    found = {}
    for name in names:
        rows = ones(sample.frame[name]) if labels else None
        why = None if rows is None else _stage_of(sample.frame[name], rows, labels)
        if rows is not None and why is not None:
            found[name] = rows, why
    return found


def _stage_of(column: "pd.Series[Any]", rows: NDArray[np.bool_], labels: Flags) -> str | None:
    for task, label in labels.items():
        earlier, later = not (label & ~rows).any(), not (rows & ~label).any()
        if (earlier or later) and same(label, rows) is None and alone(column, label) >= SUSPECT:
            return f"1 wherever {task} is 1, as its earlier stage" if earlier else f"1 only where {task} is 1"
    return None
