"""What the board of the trained methods allows to say: which row to use, and by which test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from mtlbench.leaderboards.boards.board import Board, Contrast, Row
from mtlbench.leaderboards.boards.columns import Column
from mtlbench.leaderboards.boards.contrasts import tuning
from mtlbench.leaderboards.boards.naming import method_name
from mtlbench.records import Record
from mtlbench.statistics import ALPHA, smallest_p

Verdict = Literal["weighting", "constant", "trade-off", "cannot tell"]
"""``weighting``
    One is better than constant weights in a task, and shown to be worse in none.
``constant``
    None is told apart from constant weights, or only to be worse.
``trade-off``
    Some are better in one task, and worse in another.
``cannot tell``
    There was no test, or too few seeds for one.
"""


@dataclass(frozen=True)
class Rival:
    """A row beside the baseline, and how it compares in the primary metric of each task."""

    row: Row
    contrasts: dict[Column, Contrast]

    def told(self, verdict: str) -> list[Column]:
        """The columns in which it is ``better`` or ``worse``."""
        return [column for column, contrast in self.contrasts.items() if contrast.verdict == verdict]


@dataclass(frozen=True)
class Judged:
    """The rows that are compared, and the verdict."""

    verdict: Verdict
    use: Row
    """The row to use: the baseline unless the verdict is ``weighting``."""
    baseline: Row
    rivals: tuple[Rival, ...]


def judge(board: Board, records: Sequence[Record], tuned: bool) -> Judged | None:
    """The verdict on ``board``; ``None`` where the baseline has no row with scores.

    Of several weightings that are better than the baseline and worse in no task, the one with the best validation
    score is named: the test split tests, and does not choose.

    Args:
        board: with its contrasts.
        records: those that it was made of.
        tuned: whether tuned rows are compared, or those at defaults.
    """
    rows = [row for row in board.rows if row.sample and row.seeds and bool(tuning(row)) == tuned]
    found = [row for row in rows if row.sample and (row.sample.tuned_baseline if tuned else row.baseline)]
    if not found:
        return None
    baseline = found[0]
    rivals = tuple(
        Rival(row, _against(row, baseline, board)) for row in rows if row is not baseline and not row.baseline
    )
    tested = any(contrast.verdict for rival in rivals for contrast in rival.contrasts.values())
    better = [rival for rival in rivals if rival.told("better")]
    clean = [rival.row for rival in better if not rival.told("worse")]
    if not tested or smallest_p(len(baseline.seeds)) >= ALPHA:
        return Judged("cannot tell", baseline, baseline, rivals)
    if clean:
        return Judged("weighting", max(clean, key=lambda row: _validated(row, records)), baseline, rivals)
    return Judged("trade-off" if better else "constant", baseline, baseline, rivals)


def _against(row: Row, baseline: Row, board: Board) -> dict[Column, Contrast]:
    return {
        column: contrast
        for column in board.primaries
        if column in row.values
        for contrast in row.values[column].contrasts
        if contrast.baseline == baseline.method
    }


def _validated(row: Row, records: Sequence[Record]) -> float:
    """Mean of the objective on validation."""
    scores = [
        one.selection.objective
        for one in records
        if one.status == "done" and one.selection and method_name(one) == row.method
    ]
    known = [score for score in scores if score is not None]
    return fmean(known) if known else -math.inf
