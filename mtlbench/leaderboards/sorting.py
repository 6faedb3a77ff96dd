"""The order of the rows of a table."""

import math
from collections.abc import Callable, Sequence

from mtlbench.errors import UsageError, did_you_mean
from mtlbench.leaderboards.board import HIGHER_IS_BETTER, Board, Row
from mtlbench.leaderboards.naming import natural

DEFAULT = "weighting"
"""Baselines first, then by weighting, then by backbone: the order of a board."""

Key = Callable[[Row], float | None]


def sort_keys(boards: Sequence[Board]) -> list[str]:
    """What the tables of ``boards`` can be sorted by."""
    columns = dict.fromkeys(f"{task}.{metric}" for board in boards for task, metric in board.columns)
    return [DEFAULT, "name", "rank", "delta_m", *columns]


def check_sort(sort: str, boards: Sequence[Board]) -> None:
    """Refuse an unknown key.

    Raises:
        UsageError: ``sort`` is none of :func:`sort_keys`.
    """
    if boards and sort not in sort_keys(boards):
        raise UsageError(f"unknown sort key {sort!r}: {did_you_mean(sort, sort_keys(boards))}")


def sorted_rows(board: Board, sort: str) -> tuple[Row, ...]:
    """The rows in the order of ``sort``, the best first.

    Rows that are not complete or have no such value follow in the board's order, the optimum last.
    """
    if sort == DEFAULT:
        return board.rows
    if sort == "name":
        return tuple(sorted(board.rows, key=lambda row: (row.state == "optimum", natural(row.method))))
    key = _key(sort)

    def place(row: Row) -> tuple[bool, bool, float]:
        value = key(row) if row.state == "complete" else None
        return row.state == "optimum", value is None, math.inf if value is None else value

    return tuple(sorted(board.rows, key=place))


def _key(sort: str) -> Key:
    """A number per row, the lowest the best."""
    if sort == "rank":
        return lambda row: row.rank
    if sort == "delta_m":
        return lambda row: None if row.delta_m is None else -row.delta_m.mean
    task, _, metric = sort.rpartition(".")
    sign = -1 if metric in HIGHER_IS_BETTER else 1
    return lambda row: sign * row.values[task, metric].mean if (task, metric) in row.values else None
