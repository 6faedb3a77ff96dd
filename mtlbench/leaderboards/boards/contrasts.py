"""Which values differ from a baseline, tested together over the whole board."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.config.parameters import spec_text
from mtlbench.errors import UsageError, did_you_mean
from mtlbench.leaderboards.boards.board import MARKS, BaselineUse, Board, Contrast, Row, claim
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.leaderboards.boards.naming import backbone_name, key_of, weighting_name
from mtlbench.leaderboards.boards.relations import related
from mtlbench.records.tuned import HALVING, SEARCHES, TRIALS, is_tuned, way_of_tuning
from mtlbench.statistics import (
    Estimate,
    max_t,
    paired_differences,
    rows_of_differences,
    sampling_interval,
)

ALONE = "Not compared: on its backbone no baseline was tuned alike, over as many trials and searches of the same space"


def contrasted(found: Sequence[Board], baselines: Sequence[str] = ()) -> list[Board]:
    """The boards with every value of a complete row compared with the baselines of its backbone.

    Marks are claims over the board: all comparisons of methods with all baselines, on all backbones and in the primary
    metrics of all tasks, are one family (:func:`mtlbench.statistics.max_t`). Two baselines share it, for a reader sees
    the marks of both on one page. A mark also needs the interval over test samples to exclude 0, where it is known.

    Args:
        found: the boards.
        baselines: up to two weightings as one types them, such as ``constant``; by default the one that
            declares itself the baseline, and the tuned ones where there are any.

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
    """The baseline rows among ``rows`` of one backbone: the named ones, or the declared ones.

    At most two are named. Of the declared ones at most two that were not tuned count, and one for each way of tuning.
    """
    if baselines:
        return [row for name in baselines for row in rows if weighting_spec(row) == name][: len(MARKS)]
    declared = [row for row in rows if row.baseline]
    declared += [row for row in rows if row.sample and row.sample.tuned_baseline]
    by_tuning: dict[tuple[Any, ...], Row] = {}
    for row in declared:
        if tuning(row):
            by_tuning.setdefault(_way(row), row)
    return [*[row for row in declared if not tuning(row)][: len(MARKS)], *by_tuning.values()]


def own_baseline(row: Row, rows: Iterable[Row]) -> Row | None:
    """The declared baseline that ``row`` is compared with first, among ``rows`` of its backbone."""
    if row.baseline:
        return None
    return next((base for base in baselines_of(rows, ()) if base is not row and alike(row, base)), None)


