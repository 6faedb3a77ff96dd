"""Columns that tell a label, as what is recorded after the event does."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.api.leaks import BINS, auc_alone, binned

SUSPECT = 0.9
"""A column that reaches this AUC on its own is suspected to be recorded after the event."""
JUDGED_ON = 200_000
SAME = 0.999
"""Share of rows on which two labels that are one agree, and correlation of two quantities that are one."""
SAME_OF_RARER = 0.9
"""The same as a share of the rows of the rarer class, so that two rare events are not one for being rare."""


def alone(column: "pd.Series[Any]", label: NDArray[np.bool_]) -> float:
    """AUC for ``label`` when each value of ``column`` is scored by its rate in the other half of the rows.

    Numbers are cut into quantiles; a missing value is a value. 0.5 where a half has one class.
    """
    column = column.iloc[:JUDGED_ON]
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > BINS:
        codes = binned(column.to_numpy(np.float64, na_value=np.nan))
    else:
        codes = pd.factorize(column, use_na_sentinel=False)[0].astype(np.int64)
    return auc_alone(codes, label[:JUDGED_ON])


def same(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float | None:
    """The share of rows on which two labels agree, where they are one label, or the opposite of it; else ``None``."""
    agree = float((one == other).mean())
    rarer = min(one.mean(), other.mean(), 1 - one.mean(), 1 - other.mean())
    most = min(1 - SAME, (1 - SAME_OF_RARER) * rarer)
    return agree if min(agree, 1 - agree) <= most else None


def counts_of(column: "pd.Series[Any]", group: "pd.Series[Any]", label: NDArray[np.bool_]) -> bool:
    """Whether a number is the count or the mean of ``label`` over all rows of its ``group``, later ones included."""
    values = column.to_numpy(np.float64, na_value=np.nan, copy=True)
    codes = pd.factorize(group, use_na_sentinel=False)[0]
    known = np.isfinite(values)
    values /= np.abs(values[known]).max(initial=0.0) or 1.0  # products of large numbers leave the range of a float
    if known.sum() < 2 or np.ptp(values[known]) == 0:
        return False
    sums = np.bincount(codes, weights=label)
    quantities = (sums[codes], (sums / np.bincount(codes))[codes])
    return any(
        np.ptp(quantity[known]) > 0 and np.corrcoef(values[known], quantity[known])[0, 1] > SAME
        for quantity in quantities
    )
