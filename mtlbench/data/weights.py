"""Sample weights: how much each row of a log counts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pandas.api import types

from mtlbench.api import DataError, Log
from mtlbench.data.checking_inputs import refuse

RANGE = (1e-15, 1e15)
"""Of a weight above 0: sums of such weights over a batch stay well inside float32."""


def check_weight(log: Log) -> None:
    """Refuse a column of weights that are no finite numbers of 0 or more.

    Raises:
        DataError: naming the column, the row, the value and the remedy.
    """
    if log.weight is None:
        return
    name, column = log.weight, log.frame[log.weight]
    if not types.is_numeric_dtype(column) or types.is_complex_dtype(column):
        raise DataError(
            f"column {name!r} of weights is not numeric: it holds {column.iloc[0]!r} ({column.dtype}); convert it to "
            "numbers of 0 or more"
        )
    values = column.to_numpy(np.float64, na_value=np.nan)
    what = f"column {name!r} of weights"
    remedy = "a weight is a finite number of 0 or more, and 0 leaves the row out of training and metrics: correct it"
    refuse(log, name, ~(np.isfinite(values) & (values >= 0)), what, remedy)
    extreme = (values > 0) & ((values < RANGE[0]) | (values > RANGE[1]))
    scale = "only the ratio of weights matters: scale all of them to about 1, or make a tiny one 0"
    refuse(log, name, extreme, what, scale)


def weights_of(log: Log, order: NDArray[np.int64]) -> NDArray[np.float32] | None:
    """The weights (N,) in the order of the splits; ``None`` where the log has none."""
    if log.weight is None:
        return None
    return log.frame[log.weight].to_numpy(np.float32)[order]


def check_weights(log: Log, weight: NDArray[np.float32], parts: Mapping[str, slice], dataset: str) -> None:
    """Refuse a split of which no row counts.

    Raises:
        DataError: all weights of a split are 0.
    """
    for part, rows in parts.items():
        if rows.stop > rows.start and not weight[rows].any():
            raise DataError(
                f"dataset {dataset!r}{f' ({log.origin})' if log.origin else ''}: column {log.weight!r} of weights is 0 "
                f"in all {rows.stop - rows.start} rows of the {part} split, so that none of them counts: give one of "
                "them a weight above 0, or split the log otherwise"
            )
