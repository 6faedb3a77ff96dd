"""What a user did before each row of a log."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mtlbench.api.spilled import Frame, ids_of
from mtlbench.errors import DataError

CHUNK_ROWS = 1 << 18
"""Rows whose histories are put together at a time, to bound memory."""


def history(
    frame: Frame, user: str, item: str, time: str, where: str | None = None, last: int = 20
) -> "pd.Series[Any]":
    """For each row, the items of its user's last events before it, the latest first: a column for ``Log.bags``.

    ::

        frame["clicked"] = api.history(frame, "user_id", "item_id", "time_ms", where="click", last=50)

    An event counts if its time is earlier than that of the row. So events of the same time are left out, as is the row
    itself, and no row knows the future. A row of a test split knows the training events before it, as a recommender
    does. A row without a user has no history. Costs O(N log N) time, and N * ``last`` numbers of memory at most.

    Args:
        frame: the log, its rows in any order.
        user: the column of user ids.
        item: the column of item ids. A missing one is in no history.
        time: the column of times, numbers or dates.
        where: a column of 0 and 1, or booleans, that says which events count; ``None``: all.
        last: L, the most items of a row, >= 1.

    Returns:
        Lists of items, as long as the frame and with its index.

    Raises:
        DataError: a column is absent, a time is missing, items are of two types, or ``where`` holds something else than
            0 and 1.
    """
    _check(frame, user, item, time, where, last)
    owner = pd.factorize(ids_of(frame, user))[0]
    moment = pd.factorize(frame[time], sort=True)[0]
    counts = _events(frame, item, where, owner)
    order = np.lexsort((moment, owner))
    happened = counts[order]
    before: NDArray[np.int64] = np.cumsum(happened) - happened
    user_first = np.diff(owner[order], prepend=-2) != 0
    moment_first = user_first | (np.diff(moment[order], prepend=-2) != 0)
    # Of each row, in the order of all events that count: where those of its user begin, and where its own time begins.
    row = np.arange(len(order))
    starts: NDArray[np.int64] = before[np.maximum.accumulate(np.where(user_first, row, 0))]
    ends: NDArray[np.int64] = before[np.maximum.accumulate(np.where(moment_first, row, 0))]
    begin, end = np.empty(len(order), dtype=np.int64), np.empty(len(order), dtype=np.int64)
    begin[order], end[order] = np.maximum(starts, ends - last), ends
    begin[owner < 0] = end[owner < 0] = 0
    try:
        values = pa.array(frame[item].iloc[order[happened]])
    except pa.ArrowException as error:
        raise DataError(f"history: the items in {item!r} cannot be read: {error}; give items of one type") from error
    lists = pa.LargeListArray.from_arrays(np.append(0, np.cumsum(end - begin)), values.take(_latest_first(begin, end)))
    return pd.Series(lists, index=frame.index, dtype=pd.ArrowDtype(lists.type), name=f"history of {item}")


def _latest_first(begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from ``end`` - 1 down to ``begin`` of each row, one row after the other."""
    lengths = end - begin
    stop = np.cumsum(lengths)
    # The number at place p of a row that ends at s in the result is end - 1 - (p - (s - length)).
    highest = end - 1 + stop - lengths
    numbers = np.empty(int(lengths.sum()), dtype=np.int64)
    for first in range(0, len(lengths), CHUNK_ROWS):
        rows = slice(first, first + CHUNK_ROWS)
        into = slice(int(stop[first] - lengths[first]), int(stop[rows][-1]))
        numbers[into] = np.repeat(highest[rows], lengths[rows]) - np.arange(into.start, into.stop)
    return numbers


def _events(frame: Frame, item: str, where: str | None, owner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows are events that a history may hold."""
    known: NDArray[np.bool_] = frame[item].notna().to_numpy() & (owner >= 0)
    return known if where is None else known & (frame[where].to_numpy(np.float64, na_value=0.0) == 1)


def _check(frame: Frame, user: str, item: str, time: str, where: str | None, last: int) -> None:
    for name in filter(None, (user, item, time, where)):
        if name not in frame.columns:
            raise DataError(
                f"history: there is no column {name!r}; the columns are {', '.join(map(str, frame.columns))}"
            )
    if not isinstance(last, int | np.integer) or last < 1:
        raise DataError(f"history: last = {last}; give a whole number of 1 or more items")
    if frame[time].isna().any():
        row = int(frame[time].isna().to_numpy().argmax())
        raise DataError(f"history: row {row} has no time in {time!r}; drop the rows without one")
    if where is not None:
        marks = pd.to_numeric(frame[where], errors="coerce")
        wrong = (~marks.isin([0, 1]) & frame[where].notna()).to_numpy()
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(f"history: {where!r} holds {frame[where].iloc[row]!r} in row {row}; give 0 or 1")
