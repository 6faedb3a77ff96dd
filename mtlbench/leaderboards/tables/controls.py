"""A method beside the rows that show where its gain comes from."""

import math
from collections.abc import Iterator, Sequence

from mtlbench.leaderboards.boards.board import MISSING, Board, Row
from mtlbench.leaderboards.boards.columns import in_words, metric_of
from mtlbench.leaderboards.boards.controls import ControlDifference, control_differences
from mtlbench.leaderboards.tables.table import Head, Line, Table, TableCell


def control_tables(board: Board) -> list[Table]:
    """One table for each method that has control rows on the board."""
    rows = {row.method: row for row in board.rows}
    tables = []
    for row in board.rows:
        found = control_differences(row, [rows[name] for name in row.controls], board)
        if found:
            tables.append(_table(board, row, found))
    return tables


def _table(board: Board, row: Row, found: Sequence[ControlDifference]) -> Table:
    tasks = list(dict.fromkeys(one.task for one in found))
    by_place = {(one.control, one.task): one for one in found}
    lines = tuple(
        Line((TableCell(control),), tuple(cell for task in tasks for cell in _cells(by_place.get((control, task)))))
        for control in dict.fromkeys(one.control for one in found)
    )
    labels = {one.task: metric_of(one.column).label for one in found}
    heads = tuple(Head(task, name) for task in tasks for name in (f"{labels[task]} difference", "p"))
    return Table(
        f"{board.title}: {row.method} against its controls", tuple(_caption(row, found)), ("Control",), heads, lines
    )


def _caption(row: Row, found: Sequence[ControlDifference]) -> Iterator[str]:
    counts = sorted({one.difference.counts[0] for one in found})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    metrics = in_words([*dict.fromkeys(metric_of(one.column).label for one in found)])
    yield (
        f"{row.method} minus each of its controls, on the test split, over {seeds} paired seeds: mean difference in "
        f"{metrics} with its 95 % t interval, and the p-value of the paired t-test, Holm-adjusted over the "
        f"{len(found)} comparisons of this table. A control is the method without one of its parts."
    )
    for task in dict.fromkeys(one.task for one in found):
        yield _verdict(row.method, [one for one in found if one.task == task])


def _verdict(method: str, found: Sequence[ControlDifference]) -> str:
    """What the comparisons of ``method`` show in one task, in a sentence, for the method or against it."""
    beaten = [one for one in found if one.found > 0]
    hardest, count = min(found, key=lambda one: one.lead), len(found)
    told = f"{hardest.control}: {_text(hardest)}, p = {_p(hardest)}"
    if len(beaten) == count:
        than = f"each of its {count} controls, least so than" if count > 1 else "its one control,"
        return f"{hardest.task}: for {method}. It is better than {than} {told}."
    equal = "worse than" if hardest.found < 0 else "not shown to be better than"
    others = f"; it is better than {len(beaten)} of its {count} controls" if count > 1 else ". It has one control"
    return f"{hardest.task}: not for {method}. It is {equal} {told}{others}."


def _cells(one: ControlDifference | None) -> tuple[TableCell, TableCell]:
    if one is None:
        return TableCell(MISSING, quiet=True), TableCell(MISSING, quiet=True)
    return TableCell(_text(one)), TableCell(_p(one), bold=one.found != 0)


def _text(one: ControlDifference) -> str:
    estimate = one.difference.estimate
    return f"{estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"


def _p(one: ControlDifference) -> str:
    return MISSING if math.isnan(one.p) else f"{one.p:.3f}"
