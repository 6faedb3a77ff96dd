"""From boards to tables: which rows and columns a reader sees, before any format."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal

from mtlbench.leaderboards.across import across_table
from mtlbench.leaderboards.board import METRICS, Board, Column, Row
from mtlbench.leaderboards.captions import captions, notes
from mtlbench.leaderboards.contrasts import contrasted
from mtlbench.leaderboards.controls import control_tables
from mtlbench.leaderboards.diagnostics import diagnostics_table
from mtlbench.leaderboards.grouping import boards, comparable
from mtlbench.leaderboards.naming import apart, params_text
from mtlbench.leaderboards.overall import overall_table
from mtlbench.leaderboards.sorting import DEFAULT, check_sort, sorted_rows
from mtlbench.leaderboards.table import MISSING, Cell, Head, Line, Table
from mtlbench.records import Record

Layout = Literal["methods", "paper"]

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def build(
    records: Iterable[Record], layout: Layout = "methods", sort: str = DEFAULT, baselines: Sequence[str] = ()
) -> list[Table]:
    """The leaderboard tables of ``records``.

    Args:
        records: in any order; the tables do not depend on it. Those of an iterator are freed once boards are made.
        layout: ``methods``: one table per dataset, methods down, task and metric across. ``paper``: the shape of
            Table 1 of the RMTL paper, dataset, task and metric down, methods across.
        sort: order of the methods: ``weighting`` (baselines first), ``name``, ``rank``, ``delta_m``, or a task and a
            metric such as ``click.auc``.
        baselines: weightings that stars compare with; by default the baseline, and the tuned one where it was run.

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
            tables += [_methods_table(board, ruled=sort == DEFAULT) for board in group]
            tables += [table for board in group for table in control_tables(board)]
            tables += [table for board in group if (table := diagnostics_table(board))]
        else:
            tables.append(_paper_table(group, sort))
        which = params_text({name.replace("_", " "): value for name, value in different.items()})
        across = across_table(group, baselines, which)
        tables += [across] if across else []
    return tables


def _methods_table(board: Board, ruled: bool) -> Table:
    marks, texts = _marked_notes([board])
    lines: list[Line] = []
    for row in board.rows:
        label = Cell(row.method + marks.get(row.method, ""), row.gap)
        first_method = ruled and bool(lines) and not row.baseline and board.rows[len(lines) - 1].baseline
        cells = tuple(_cell(row, column) for column in board.columns)
        lines.append(Line((label,), cells, rule_above=first_method or row.state == "optimum"))
    heads = tuple(Head(task, METRICS[metric]) for task, metric in board.columns)
    overall = overall_table([board], [row.method for row in board.rows])
    return Table(board.title, captions([board]), ("Method",), heads, tuple(lines), texts, overall, (board,))


def _paper_table(group: Sequence[Board], sort: str) -> Table:
    marks, texts = _marked_notes(group)
    methods = _methods(group, sort)
    lines: list[Line] = []
    for board in group:
        rows = {row.method: row for row in board.rows}
        seen: set[str] = set()
        for task, metric in board.columns:
            labels = (Cell("" if seen else board.title), Cell("" if task in seen else task), Cell(METRICS[metric]))
            cells = tuple(_cell(rows.get(method), (task, metric)) for method in methods)
            lines.append(Line(labels, cells, rule_above=bool(lines) and task not in seen))
            seen.add(task)
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
            places[row.method].append(0 if sort == DEFAULT else place)
    return sorted(rows, key=lambda name: (rows[name].state == "optimum", fmean(places[name]), rows[name].order))


def _cell(row: Row | None, column: Column) -> Cell:
    if row is None:
        return Cell(MISSING, quiet=True)
    value = row.values.get(column)
    if value is None:
        text = {"failed": "failed", "not applicable": "n/a"}.get(row.state, MISSING)
        return Cell(text, quiet=True)
    quiet = row.state != "complete"
    return Cell(value.text, value.spread, value.best, value.best_baseline, quiet, value.marks)


def _marked_notes(group: Sequence[Board]) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """The mark of each method that has a note, and the notes by mark; methods of which the same is said share one."""
    by_method: dict[str, list[str]] = {}
    for board in group:
        where = f"{board.title}: " if len(group) > 1 else ""
        for row in board.rows:
            if text := notes(row):
                by_method.setdefault(row.method, []).append(where + text)
    sharing: dict[str, list[str]] = {}
    for method, texts in by_method.items():
        sharing.setdefault(" ".join(texts), []).append(method)
    numbered = [(str(n).translate(SUPERSCRIPTS), *note) for n, note in enumerate(sharing.items(), start=1)]
    marks = {method: mark for mark, _, methods in numbered for method in methods}
    return marks, tuple((mark, f"{', '.join(methods)}: {text}") for mark, text, methods in numbered)
