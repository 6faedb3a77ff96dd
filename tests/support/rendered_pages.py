"""A page as a Markdown renderer shows it, and as its tables mean it."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mtlbench.leaderboards import Table
from mtlbench.leaderboards.formats.blocks import blocks
from mtlbench.leaderboards.formats.markdown import DATA_START, PAGE_WIDTH
from mtlbench.leaderboards.tables.table import TableCell
from mtlbench.text import one_line

Part = tuple[str, Any]
"""Kind (heading, paragraph, item, table) and what is shown; of a table, the text and style of each cell by row."""
Shown = tuple[str, bool, bool]
"""Text, bold, underlined."""


def rendered(page: str) -> Iterator[Part]:
    """What a renderer shows above the scores that the page carries, told by a parser that is not ours."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(page.partition(DATA_START)[0])
    rows: list[list[Shown]] = []
    kinds = {"h1": "heading", "h2": "heading", "h3": "heading", "p": "paragraph", "li": "item"}
    inside = []
    for token in tokens:
        if token.nesting > 0:
            inside.append(token.tag)
            if token.tag == "table":
                rows = []
            if token.tag == "tr":
                rows.append([])
        elif token.nesting < 0:
            inside.pop()
            if token.tag == "table":
                yield "table", rows
        elif token.type == "html_block" and not token.content.startswith("<!-- generated"):
            yield "fold", html.unescape(re.sub(r"^<details>\n<summary>(.*)</summary>$", r"\1", token.content.strip()))
        elif token.type == "inline":
            if inside[-1] in {"td", "th"}:
                rows[-1].append(_shown(token))
            else:
                tag = "li" if "li" in inside else inside[-1]
                yield kinds[tag], _shown(token)[0]


def _shown(token: Token) -> Shown:
    children = token.children or []
    assert {child.type for child in children} <= {
        "text", "text_special", "strong_open", "strong_close", "html_inline", "softbreak"
    }  # fmt: skip
    tags = [child.content for child in children if child.type == "html_inline"]
    assert set(tags) <= {"<br>", "<u>", "</u>"}
    text = "".join(child.content for child in children if child.content not in {"<u>", "</u>"})
    return text, any(child.type == "strong_open" for child in children), "<u>" in tags


def meant(tables: Sequence[Table], title: str) -> Iterator[Part]:
    """What the page of ``tables`` is to show."""
    yield "heading", one_line(title)
    for table in tables:
        yield from _meant(table)


def _meant(table: Table, below_heading: bool = True) -> Iterator[Part]:
    if below_heading:
        yield "heading", one_line(table.title)
    for text in table.caption:
        yield "paragraph", one_line(text)
    for block in blocks(table, PAGE_WIDTH):
        part = block.table
        heads = [
            *part.labels,
            *(f"{one_line(h.group)}<br>{one_line(h.name)}" if h.group else h.name for h in part.heads),
        ]
        rows = [[*map(_label, line.labels), *map(_value, line.cells)] for line in part.lines]
        yield "table", [[(one_line(head), False, False) for head in heads], *rows]
    if table.notes:
        yield "paragraph", "Notes"
    for mark, text in table.notes:
        yield "item", f"{mark} {one_line(text)}"
    if table.details:
        yield "fold", one_line(table.details.title)
        yield from _meant(table.details, below_heading=False)
        yield "fold", "</details>"
    if table.spend:
        yield from _meant(table.spend)


def _label(cell: TableCell) -> Shown:
    aside = f"<br>{one_line(cell.aside)}" if cell.aside else ""
    return one_line(cell.text) + aside, cell.bold, cell.underline


def _value(cell: TableCell) -> Shown:
    return one_line(cell.text + cell.tail), cell.bold, cell.underline