def by_backbone(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each backbone, the same parameters included; the optimum left out."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.sample:
            groups[key_of(row.sample.backbone)].append(row)
    return list(groups.values())


def _contrasted(board: Board, baselines: Sequence[str]) -> Board:
    groups = by_backbone(board.rows)
    pairs = [pair for rows in groups for pair in _against_baselines(rows, baselines)]
    contrasts: dict[tuple[str, Column], list[Contrast]] = defaultdict(list)
    tested: list[tuple[Row, Column, Contrast]] = []
    seeds: list[NDArray[np.float64]] = []
    for place, baseline, rivals in pairs:
        for column in board.columns:
            compared, by_seed = _compared(place, baseline, rivals, column)
            if compared and column in board.primaries:
                tested += [(row, column, contrast) for row, contrast in compared]
                seeds.append(by_seed)
            else:
                for row, contrast in compared:
                    contrasts[row.method, column].append(contrast)
    for row, column, contrast in _judged(tested, seeds):
        contrasts[row.method, column].append(contrast)
    first: dict[str, Row] = {}
    for _, baseline, rivals in sorted(pairs, key=itemgetter(0)):
        for row in rivals:
            first.setdefault(row.method, baseline)

    def filled(row: Row) -> Row:
        values = {
            column: replace(value, contrasts=tuple(contrasts[row.method, column]))
            for column, value in row.values.items()
        }
        row = replace(row, values=values)
        if not baselines and row.method not in first and _is_alone(row):
            return replace(row, remarks=(ALONE, *row.remarks))
        return related(row, first.get(row.method), board.rows)

    uses = tuple(use for rows in groups for use in _uses(rows, baselines))
    return replace(board, rows=tuple(map(filled, board.rows)), baselines=uses)


def _against_baselines(rows: Sequence[Row], baselines: Sequence[str]) -> list[tuple[int, Row, list[Row]]]:
    """Place, baseline and the rows compared with it, where there are any; two baselines are compared once.

    Unless the user names baselines, like is compared with like: a row that was tuned over trials with the baseline that
    was tuned alike, and a row at its defaults with one at its defaults. All tuned baselines share a place.
    """
    found = baselines_of(rows, baselines)
    untuned = sum(not tuning(row) for row in found)
    pairs = [
        (
            i if baselines or i < untuned else min(untuned, 1),
            baseline,
            [
                row
                for row in rows
                if row not in found[: i + 1] and row.state == "complete" and (baselines or alike(row, baseline))
            ],
        )
        for i, baseline in enumerate(found)
    ]
    return [pair for pair in pairs if pair[2]]


def alike(row: Row, baseline: Row) -> bool:
    """Whether both were tuned in the same way, or neither; what tuning gives the baseline itself is shown too."""
    return _way(row) == _way(baseline) or bool(row.sample and row.sample.tuned_baseline and not tuning(baseline))


def _is_alone(row: Row) -> bool:
    """Whether ``row``, which is compared with no baseline, was tuned and is no baseline itself."""
    return row.state == "complete" and bool(tuning(row)) and not (row.sample and row.sample.tuned_baseline)


def _way(row: Row) -> tuple[Any, ...]:
    return way_of_tuning(row.sample.weighting.params) if row.sample else ()


def tuning(row: Row) -> dict[str, Any]:
    """How the row was tuned over trials; empty where it was not."""
    params = row.sample.weighting.params if row.sample and is_tuned(row.sample) else {}
    return {name: params[name] for name in (TRIALS, SEARCHES, HALVING) if name in params}


def _uses(rows: Sequence[Row], baselines: Sequence[str]) -> list[BaselineUse]:
    """The baselines of a backbone that methods are compared with, or that it has none."""
    found = [
        BaselineUse(
            backbone_name(baseline.sample),
            weighting_name(baseline.sample),
            place,
            baseline.state == "complete",
            not baselines and bool(tuning(baseline)),
        )
        for place, baseline, _ in _against_baselines(rows, baselines)
        if baseline.sample
    ]
    if found or baselines_of(rows, baselines):
        return found
    methods = [row.sample for row in rows if row.state == "complete" and row.sample]
    return [BaselineUse(backbone_name(sample), "", 0, False) for sample in methods[:1]]


def _compared(
    place: int, baseline: Row, rows: Sequence[Row], column: Column
) -> tuple[list[tuple[Row, Contrast]], NDArray[np.float64]]:
    """Each rival's contrast in one column, and its differences by seed; none where the baseline is not complete."""
    base = baseline.values.get(column)
    rivals = [row for row in rows if column in row.values]
    if base is None or baseline.state != "complete" or not rivals:
        return [], np.empty((0, 0))
    scores = np.array([row.values[column].seeds for row in rivals])
    contrasts = [
        Contrast(baseline.method, place, difference, _sampling(row, baseline, column, difference.estimate.value))
        for row, difference in zip(rivals, paired_differences(scores, base.seeds), strict=True)
    ]
    return list(zip(rivals, contrasts, strict=True)), rows_of_differences(scores, base.seeds)


def _sampling(row: Row, baseline: Row, column: Column, difference: float) -> Estimate | None:
    """The interval of the difference over test samples, in the primary metric of a task whose records know it."""
    task, metric = column
    own, other = row.sampling.get(task), baseline.sampling.get(task)
    primary = row.sample is not None and row.sample.dataset.primary_of(task) == metric
    if not primary or own is None or other is None or own.shape != other.shape:
        return None
    return sampling_interval(difference, own - other)


def _judged(
    tested: Sequence[tuple[Row, Column, Contrast]], seeds: Sequence[NDArray[np.float64]]
) -> Iterator[tuple[Row, Column, Contrast]]:
    """The comparisons of a board with their p-values, of one test of all of them."""
    if not tested:
        return
    outcome = max_t(np.vstack(seeds))
    for (row, column, contrast), p, adjusted in zip(tested, outcome.p.tolist(), outcome.adjusted.tolist(), strict=True):
        value = contrast.difference.estimate.value
        verdict = claim(-value if metric_of(column).lower_is_better else value, adjusted, contrast.sampling)
        yield row, column, replace(contrast, p=p, adjusted=adjusted, verdict=verdict)
