"""Tables as HTML, for notebooks."""

from collections.abc import Iterator, Sequence
from html import escape

from mtlbench.leaderboards.tables.table import Head, Table, TableCell
from mtlbench.text import one_line


def to_html(tables: Sequence[Table]) -> str:
    """``tables`` as HTML that carries its own few styles; captions, notes and details are folded away.

    What records say is escaped: it shows, and does nothing.
    """
    return f"<div>{''.join(part for table in tables for part in _section(table, 'h3'))}</div>"


def _section(table: Table, heading: str) -> Iterator[str]:
    yield f"<{heading}>{_text(table.title)}</{heading}>"
    yield _grid(table)
    yield _folded("Conditions and notes", [*table.caption, *(f"{mark} {text}" for mark, text in table.notes)])
    if table.details:
        yield f"<details><summary>{_text(table.details.title)}</summary>{_grid(table.details)}</details>"
    if table.spend:
        yield from _section(table.spend, "h4")


def _folded(summary: str, texts: Sequence[str]) -> str:
    paragraphs = "".join(f"<p>{_text(text)}</p>" for text in texts)
    return f"<details><summary>{summary}</summary>{paragraphs}</details>" if texts else ""


def _grid(table: Table) -> str:
    heads = [_cell("th", _text(name), "left") for name in table.labels]
    heads += [_cell("th", _head(head), "right") for head in table.heads]
    rows = "".join(
        f"<tr>{''.join(_cell('td', _label(cell), 'left') for cell in line.labels)}"
        f"{''.join(_cell('td', _value(cell), 'right') for cell in line.cells)}</tr>"
        for line in table.lines
    )
    return f"<table><thead><tr>{''.join(heads)}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(tag: str, content: str, side: str) -> str:
    return f'<{tag} style="text-align: {side}">{content}</{tag}>'


def _head(head: Head) -> str:
    return "<br>".join(_text(text) for text in (head.group, head.name) if text)


def _label(cell: TableCell) -> str:
    return _text(cell.text) + (f"<br><small>{_text(cell.aside)}</small>" if cell.aside else "")


def _value(cell: TableCell) -> str:
    text = _text(cell.text)
    text = f"<u>{text}</u>" if cell.underline else text
    text = f"<b>{text}</b>" if cell.bold else text
    return text + (f"<small>{_text(cell.tail)}</small>" if cell.tail else "")


def _text(text: str) -> str:
    return escape(one_line(text))
