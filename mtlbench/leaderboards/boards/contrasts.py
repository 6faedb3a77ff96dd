"""Which values differ from a baseline or from controls: paired tests over seeds, Holm-adjusted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtlbench.config.parameters import spec_text
from mtlbench.errors import UsageError, did_you_mean
from mtlbench.leaderboards.boards.board import (
    Board,
    ComparisonFamily,
    Contrast,
    Row,
    Significance,
)
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.leaderboards.boards.naming import backbone_name, key_of, weighting_name
from mtlbench.statistics import ALPHA, Difference, difference_by_seed, holm, paired_differences, wilcoxon_tests

MARKS = (("*", "°"), ("†", "‡"))
"""Of better and of worse than the first baseline, and than the second."""
FEWEST_SEEDS = 2
"""Shared seeds below which nothing is said of a method and its control."""


def contrasted(found: Sequence[Board], baselines: Sequence[str] = ()) -> list[Board]:
    """The boards with every value of a complete row compared with the baselines of its backbone.

    Args:
        found: the boards.
        baselines: up to two weightings as one types them, such as ``constant``; by default the one that
            declares itself the baseline, and the tuned baseline where there is one.

    Raises:
        UsageError: a baseline is unknown, or there are more than two.
    """
    if len(baselines) > len(MARKS):
        raise UsageError(
            f"{len(baselines)} baselines were given: a table has marks for {len(MARKS)}; choose the main ones"
        )
    known = sorted({spec for board in found for row in board.rows if (spec := weighting_spec(row))})
    for name in baselines:
        if found and name not in known:
            raise UsageError(f"unknown baseline {name!r}: {did_you_mean(name, known)}")
    return [_contrasted(board, baselines) for board in found]


def weighting_spec(row: Row) -> str:
    """The row's weighting as one types it; empty for the optimum."""
    return spec_text(row.sample.weighting.name, row.sample.weighting.changed) if row.sample else ""


def baselines_of(rows: Iterable[Row], baselines: Sequence[str]) -> list[Row]:
    """The baseline rows among ``rows`` of one backbone, at most two."""
    if baselines:
        found = [row for name in baselines for row in rows if weighting_spec(row) == name]
    else:
        tuned = [row for row in rows if row.sample and row.sample.tuned_baseline]
        found = [*(row for row in rows if row.baseline), *tuned]
    return found[: len(MARKS)]


def by_backbone(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each backbone, the same parameters included; the optimum left out."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.sample:
            groups[key_of(row.sample.backbone)].append(row)
    return list(groups.values())


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


def _contrasted(board: Board, baselines: Sequence[str]) -> Board:
    contrasts: dict[tuple[str, Column], list[Contrast]] = defaultdict(list)
    families: list[ComparisonFamily] = []
    for rows in by_backbone(board.rows):
        pairs = _against_baselines(rows, baselines)
        families += [_family(*pair, board) for pair in pairs] or _without_baseline(rows)
        for place, baseline, rivals in pairs:
            for column in board.columns:
                for row, contrast in _compared(place, baseline, rivals, column):
                    contrasts[row.method, column].append(contrast)

    def filled(row: Row) -> Row:
        values = {
            column: replace(value, contrasts=tuple(contrasts[row.method, column]))
            for column, value in row.values.items()
        }
        return replace(row, values=values)

    return replace(board, rows=tuple(map(filled, board.rows)), families=tuple(families))


def _against_baselines(rows: Sequence[Row], baselines: Sequence[str]) -> list[tuple[int, Row, list[Row]]]:
    """Place, baseline and the rows compared with it, where there are any; two baselines are compared once."""
    found = baselines_of(rows, baselines)
    pairs = [
        (i, baseline, [row for row in rows if row not in found[: i + 1] and row.state == "complete"])
        for i, baseline in enumerate(found)
    ]
    return [pair for pair in pairs if pair[2]]


def _family(place: int, baseline: Row, rivals: Sequence[Row], board: Board) -> ComparisonFamily:
    assert baseline.sample is not None  # only rows with a sample have a backbone
    return ComparisonFamily(
        backbone=backbone_name(baseline.sample),
        baseline=weighting_name(baseline.sample),
        marks=MARKS[place],
        seeds=len(board.seeds),
        comparisons=len(rivals) if baseline.state == "complete" else 0,
    )


def _without_baseline(rows: Sequence[Row]) -> list[ComparisonFamily]:
    """What a reader must know of a backbone whose methods have nothing to be compared with."""
    methods = [row.sample for row in rows if row.state == "complete" and row.sample and not row.baseline]
    return [ComparisonFamily(backbone_name(methods[0]), "", ("", ""), 0, 0)] if methods else []


def _compared(place: int, baseline: Row, rows: Sequence[Row], column: Column) -> list[tuple[Row, Contrast]]:
    """Each rival's contrast in one column; none where the baseline is not complete."""
    base = baseline.values.get(column)
    rivals = [row for row in rows if column in row.values]
    if base is None or baseline.state != "complete" or not rivals:
        return []
    scores = np.array([row.values[column].seeds for row in rivals])
    p_values = [test.p for test in wilcoxon_tests(scores, base.seeds)]
    found = paired_differences(scores, base.seeds)
    contrasts = []
    for row, difference, p, adjusted in zip(rivals, found, p_values, holm(p_values).tolist(), strict=True):
        ahead = (difference.estimate.value > 0) != metric_of(column).lower_is_better
        verdict: Significance = "not told apart" if adjusted >= ALPHA else "better" if ahead else "worse"
        contrast = Contrast(
            baseline=baseline.method,
            difference=difference,
            p=p,
            adjusted=adjusted,
            comparisons=len(rivals),
            verdict=verdict,
            mark={"better": MARKS[place][0], "worse": MARKS[place][1]}.get(verdict, ""),
            place=place,
        )
        contrasts.append((row, contrast))
    return contrasts
