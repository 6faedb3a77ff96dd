"""What a method gains over each of its controls: paired t-tests over seeds, Holm-adjusted."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlbench.leaderboards.boards.board import Board, Row
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.statistics import ALPHA, Difference, difference_by_seed, holm

FEWEST_SEEDS = 2
"""Shared seeds below which nothing is said of a method and its control."""


@dataclass(frozen=True)
class ControlDifference:
    """A method minus one of its controls in the primary metric of one task, over the seeds that both have."""

    control: str
    column: Column
    difference: Difference
    p: float
    """Holm-adjusted over the controls and tasks of the method; NaN where nothing is known of the spread."""

    @property
    def found(self) -> int:
        """1 where the method is better, -1 where it is worse, 0 where nothing can be told."""
        if not self.p < ALPHA:
            return 0
        return 1 if self.lead > 0 else -1

    @property
    def task(self) -> str:
        """The task."""
        return self.column[0]

    @property
    def lead(self) -> float:
        """By how much the method is better."""
        value = self.difference.estimate.value
        return -value if metric_of(self.column).lower_is_better else value


def control_differences(row: Row, controls: Sequence[Row], board: Board) -> list[ControlDifference]:
    """``row`` minus each of ``controls`` in the primary metric of each task, where two seeds or more are shared."""
    found = [
        (control.method, column, difference)
        for control in controls
        for column in board.primaries
        if (difference := difference_by_seed(row.by_seed(column), control.by_seed(column), FEWEST_SEEDS))
    ]
    adjusted = holm([difference.p for *_, difference in found]).tolist()
    return [ControlDifference(*one, p) for one, p in zip(found, adjusted, strict=True)]
