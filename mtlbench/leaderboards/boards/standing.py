"""How methods stand on a board: the best values, mean rank, Delta_m, Pareto front. Only complete rows compete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtlbench.leaderboards.boards.aggregation import measured
from mtlbench.leaderboards.boards.board import Row, SeedMean
from mtlbench.leaderboards.boards.columns import Column, decimals_of, metric_of
from mtlbench.statistics import delta_m, hypervolume, pareto_front, ranks

MOST_METRICS = 6
"""Primary metrics of which the hypervolume is computed."""


@dataclass(frozen=True)
class FrontArea:
    """Hypervolume of the complete rows in the tasks' primary metrics, above the point of chance."""

    covered: float
    whole: float
    """That of the perfect point."""
    chance: tuple[float, ...]


def printed(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The rows with as many digits in each column as the unit of its metric asks for."""
    decimals = {
        column: decimals_of(column, [row.values[column].mean for row in rows if column in row.values])
        for column in columns
    }
    return [
        replace(row, values={column: replace(value, decimals=decimals[column]) for column, value in row.values.items()})
        for row in rows
    ]


def placed(
    rows: Sequence[Row], columns: Sequence[Column], ranking: Sequence[Column], primaries: Sequence[Column]
) -> list[Row]:
    """The rows with the best values marked, and with mean rank, Delta_m and Pareto front, where they are complete.

    Values that print alike are equally good.

    Args:
        rows: of one board.
        columns: all of it.
        ranking: those over which ranks and Delta_m are means.
        primaries: those of the Pareto front.
    """
    complete = [row for row in rows if row.state == "complete"]
    base = reference(rows)
    best = {column: _best(complete, column) for column in columns}
    best_baseline = {column: _best([row for row in complete if row.baseline], column) for column in columns}
    mean_ranks = _mean_ranks([row for row in complete if not row.equals], ranking)
    front = _front(complete, primaries)
    places = {row.method: i for i, row in enumerate(complete)}

    def filled(row: Row) -> Row:
        i = places.get(row.method)
        if i is None:
            return row
        values = {
            column: replace(
                value,
                best=value.text == best[column],
                best_baseline=row.baseline and value.text == best_baseline[column],
            )
            for column, value in row.values.items()
        }
        change = relative_gain(row, base, ranking) if base else None
        return replace(row, values=values, rank=mean_ranks[row.equals or row.method], delta_m=change, pareto=front[i])

    return [filled(row) for row in rows]


def reference(rows: Sequence[Row]) -> Row | None:
    """The complete row that Delta_m is measured against: one network per task, under the baseline weighting.

    Of several, such as networks of different sizes, the one with unchanged parameters; else none.
    """
    found = references(rows)
    unchanged = [row for row in found if row.sample and not row.sample.backbone.changed]
    return (unchanged or found)[0] if len(unchanged or found) == 1 else None


def references(rows: Sequence[Row]) -> list[Row]:
    """The complete rows that train one network per task under the baseline weighting."""
    return [row for row in rows if row.state == "complete" and row.sample and row.sample.reference]


def front_area(rows: Sequence[Row], primaries: Sequence[Column]) -> FrontArea | None:
    """What the complete rows cover.

    ``None`` where there is none, for one task or more than :data:`MOST_METRICS`, and for a metric whose value at chance
    depends on the labels.
    """
    points = _gains([row for row in rows if row.state == "complete"], primaries)
    metrics = [metric_of(column) for column in primaries]
    scales = [metric.chance_and_best for metric in metrics if metric.chance_and_best]
    if not 2 <= len(metrics) <= MOST_METRICS or len(scales) < len(metrics) or not len(points) or np.isnan(points).any():
        return None
    worst, best = ([metric.gain(scale[end]) for metric, scale in zip(metrics, scales, strict=True)] for end in (0, 1))
    return FrontArea(hypervolume(points, worst), hypervolume([best], worst), tuple(chance for chance, _ in scales))


def _best(complete: Sequence[Row], column: Column) -> str | None:
    """The best value as it is printed."""
    found = [row.values[column] for row in complete if column in row.values]
    gain = metric_of(column).gain
    return max(found, key=lambda value: gain(value.mean)).text if found else None


def _mean_ranks(rows: Sequence[Row], columns: Sequence[Column]) -> dict[str, float | None]:
    """Of each row, over the columns in which every row has a value."""
    shared = [column for column in columns if all(column in row.values for row in rows)]
    if not rows or not shared:
        return dict.fromkeys(row.method for row in rows)
    means = np.mean([ranks(gains) for gains in _gains(rows, shared).T], axis=0)
    return dict(zip([row.method for row in rows], means.tolist(), strict=True))


def relative_gain(row: Row, base: Row, columns: Sequence[Column]) -> SeedMean | None:
    """Delta_m of each seed against the same seed of ``base``, in percent; ``None`` where a value is missing or 0."""
    own, others = (
        np.array([side.values[column].seeds for column in columns if column in side.values]) for side in (row, base)
    )
    if not len(own) == len(others) == len(columns) or (others == 0).any():
        return None
    lower = [metric_of(column).lower_is_better for column in columns]
    return measured([float(change) for change in delta_m(own.T, others.T, lower)])


def _gains(rows: Sequence[Row], columns: Sequence[Column]) -> NDArray[np.float64]:
    """(rows, columns) as printed, more is better; NaN where a row has no value."""
    values = [[row.values.get(column) for column in columns] for row in rows]
    gains = [
        [
            metric_of(column).gain(float(value.text)) if value else np.nan
            for column, value in zip(columns, row, strict=True)
        ]
        for row in values
    ]
    return np.array(gains, float).reshape(len(rows), len(columns))


def _front(rows: Sequence[Row], primaries: Sequence[Column]) -> list[bool]:
    if not rows or len(primaries) < 2:
        return [False] * len(rows)
    return [bool(on) for on in pareto_front(_gains(rows, primaries))]
