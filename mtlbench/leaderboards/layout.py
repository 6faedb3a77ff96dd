"""From boards to tables: which rows and columns a reader sees, before any format."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mtlbench.leaderboards.board import METRICS, Board, Column, Row, Spend
from mtlbench.leaderboards.captions import captions, notes, spend_caption
from mtlbench.leaderboards.grouping import boards
from mtlbench.leaderboards.naming import canonical
from mtlbench.records import Record

Layout = Literal["methods", "paper"]

MISSING = "–"
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Cell:
    """Text, an aside that is quieter than the text, and how it stands out."""

    text: str
    aside: str = ""
    bold: bool = False
    underline: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Head:
    """Head of a column: a group above (the task), which neighbours may share, and a name (the metric)."""

    group: str
    name: str


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    labels: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    rule_above: bool = False


@dataclass(frozen=True)
class Table:
    """A titled grid with its caption and notes; writers turn it into Markdown or terminal output."""

    title: str
    caption: tuple[str, ...]
    labels: tuple[str, ...]
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    notes: tuple[tuple[str, str], ...] = ()
    """Number in superscript, and text."""
    spend: "Table | None" = None


def build(records: Sequence[Record], layout: Layout = "methods") -> list[Table]:
    """The leaderboard tables of ``records``.

    Args:
        records: in any order; the tables do not depend on it.
        layout: ``methods``: one table per dataset, methods down, task and metric across. ``paper``: the shape of
            Table 1 of the RMTL paper, dataset, task and metric down, methods across.
    """
    found = boards(records)
    if layout == "methods":
        return [_methods_table(board) for board in found]
    together: dict[str, list[Board]] = {}
    for board in found:
        together.setdefault(canonical(board.settings), []).append(board)
    return [_paper_table(group) for group in together.values()]


def _methods_table(board: Board) -> Table:
    marks, texts = _marked_notes([board])
    lines: list[Line] = []
    for row in board.rows:
        label = Cell(row.method + marks.get(row.method, ""), row.gap)
        rule = row.state == "optimum" or (bool(lines) and not row.baseline and board.rows[len(lines) - 1].baseline)
        lines.append(Line((label,), tuple(_cell(row, column) for column in board.columns), rule))
    heads = tuple(Head(task, METRICS[metric]) for task, metric in board.columns)
    return Table(board.title, captions([board]), ("Method",), heads, tuple(lines), texts, _spend_table([board]))


def _paper_table(group: Sequence[Board]) -> Table:
    marks, texts = _marked_notes(group)
    methods = _methods(group)
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
    title = "; ".join(board.title for board in group)
    return Table(title, captions(group), ("Dataset", "Task", "Metric"), heads, tuple(lines), texts, _spend_table(group))


def _methods(group: Sequence[Board]) -> list[str]:
    """Methods of all boards, in the order of a single board."""
    rows = {row.method: row for board in group for row in board.rows}
    return sorted(rows, key=lambda method: (rows[method].state == "optimum", rows[method].order))


def _cell(row: Row | None, column: Column) -> Cell:
    if row is None:
        return Cell(MISSING, quiet=True)
    value = row.values.get(column)
    if value is None:
        text = {"failed": "failed", "not applicable": "n/a"}.get(row.state, MISSING)
        return Cell(text, quiet=True)
    return Cell(value.text, value.spread, value.best, value.best_baseline, quiet=row.state != "complete")


def _marked_notes(group: Sequence[Board]) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """The mark of each method that has a note, and the notes by mark."""
    by_method: dict[str, list[str]] = {}
    for board in group:
        where = f"{board.title}: " if len(group) > 1 else ""
        for row in board.rows:
            if text := notes(row):
                by_method.setdefault(row.method, []).append(where + text)
    marks = {method: str(number).translate(SUPERSCRIPTS) for number, method in enumerate(by_method, start=1)}
    return marks, tuple((marks[method], f"{method}: {' '.join(texts)}") for method, texts in by_method.items())


def _spend_table(group: Sequence[Board]) -> Table | None:
    spends = [{row.method: row.spend for row in board.rows if row.spend} for board in group]
    methods = [method for method in _methods(group) if any(method in spend for spend in spends)]
    if not methods:
        return None
    titles = [board.title if len(group) > 1 else "" for board in group]
    heads = tuple(Head(title, name) for title in titles for name in ("Steps", "Rows", "Seconds"))
    lines = tuple(
        Line((Cell(method),), tuple(cell for spend in spends for cell in _spend_cells(spend.get(method))))
        for method in methods
    )
    return Table("Spend", spend_caption(group), ("Method",), heads, lines)


def _spend_cells(spend: Spend | None) -> list[Cell]:
    if spend is None:
        return [Cell(MISSING, quiet=True)] * 3
    return [Cell(f"{spend.steps:,.0f}"), Cell(f"{spend.rows:,.0f}"), Cell(f"{spend.seconds:,.1f}")]
