"""The main table of a board alone, for a screen: each primary metric, and its difference to the baseline."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mtlbench.leaderboards.boards.board import MARKS, Board, Flag
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.leaderboards.tables.claims import marks_of
from mtlbench.leaderboards.tables.lines import method_lines, metric_heads, shown_rows
from mtlbench.leaderboards.tables.overall import standing_cells, standing_heads
from mtlbench.leaderboards.tables.table import Line, Table
from mtlbench.text import counted

MEANINGS: Mapping[Flag, str] = {
    "not exercised": "Equal to the baseline in every seed",
    "more spend": "More steps than the baseline",
    "cut off": "Cut off at the last epoch allowed",
    "worse than the base rate": "Worse than the base rate in a task",
}


def brief_tables(table: Table) -> Iterator[Table]:
    """``table`` as a screen shows it, from the widest form to the narrowest; without caption, spend and details.

    What is left out first are rank and intervals, then differences. A table of the paper's layout has one form.
    """
    bare = replace(table, caption=(), spend=None, details=None)
    if len(table.labels) > 1:
        yield bare
        return
    [board] = table.boards
    rules = [line.rule_above for line in table.lines]
    for standing, intervals, differences in (
        (True, True, True),
        (False, True, True),
        (True, False, True),
        (False, False, True),
        (True, False, False),
        (False, False, False),
    ):
        lines = method_lines(board, board.primaries, False, {}, differences, intervals)
        heads = metric_heads(board.primaries, [board] if differences else ())
        heads = tuple(replace(head, group=head.group.replace("_", " ")) for head in heads)  # so that they wrap
        if standing:
            heads = (*standing_heads(board), *heads)
            lines = tuple(
                replace(line, cells=(*standing_cells(row, board), *line.cells))
                for line, row in zip(lines, shown_rows(board), strict=True)
            )
        # Why a row has gaps is a note, and not beside its name.
        lines = tuple(
            Line((replace(line.labels[0], aside=""),), line.cells, rule)
            for line, rule in zip(lines, rules, strict=True)
        )
        yield replace(bare, caption=(_caption(board, lines),), heads=heads, lines=lines, notes=tuple(_notes(board)))


def _caption(board: Board, lines: tuple[Line, ...]) -> str:
    """The notation of what is shown."""
    seeds = len(board.seeds)
    texts = ["Test split, one seed." if seeds == 1 else f"Test split, mean over {counted(seeds, 'seed')}."]
    asides = [cell.aside for line in lines for cell in line.cells]
    if any("(" in aside for aside in asides):
        brackets = ", in brackets over test samples" if any("[" in aside for aside in asides) else ""
        texts.append(f"In parentheses half the 95 % interval over seeds{brackets}, in units of the last digit.")
    shown = "".join(cell.marks for line in lines for cell in line.cells)
    for place, text in marks_of(board.baselines).items():
        if any(mark in shown for mark in MARKS[place]):
            texts.append(f"{text}, p < .05.")
    return " ".join(texts)


def _notes(board: Board) -> Iterator[tuple[str, str]]:
    """Why rows have gaps, and what a reader must know of rows before their numbers."""
    for row in board.rows:
        if row.reasons:
            yield "-", f"{row.method}: {'. '.join(row.reasons)}."
    scored = [row for row in board.rows if row.seeds]
    for flag, meaning in MEANINGS.items():
        flagged = [row.method for row in scored if flag in row.flags]
        if flagged:
            yield "-", f"{meaning}: {'all' if len(flagged) == len(scored) > 1 else in_words(flagged)}."
