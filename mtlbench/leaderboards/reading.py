"""From a Markdown page back to its tables and to the scores of every seed: the inverse of the writer."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from mtlbench.errors import UsageError
from mtlbench.leaderboards.board import METRICS
from mtlbench.leaderboards.board_scores import BoardScores, from_json
from mtlbench.leaderboards.markdown import DATA_END, DATA_START, HEADER, NOTES
from mtlbench.leaderboards.table import MISSING, Cell, Head, Line, Table
from mtlbench.text import one_line

BREAK = "<br>"
VALUE = re.compile(r"(?P<text>.*?)(?P<aside>\(\d+\)| \([\d.]+ to [\d.]+\))?(?P<marks>[*°†‡]*)")
MADE = re.compile("(?P<options>.*)".join(map(re.escape, HEADER.split("{}"))))
REBUILD = "build it anew with `mtlbench leaderboard build`"


@dataclass(frozen=True)
class Page:
    """A leaderboard page."""

    title: str
    tables: tuple[Table, ...]
    """As they were written, without what a page does not show: rules, and which values are quiet."""
    boards: tuple[BoardScores, ...]
    options: tuple[str, ...] = ()
    """Of ``mtlbench leaderboard build``, as they were typed."""


def read_page(path: Path) -> Page:
    """The leaderboard page in the file ``path``.

    Raises:
        UsageError: it cannot be read, is no leaderboard page, carries no scores, or shows others than it carries.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"cannot read the leaderboard {path}: {reason}; check the path") from error
    page = parse_page(text, str(path))
    if not page.boards:
        raise UsageError(f"the leaderboard {path} carries no scores of seeds, or has no table; {REBUILD}")
    _check_shown(page, str(path))
    return page


def parse_page(text: str, origin: str) -> Page:
    """The page that ``text`` from ``origin`` is.

    Raises:
        UsageError: it is no leaderboard page.
    """
    made = MADE.match(text)
    if made is None:
        raise UsageError(f"{origin} is no leaderboard page: it does not start with {HEADER.format('')}; {REBUILD}")
    shown, start, data = text.partition(DATA_START)
    boards = from_json(data.partition(DATA_END)[0], origin) if start else ()
    paragraphs = [part for part in shown[made.end() :].split("\n\n") if part.strip()]
    title = _plain(paragraphs.pop(0).strip().removeprefix("# ")) if paragraphs else ""
    try:
        tables = tuple(_table(section) for section in _sections(paragraphs, "## "))
    except (ValueError, IndexError) as error:
        raise UsageError(f"the tables in {origin} are damaged: {error}; {REBUILD}") from error
    return Page(title, tables, boards, tuple(shlex.split(made["options"])))


def _sections(paragraphs: Sequence[str], heading: str) -> Iterator[list[str]]:
    section: list[str] = []
    for paragraph in paragraphs:
        if paragraph.startswith(heading) and section:
            yield section
            section = []
        section.append(paragraph.strip("\n"))
    if section:
        yield section


def _table(paragraphs: list[str]) -> Table:
    own, *below = _sections(paragraphs, "### ")
    heading, *rest = own
    notes: tuple[tuple[str, str], ...] = ()
    if NOTES in rest:
        place = rest.index(NOTES)
        notes = tuple(_note(line) for line in rest[place + 1].splitlines())
        rest = rest[:place]
    grids = [_grid(part) for part in rest if part.startswith("|")]
    caption = tuple(_plain(part) for part in rest if not part.startswith("|"))
    whole = _joined(grids)
    return replace(
        whole,
        title=_plain(heading.lstrip("#").strip()),
        caption=caption,
        notes=notes,
        spend=_table(below[0]) if below else None,
    )


def _note(line: str) -> tuple[str, str]:
    mark, _, text = line.removeprefix("- ").partition(" ")
    return mark, _plain(text)


