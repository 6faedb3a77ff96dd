"""Cutting a wide table into blocks that fit a page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from rich.cells import cell_len

from mtlbench.leaderboards.tables.table import Table
from mtlbench.text import one_line

GAP = 1
WIDEST_LABEL = 34
NARROWEST_LABEL = 22


@dataclass(frozen=True)
class Block:
    """A part of a table that fits the page: all rows, some columns, and how wide each is."""

    table: Table
    label_widths: tuple[int, ...]
    text_widths: tuple[int, ...]
    """Of each value column, the aside left out."""
    aside_widths: tuple[int, ...]


def blocks(table: Table, width: int | None) -> list[Block]:
    """``table`` cut into blocks of at most ``width`` characters, where a single column does not need more.

    Columns of one group stay together if the group fits. Labels wrap when that saves a block. Without a width there is
    one block, and no label wraps.
    """
    texts, asides = _column_widths(table)
    if width is None:
        return [Block(table, tuple(_full_label_widths(table)), tuple(texts), tuple(asides))]
    needed = [text + aside + GAP for text, aside in zip(texts, asides, strict=True)]
    labels = _label_widths(table, room=width - sum(needed))
    room = width - _taken(labels)
    chunks: list[list[int]] = [[]]
    free = room
    for _, group in groupby(range(len(needed)), key=lambda i: table.heads[i].group or i):
        columns = list(group)
        together = sum(needed[i] for i in columns) <= room
        for piece in [columns] if together else [[i] for i in columns]:
            size = sum(needed[i] for i in piece)
            if size > free and chunks[-1]:
                chunks.append([])
                free = room
            chunks[-1] += piece
            free -= size
    return [
        Block(_pick(table, chunk), labels, tuple(texts[i] for i in chunk), tuple(asides[i] for i in chunk))
        for chunk in chunks
    ]


def _label_widths(table: Table, room: int) -> tuple[int, ...]:
    widths = [min(width, WIDEST_LABEL) for width in _full_label_widths(table)]
    excess = _taken(tuple(widths)) - room
    if excess > 0 and widths[0] - excess >= NARROWEST_LABEL:
        widths[0] -= excess
    return tuple(widths)


def _full_label_widths(table: Table) -> Iterator[int]:
    for i, name in enumerate(table.labels):
        cells = [line.labels[i] for line in table.lines]
        yield max(
            cell_len(one_line(text)) for text in (name, *(part for one in cells for part in (one.text, one.tail)))
        )


def _taken(labels: tuple[int, ...]) -> int:
    """Characters of the label columns; the gap after the last value column is not needed."""
    return sum(labels) + GAP * (len(labels) - 1)


def _column_widths(table: Table) -> tuple[list[int], list[int]]:
    """Of each column the widest text, wide enough for the words of its head, and the widest aside."""
    texts, asides = [], []
    for i, head in enumerate(table.heads):
        cells = [line.cells[i] for line in table.lines]
        aside = max((cell_len(cell.tail) for cell in cells), default=0)
        words = max(map(cell_len, [*head.group.split(), *head.name.split()]))
        asides.append(aside)
        texts.append(max([words - aside, *(cell_len(cell.text) for cell in cells)]))
    return texts, asides


def _pick(table: Table, columns: list[int]) -> Table:
    lines = [replace(line, cells=tuple(line.cells[i] for i in columns)) for line in table.lines]
    return replace(table, heads=tuple(table.heads[i] for i in columns), lines=tuple(lines))
