"""From boards to tables: which rows and columns a reader sees, and in which order, before any format."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal

from mtlbench.config.parameters import params_text
from mtlbench.errors import UsageError, did_you_mean
from mtlbench.leaderboards.boards.across import across
from mtlbench.leaderboards.boards.board import Board, Row
from mtlbench.leaderboards.boards.columns import metric_of
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards, comparable, searches_on
from mtlbench.leaderboards.boards.naming import apart, natural
from mtlbench.leaderboards.tables.across import across_table
from mtlbench.leaderboards.tables.captions import captions, marked_notes
from mtlbench.leaderboards.tables.claims import difference_head
from mtlbench.leaderboards.tables.controls import control_tables
from mtlbench.leaderboards.tables.lines import difference_cell, method_lines, metric_heads, score_cell, shown_rows
from mtlbench.leaderboards.tables.overall import diagnostics_table, overall_table, standing_cells, standing_heads
from mtlbench.leaderboards.tables.searches import search_tables
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell
from mtlbench.records import Record
from mtlbench.records.searches import Search

Layout = Literal["methods", "paper"]

DEFAULT_ORDER = "weighting"
"""Baselines first, then by weighting, then by backbone: the order of a board."""

MOST_WITH_INTERVALS = 4
"""Tasks whose primary metrics fit a page of 100 characters with their intervals, beside rank and Delta_m."""

Key = Callable[[Row], float | None]


def build(
    records: Iterable[Record],
    layout: Layout = "methods",
    sort: str = DEFAULT_ORDER,
    baselines: Sequence[str] = (),
    searches: Sequence[Search] = (),
) -> list[Table]:
    """The leaderboard tables of ``records``.

    Args:
        records: in any order; the tables do not depend on it. Those of an iterator are freed once boards are made.
        layout: ``methods``: one table per dataset, methods down, task and metric across. ``paper``: the shape of
            Table 1 of the RMTL paper, dataset, task and metric down, methods across.
        sort: order of the methods: ``weighting`` (baselines first), ``name``, ``rank``, ``delta_m``, or a task and a
            metric such as ``click.auc``.
        baselines: weightings that marks compare with; by default the baseline, and the tuned one where it was run.
        searches: those behind the tuned rows among ``records``.

    Raises:
        UsageError: the sort key or a baseline is unknown.
    """
    found = boards(records)
    check_sort(sort, found)
    found = [replace(board, rows=sorted_rows(board, sort)) for board in contrasted(found, baselines)]
    together = comparable(found)
    tables = []
    for group, different in zip(together, apart([group[0].settings for group in together]), strict=True):
        if layout == "methods":
            tables += [_methods_table(board, ruled=sort == DEFAULT_ORDER) for board in group]
            tables += [table for board in group for table in control_tables(board)]
            tables += [table for board in group if (table := diagnostics_table(board))]
        else:
            tables.append(_paper_table(group, sort))
        tables += [table for board in group for table in search_tables(board, searches_on(board, searches))]
        which = params_text({name.replace("_", " "): value for name, value in different.items()})
        if weightings := across(group, baselines):
            tables.append(across_table(weightings, which))
    return tables


def _methods_table(board: Board, ruled: bool) -> Table:
    marks, texts = marked_notes([board])
    overall = overall_table([board], [row.method for row in board.rows])
    if not board.two_tables:
        lines = method_lines(board, board.columns, ruled, marks, differences=True)
        heads = metric_heads(board.columns, [board])
        return Table(board.title, captions([board]), ("Method",), heads, lines, texts, overall, (board,))
    intervals = len(board.primaries) <= MOST_WITH_INTERVALS
    main_lines = method_lines(board, board.primaries, ruled, marks, differences=True, intervals=intervals)
    lines = tuple(
        replace(line, cells=(*standing_cells(row, board), *line.cells))
        for line, row in zip(main_lines, shown_rows(board), strict=True)
    )
    more = "the other metrics" if intervals else "intervals and the other metrics"
    main = f"Shown is the primary metric of each task, which selects epochs and ranks methods; {more} follow below."
    details = Table(
        f"{board.title}: all metrics",
        (),
        ("Method",),
        metric_heads(board.columns),
        method_lines(board, board.columns, ruled, marks),
    )
    heads = metric_heads(board.primaries, [board])
    short = [replace(head, group=head.group.replace("_", " ")) for head in heads]  # heads that wrap
    heads = (*standing_heads(board), *short)
    return Table(board.title, (*captions([board]), main), ("Method",), heads, lines, texts, overall, (board,), details)


def _paper_table(group: Sequence[Board], sort: str) -> Table:
    marks, texts = marked_notes(group)
    methods = _methods(group, sort)
    lines: list[Line] = []
    for board in group:
        rows = {row.method: row for row in board.rows}
        seen: set[str] = set()
        for task, metric in board.columns:
            labels = (
                TableCell("" if seen else board.title),
                TableCell("" if task in seen else task),
                TableCell(metric_of((task, metric)).label),
            )
            cells = tuple(score_cell(rows.get(method), (task, metric)) for method in methods)
            lines.append(Line(labels, cells, rule_above=bool(lines) and task not in seen))
            seen.add(task)
            if (task, metric) in board.primaries and (head := difference_head([board])):
                differences = tuple(difference_cell(rows.get(method), (task, metric)) for method in methods)
                lines.append(Line((TableCell(""), TableCell(""), TableCell(head)), differences))
    heads = tuple(Head("", method + marks.get(method, "")) for method in methods)
    return Table(
        title="; ".join(board.title for board in group),
        caption=captions(group),
        labels=("Dataset", "Task", "Metric"),
        heads=heads,
        lines=tuple(lines),
        notes=texts,
        spend=overall_table(group, methods),
        boards=tuple(group),
    )


def _methods(group: Sequence[Board], sort: str) -> list[str]:
    """Methods of all boards: in the order of a single board, else by their mean place."""
    rows = {row.method: row for board in group for row in board.rows}
    places: dict[str, list[int]] = {name: [] for name in rows}
    for board in group:
        for place, row in enumerate(board.rows):
            places[row.method].append(0 if sort == DEFAULT_ORDER else place)
    return sorted(rows, key=lambda name: (rows[name].state == "optimum", fmean(places[name]), rows[name].order))


def sort_keys(boards: Sequence[Board]) -> list[str]:
    """What the tables of ``boards`` can be sorted by."""
    columns = dict.fromkeys(f"{task}.{metric}" for board in boards for task, metric in board.columns)
    return [DEFAULT_ORDER, "name", "rank", "delta_m", *columns]


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
    if sort == DEFAULT_ORDER:
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
    column = task, metric
    return lambda row: -metric_of(column).gain(row.values[column].mean) if column in row.values else None