def _grid(text: str) -> Table:
    head, alignment, *rows = map(_split, text.splitlines())
    left = sum(not mark.endswith(":") for mark in alignment)
    lines = []
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"the row {row[0]!r} has {len(row)} cells below {len(head)} heads")
        lines.append(Line(tuple(map(_label, row[:left])), tuple(map(_value, row[left:]))))
    return Table("", (), tuple(map(_plain, head[:left])), tuple(map(_head, head[left:])), tuple(lines))


def _joined(grids: Sequence[Table]) -> Table:
    """A table that was cut into blocks of columns."""
    if not grids:
        raise ValueError("a heading has no table below it")
    first = grids[0]
    if any([line.labels for line in grid.lines] != [line.labels for line in first.lines] for grid in grids):
        raise ValueError("the parts of a table do not have the same rows")
    cells = zip(*([line.cells for line in grid.lines] for grid in grids), strict=True)
    lines = tuple(
        replace(line, cells=tuple(cell for part in parts for cell in part))
        for line, parts in zip(first.lines, cells, strict=True)
    )
    return replace(first, heads=tuple(head for grid in grids for head in grid.heads), lines=lines)


def _split(line: str) -> list[str]:
    """The cells of a line, still escaped."""
    cells = [""]
    # Each character is looked at once, however long the line is.
    for part in re.findall(r"\\.|[^\\|]+|.", line.strip()):
        if part == "|":
            cells.append("")
        else:
            cells[-1] += part
    return [cell.strip() for cell in cells[1:-1]]


def _head(text: str) -> Head:
    group, has_group, name = text.rpartition(BREAK)
    return Head(_plain(group), _plain(name)) if has_group else Head("", _plain(text))


def _label(text: str) -> Cell:
    own, _, aside = text.partition(BREAK)
    return Cell(_plain(own), _plain(aside))


def _value(text: str) -> Cell:
    bold = text.startswith("**")
    text = text[2:-2] if bold else text
    underline = text.startswith("<u>")
    text = text.removeprefix("<u>").removesuffix("</u>")
    match = VALUE.fullmatch(_plain(text))
    assert match is not None  # the pattern takes any text
    return Cell(match["text"], match["aside"] or "", bold, underline, marks=match["marks"])


def _plain(text: str) -> str:
    """What the writer escaped."""
    plain = re.sub(r"\\(.)", r"\1", text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _check_shown(page: Page, origin: str) -> None:
    """Refuse a page whose tables show another mean than its scores have: it was edited by hand."""
    shown = {place: text for table in page.tables for place, text in shown_scores(table)}
    for board in page.boards:
        for method in board.methods:
            for (task, metric), scores in zip(board.columns, method.scores, strict=True):
                place = (one_line(board.title), method.method, one_line(task), METRICS[metric])
                text = f"{fmean(scores):.4f}" if scores else MISSING
                if scores and shown.get(place, text) != text:
                    raise UsageError(
                        f"{origin} was edited by hand: {', '.join(place)} is shown as {shown[place]}, but its seeds "
                        f"have the mean {text}; {REBUILD}"
                    )


def shown_scores(table: Table) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    """Board, method, task and metric of each score, and its text, in either layout."""
    if table.labels == ("Method",):
        for line in table.lines:
            for head, cell in zip(table.heads, line.cells, strict=True):
                yield (table.title, without_mark(line.labels[0].text, table), head.group, head.name), cell.text
    elif table.labels == ("Dataset", "Task", "Metric"):
        board = task = ""
        for line in table.lines:
            board, task = line.labels[0].text or board, line.labels[1].text or task
            for head, cell in zip(table.heads, line.cells, strict=True):
                yield (board, without_mark(head.name, table), task, line.labels[2].text), cell.text


def without_mark(text: str, table: Table) -> str:
    """The method's name, without the number of its note."""
    for mark, note in table.notes:
        name = text.removesuffix(mark)
        if text.endswith(mark) and any(f", {name}{end}" in f", {note}" for end in (", ", ": ")):
            return name
    return text
