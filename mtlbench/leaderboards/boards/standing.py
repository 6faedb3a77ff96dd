"""How methods stand on a board: the best values, mean rank, Delta_m, Pareto front. Only complete rows compete."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mtlbench.leaderboards.boards.aggregation import measured
from mtlbench.leaderboards.boards.board import HIGHER_IS_BETTER, MAIN, Column, Row, SeedMean
from mtlbench.statistics import delta_m, hypervolume, pareto_front, ranks

CHANCE = 0.5
"""AUC of a coin: the reference point of the hypervolume, in every task."""


def placed(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The rows with the best values marked, and with mean rank, Delta_m and Pareto front, where they are complete.

    Values that print alike are equally good.
    """
    complete = [row for row in rows if row.state == "complete"]
    base = reference(rows)
    best = {column: _best(complete, column) for column in columns}
    best_baseline = {column: _best([row for row in complete if row.baseline], column) for column in columns}
    mean_ranks = _mean_ranks(complete, columns)
    front = _front(complete, columns)
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
        change = _delta_m(row, base, columns) if base else None
        return replace(row, values=values, rank=mean_ranks[i], delta_m=change, pareto=front[i])

    return [filled(row) for row in rows]


def reference(rows: Sequence[Row]) -> Row | None:
    """The complete row that Delta_m is measured against: one network per task, under the baseline weighting.

    Of several, such as networks of different sizes, the one with unchanged parameters; else none.
    """
    found = [row for row in rows if row.state == "complete" and row.sample and row.sample.reference]
    unchanged = [row for row in found if row.sample and not row.sample.backbone.changed]
    return (unchanged or found)[0] if len(unchanged or found) == 1 else None


def front_area(rows: Sequence[Row], columns: Sequence[Column]) -> float | None:
    """Hypervolume of the two tasks' AUC above chance; ``None`` where there are not two tasks or no complete row."""
    points = _points([row for row in rows if row.state == "complete"], _main_columns(columns))
    if points.shape[1:] != (2,) or len(points) == 0 or np.isnan(points).any():
        return None
    return hypervolume(points, (CHANCE, CHANCE))


def _best(complete: Sequence[Row], column: Column) -> str | None:
    """The best value as it is printed."""
    found = [row.values[column] for row in complete if column in row.values]
    pick = max if column[1] in HIGHER_IS_BETTER else min
    return pick(found, key=lambda value: value.mean).text if found else None


def _mean_ranks(rows: Sequence[Row], columns: Sequence[Column]) -> list[float | None]:
    """Over the columns in which every row has a value."""
    shared = [column for column in columns if all(column in row.values for row in rows)]
    if not rows or not shared:
        return [None] * len(rows)
    per_column = [ranks(_printed(rows, column), column[1] not in HIGHER_IS_BETTER) for column in shared]
    return [float(rank) for rank in np.mean(per_column, axis=0)]


def _printed(rows: Sequence[Row], column: Column) -> list[float]:
    return [float(row.values[column].text) for row in rows]


def _delta_m(row: Row, base: Row, columns: Sequence[Column]) -> SeedMean | None:
    """Of each seed against the same seed of the reference."""
    own, others = (
        np.array([side.values[column].seeds for column in columns if column in side.values]) for side in (row, base)
    )
    if not len(own) == len(others) == len(columns) or (others == 0).any():
        return None
    lower = [metric not in HIGHER_IS_BETTER for _, metric in columns]
    return measured([float(change) for change in delta_m(own.T, others.T, lower)])


def _main_columns(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column[1] == MAIN]


def _points(rows: Sequence[Row], columns: Sequence[Column]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(rows, columns) as printed, NaN where a row has no value."""
    values = [[row.values.get(column) for column in columns] for row in rows]
    printed = [[float(value.text) if value else np.nan for value in row] for row in values]
    return np.array(printed, float).reshape(len(rows), len(columns))


def _front(rows: Sequence[Row], columns: Sequence[Column]) -> list[bool]:
    tasks = _main_columns(columns)
    if not rows or len(tasks) < 2:
        return [False] * len(rows)
    return [bool(on) for on in pareto_front(_points(rows, tasks))]
