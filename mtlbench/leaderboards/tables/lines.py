"""The lines of a table of methods: which rows have one, its label, values and differences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mtlbench.leaderboards.boards.board import MISSING, Board, Row
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.leaderboards.boards.contrasts import tuning
from mtlbench.leaderboards.tables.claims import difference_head, difference_text
from mtlbench.leaderboards.tables.table import Head, Line, TableCell

EQUAL = " = "
"""Between the names of rows that share a line."""


def shown_rows(board: Board) -> list[Row]:
    """The rows that have a line: of those that are equal the first.

    A row has its own where it equals its baseline, or one that was tuned otherwise, whose differences are others.
    """
    tunings = {row.method: tuning(row) for row in board.rows}
    return [
        row
        for row in board.rows
        if not row.equals or "not exercised" in row.flags or tunings[row.method] != tunings[row.equals]
    ]


def method_lines(
    board: Board,
    columns: Sequence[Column],
    ruled: bool,
    marks: Mapping[str, str],
    differences: bool = False,
    intervals: bool = True,
) -> tuple[Line, ...]:
    """A line per row, or per rows that are equal; with their ``differences`` beside the primary metrics."""
    lines: list[Line] = []
    shown = shown_rows(board)
    names = {row.method: [row.method] for row in shown}
    for row in board.rows:
        if row.method not in names:
            names.setdefault(row.equals, []).append(row.method)
    with_differences = board.primaries if differences and difference_head([board]) else ()
    for i, row in enumerate(shown):
        label = TableCell(EQUAL.join(name + marks.get(name, "") for name in names[row.method]), row.gap)
        first_method = ruled and i > 0 and not row.baseline and shown[i - 1].baseline
        cells: list[TableCell] = []
        for column in columns:
            cell = score_cell(row, column)
            cells.append(cell if intervals else replace(cell, aside=""))
            cells += [difference_cell(row, column)] if column in with_differences else []
        lines.append(Line((label,), tuple(cells), rule_above=first_method or row.state == "optimum"))
    return tuple(lines)


def metric_heads(columns: Sequence[Column], with_differences: Sequence[Board] = ()) -> tuple[Head, ...]:
    """Heads of the columns, and of the differences beside the primary ones."""
    primaries = {column for board in with_differences for column in board.primaries}
    difference = difference_head(with_differences)
    heads = []
    for column in columns:
        heads.append(Head(column[0], metric_of(column).label))
        heads += [Head(column[0], difference)] if difference and column in primaries else []
    return tuple(heads)


def difference_cell(row: Row | None, column: Column) -> TableCell:
    """The difference of ``row`` to the first baseline."""
    value = row.values.get(column) if row else None
    found = difference_text(value) if value else None
    return TableCell(*found) if found else TableCell(MISSING, quiet=True)


def score_cell(row: Row | None, column: Column) -> TableCell:
    """The mean of ``row`` with its interval and marks, or why there is none."""
    if row is None:
        return TableCell(MISSING, quiet=True)
    value = row.values.get(column)
    if value is None:
        text = {"failed": "failed", "not applicable": "n/a"}.get(row.state, MISSING)
        return TableCell(text, quiet=True)
    quiet = row.state != "complete"
    return TableCell(value.text, value.spread, value.best, value.best_baseline, quiet, value.marks)
