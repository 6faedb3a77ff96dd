"""Tables for the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich import box
from rich.align import Align
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table as Grid
from rich.text import Text

from mtlbench.leaderboards.formats.blocks import Block, blocks
from mtlbench.leaderboards.tables.brief import brief_tables
from mtlbench.leaderboards.tables.table import Table, TableCell
from mtlbench.text import one_line

PLAIN_WIDTH = 100
"""Columns of the form that is plain text, but for long names."""
LEGEND = "Bold is the best, underlined the best baseline."


def to_rich(tables: Sequence[Table], width: int = 100) -> Group:
    """``tables`` for a rich console of ``width`` columns; wide ones are cut into blocks.

    The best value is bold and the best baseline underlined, so that nothing depends on colour.
    """
    return Group(*(part for table in tables for part in _section(table, width)))


def to_screen(tables: Sequence[Table], width: int = 100) -> Group:
    """The main table of each board alone, in the widest form that needs no cutting into blocks of ``width`` columns."""
    fitting = [_fitting(table, width) for table in tables if table.boards]
    return to_rich([replace(table, caption=(" ".join((*table.caption, LEGEND)),)) for table in fitting], width)


def to_plain(tables: Sequence[Table]) -> Group:
    """The same without styles, for a console of any width: a row is a line, however long its name."""
    fitting = [_fitting(table, PLAIN_WIDTH) for table in tables if table.boards]
    return Group(*(part for table in fitting for part in _section(table, None)))


def _fitting(table: Table, width: int) -> Table:
    forms = [*brief_tables(table)]
    return next((form for form in forms if len(blocks(form, width)) == 1), forms[-1])


def _section(table: Table, width: int | None) -> Iterator[RenderableType]:
    yield Text(f"\n{one_line(table.title)}", style="bold")
    for text in table.caption:
        yield Text(one_line(text), style="dim")
    for block in blocks(table, width):
        yield Padding(_grid(block), (1, 0, 0, 0))
    if table.notes:
        yield Text()
    for mark, text in table.notes:
        yield Text(f"{mark} {one_line(text)}")
    if table.details:
        yield from _section(table.details, width)
    if table.spend:
        yield from _section(table.spend, width)


def _grid(block: Block) -> Grid:
    table = block.table
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0, header_style="bold")
    for name, width in zip(table.labels, block.label_widths, strict=True):
        grid.add_column(Align(Text(one_line(name)), vertical="bottom"), width=width, overflow="fold")
    previous = ""
    for head, text, aside in zip(table.heads, block.text_widths, block.aside_widths, strict=True):
        group = "" if head.group == previous else head.group
        title = Text(f"{one_line(group)}\n{one_line(head.name)}" if group else one_line(head.name), justify="right")
        grid.add_column(Align(title, "right", vertical="bottom"), width=text + aside, overflow="fold")
        previous = head.group
    for line in table.lines:
        if line.rule_above:
            grid.add_section()
        values = map(_value, line.cells, block.text_widths, block.aside_widths)
        grid.add_row(*map(_label, line.labels), *values)
    return grid


def _label(cell: TableCell) -> Text:
    return Text.assemble(one_line(cell.text), (f"\n{one_line(cell.aside)}" if cell.aside else "", "dim"))


def _value(cell: TableCell, text_width: int, aside_width: int) -> Text:
    """The value, padded on both sides so that the decimal points of a column stand below each other."""
    text = one_line(cell.text)
    space = " " * (text_width - cell_len(text))
    style = Style(bold=cell.bold or None, underline=cell.underline or None, dim=cell.quiet or None)
    return Text.assemble(space, (text, style), (cell.tail.ljust(aside_width), "dim"))
