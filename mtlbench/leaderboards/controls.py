"""A method beside the rows that show where its gain comes from."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mtlbench.leaderboards.board import Board, Row
from mtlbench.leaderboards.table import MISSING, Cell, Head, Line, Table
from mtlbench.statistics import ALPHA, Difference, holm, paired_difference

METRIC = "auc"
FEWEST_SEEDS = 2


@dataclass(frozen=True)
class Comparison:
    """A method minus one of its controls in one task, over the seeds that both have."""

    control: str
    task: str
    difference: Difference
    p: float
    """Holm-adjusted over the controls and tasks of the method; NaN where nothing is known of the spread."""

    @property
    def found(self) -> int:
        """1 where the method is better, -1 where it is worse, 0 where nothing can be told."""
        if not self.p < ALPHA:
            return 0
        return 1 if self.difference.estimate.value > 0 else -1


def control_tables(board: Board) -> list[Table]:
    """One table for each method that has control rows on the board."""
    rows = {row.method: row for row in board.rows}
    tables = []
    for row in board.rows:
        found = comparisons(row, [rows[name] for name in row.controls], board)
        if found:
            tables.append(_table(board, row, found))
    return tables


def comparisons(row: Row, controls: Sequence[Row], board: Board) -> list[Comparison]:
    """``row`` minus each of ``controls`` in each task, where two seeds or more are shared."""
    differences = [
        (control.method, task, difference)
        for control in controls
        for task, metric in board.columns
        if metric == METRIC and (difference := _difference(row, control, task)) is not None
    ]
    known = [math.isfinite(difference.p) for *_, difference in differences]
    adjusted = iter(holm([difference.p for (*_, difference), ok in zip(differences, known, strict=True) if ok]))
    return [
        Comparison(control, task, difference, float(next(adjusted)) if ok else math.nan)
        for (control, task, difference), ok in zip(differences, known, strict=True)
    ]


def verdict(method: str, found: Sequence[Comparison]) -> str:
    """What the comparisons of ``method`` show in one task, in a sentence, for the method or against it."""
    beaten = [one for one in found if one.found > 0]
    hardest = min(found, key=lambda one: one.difference.estimate.value)
    if len(beaten) == len(found):
        return (
            f"{hardest.task}: for {method}. It is better than each of its {len(found)} controls, least so than "
            f"{hardest.control}: {_text(hardest)}, p = {_p(hardest)}."
        )
    equal = "worse than" if hardest.found < 0 else "not shown to be better than"
    return (
        f"{hardest.task}: not for {method}. It is {equal} {hardest.control}: {_text(hardest)}, p = {_p(hardest)}; it "
        f"is better than {len(beaten)} of its {len(found)} controls."
    )


def _difference(row: Row, control: Row, task: str) -> Difference | None:
    one, other = (
        dict(zip(each.seeds, each.values[task, METRIC].seeds, strict=True)) if (task, METRIC) in each.values else {}
        for each in (row, control)
    )
    seeds = sorted(one.keys() & other.keys())
    if len(seeds) < FEWEST_SEEDS:
        return None
    return paired_difference([one[seed] for seed in seeds], [other[seed] for seed in seeds])


def _table(board: Board, row: Row, found: Sequence[Comparison]) -> Table:
    tasks = list(dict.fromkeys(one.task for one in found))
    by_place = {(one.control, one.task): one for one in found}
    lines = tuple(
        Line((Cell(control),), tuple(cell for task in tasks for cell in _cells(by_place.get((control, task)))))
        for control in dict.fromkeys(one.control for one in found)
    )
    heads = tuple(Head(task, name) for task in tasks for name in ("AUC difference", "p"))
    return Table(
        f"{board.title}: {row.method} against its controls", tuple(_caption(row, found)), ("Control",), heads, lines
    )


def _caption(row: Row, found: Sequence[Comparison]) -> Iterator[str]:
    counts = sorted({one.difference.counts[0] for one in found})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    yield (
        f"{row.method} minus each row that takes a part of it away, on the test split, over {seeds} paired seeds: mean "
        f"difference in AUC with its 95 % t interval, and the p-value of the paired t-test, Holm-adjusted over the "
        f"{len(found)} comparisons of this table."
    )
    for task in dict.fromkeys(one.task for one in found):
        yield verdict(row.method, [one for one in found if one.task == task])


def _cells(one: Comparison | None) -> tuple[Cell, Cell]:
    if one is None:
        return Cell(MISSING, quiet=True), Cell(MISSING, quiet=True)
    return Cell(_text(one)), Cell(_p(one), bold=one.found != 0)


def _text(one: Comparison) -> str:
    estimate = one.difference.estimate
    return f"{estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"


def _p(one: Comparison) -> str:
    return MISSING if math.isnan(one.p) else f"{one.p:.3f}"
