"""Which values differ from the baseline of their backbone: paired tests over seeds, Holm-adjusted per backbone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtlbench.config.parameters import spec_text
from mtlbench.errors import UsageError, did_you_mean
from mtlbench.leaderboards.board import HIGHER_IS_BETTER, Board, Column, Contrast, Row, Trial, Verdict
from mtlbench.leaderboards.naming import backbone_name, canonical, weighting_name
from mtlbench.statistics import ALPHA, holm, paired_differences, wilcoxon_tests

MARKS = (("*", "°"), ("†", "‡"))
"""Of better and of worse than the first baseline, and than the second."""


@dataclass(frozen=True)
class _Family:
    """The comparisons that one p-value is adjusted over: the methods of a backbone against one baseline."""

    baseline: Row
    rows: tuple[Row, ...]
    place: int
    """0 for the first baseline, 1 for the second."""

    @property
    def marks(self) -> tuple[str, str]:
        return MARKS[self.place]


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
            groups[canonical([row.sample.backbone.name, row.sample.backbone.params])].append(row)
    return list(groups.values())


def _contrasted(board: Board, baselines: Sequence[str]) -> Board:
    contrasts: dict[tuple[str, Column], list[Contrast]] = defaultdict(list)
    trials = []
    for rows in by_backbone(board.rows):
        families = _families(rows, baselines)
        trials += [_trial(family, board) for family in families] or _without_baseline(rows)
        for family in families:
            for column in board.columns:
                for row, contrast in _compared(family, column):
                    contrasts[row.method, column].append(contrast)

    def filled(row: Row) -> Row:
        values = {
            column: replace(value, contrasts=tuple(contrasts[row.method, column]))
            for column, value in row.values.items()
        }
        return replace(row, values=values)

    return replace(board, rows=tuple(map(filled, board.rows)), trials=tuple(trials))


def _families(rows: Sequence[Row], baselines: Sequence[str]) -> list[_Family]:
    """One for each baseline that has anything to be compared with; two baselines are compared once."""
    found = baselines_of(rows, baselines)
    families = []
    for i, baseline in enumerate(found):
        rivals = [row for row in rows if row not in found[: i + 1] and row.state == "complete"]
        if rivals:
            families.append(_Family(baseline, tuple(rivals), i))
    return families


def _trial(family: _Family, board: Board) -> Trial:
    sample = family.baseline.sample
    assert sample is not None  # only rows with a sample have a backbone
    complete = family.baseline.state == "complete"
    return Trial(
        backbone=backbone_name(sample),
        baseline=weighting_name(sample),
        marks=family.marks,
        seeds=len(board.seeds),
        comparisons=len(family.rows) if complete else 0,
    )


def _without_baseline(rows: Sequence[Row]) -> list[Trial]:
    """What a reader must know of a backbone whose methods have nothing to be compared with."""
    methods = [row.sample for row in rows if row.state == "complete" and row.sample and not row.baseline]
    return [Trial(backbone_name(methods[0]), "", ("", ""), 0, 0)] if methods else []


def _compared(family: _Family, column: Column) -> list[tuple[Row, Contrast]]:
    """Each rival's contrast in one column; none where the baseline is not complete."""
    base = family.baseline.values.get(column)
    rivals = [row for row in family.rows if column in row.values]
    if base is None or family.baseline.state != "complete" or not rivals:
        return []
    scores = np.array([row.values[column].seeds for row in rivals])
    p_values = [test.p for test in wilcoxon_tests(scores, base.seeds)]
    found = paired_differences(scores, base.seeds)
    contrasts = []
    for row, difference, p, adjusted in zip(rivals, found, p_values, holm(p_values).tolist(), strict=True):
        ahead = (difference.estimate.value > 0) == (column[1] in HIGHER_IS_BETTER)
        verdict: Verdict = "not told apart" if adjusted >= ALPHA else "better" if ahead else "worse"
        contrast = Contrast(
            baseline=family.baseline.method,
            difference=difference,
            p=p,
            adjusted=adjusted,
            comparisons=len(rivals),
            verdict=verdict,
            mark={"better": family.marks[0], "worse": family.marks[1]}.get(verdict, ""),
            place=family.place,
        )
        contrasts.append((row, contrast))
    return contrasts
