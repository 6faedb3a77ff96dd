"""Rows of one time at the boundary of two splits: which goes where is not for the order of the file to say.

A file may be sorted by a label, and the splits would differ in its rate then.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.api import Log
from mtlbench.api.spilled import take
from mtlbench.data.splitting import Division

FEWEST = 0.001
"""Share of the rows up to which tied rows keep the order of the file: so few move no base rate, and where times are in
milliseconds they are most often one page, whose order the file tells."""

PRIME = np.uint64(0x100000001B3)
"""By which a hash is multiplied before that of a further column is added."""


def settle(log: Log, division: Division) -> tuple[NDArray[np.int64], dict[str, float]]:
    """The order with the ties at its boundaries settled, and the share of all rows that is tied at each.

    A hash of a row's content says on which side of the boundary it goes; on each side rows keep their order.

    Args:
        log: what was logged, in any order.
        division: its rows in the order of the splits. What begins where the log itself says is not touched.

    Returns:
        The order, the same object where nothing is to settle; and by the name of the split that begins there the share
        of rows that have the time with which it begins and the one before ends.
    """
    order = division.order
    if not (log.timestamp and division.counted):
        return order, {}
    starts = {name: division.parts[name].start for name in division.counted}
    time = log.frame[log.timestamp].to_numpy(np.int64)[order[: division.parts[division.counted[-1]].stop]]
    groups = {name: _tied(time, start) for name, start in starts.items()}
    large = {(group.start, group.stop) for group in groups.values() if _size(group) > FEWEST * len(order)}
    if large:
        order = order.copy()
    for first, last in large:
        rows = order[first:last]
        rank = np.empty(len(rows), dtype=np.int64)
        rank[np.argsort(_hashes(log, rows), kind="stable")] = np.arange(len(rows))
        side = np.searchsorted(list(starts.values()), first + rank, "right")
        order[first:last] = rows[np.argsort(side, kind="stable")]
    return order, {name: _size(group) / len(order) for name, group in groups.items() if _size(group)}


def _tied(time: NDArray[np.int64], boundary: int) -> slice:
    """The rows, of those with the given times in order, that have the time of both neighbours of the boundary."""
    if not 0 < boundary < len(time) or time[boundary - 1] != time[boundary]:
        return slice(boundary, boundary)
    first, last = np.searchsorted(time, time[boundary], "left"), np.searchsorted(time, time[boundary], "right")
    return slice(int(first), int(last))


def _size(group: slice) -> int:
    size: int = group.stop - group.start
    return size


def _hashes(log: Log, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of what the log says in each of the rows."""
    inputs = (*log.categorical, *log.numerical, *log.binned)
    named = dict.fromkeys([*log.task_names, *inputs, *filter(None, (log.session, log.user, log.weight))])
    content = pd.DataFrame({name: take(log.frame, name, rows) for name in named})
    hashes = np.asarray(pd.util.hash_pandas_object(content, index=False), dtype=np.uint64)
    for name in (*(bag.name for bag in log.described_bags), *log.vectors):
        texts = take(log.frame, name, rows).map(_written, na_action=None).to_numpy(object)
        hashes = hashes * PRIME + pd.util.hash_array(texts)
    return hashes


def _written(value: object) -> str:
    """A list as a text, the same in whatever type the log holds it; a missing one as an empty list."""
    if isinstance(value, np.ndarray):
        value = value.tolist()  # whose numbers are Python's
    return str(list(value)) if isinstance(value, Iterable) else "[]"
