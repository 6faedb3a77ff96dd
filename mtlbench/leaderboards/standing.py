"""How methods stand over all columns of a board: mean rank, Delta_m, Pareto front. Only complete rows compete."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mtlbench.leaderboards.aggregation import measured
from mtlbench.leaderboards.board import HIGHER_IS_BETTER, Column, Row, Value
from mtlbench.statistics import delta_m, hypervolume, pareto_front, ranks

CHANCE = 0.5
"""AUC of a coin: the reference point of the hypervolume, in every task."""


def placed(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The rows with mean rank, Delta_m and Pareto front filled in, where they are complete.

    As everywhere, values that print alike are equally good.
    """
    complete = [row for row in rows if row.state == "complete"]
    base = reference(rows)
    mean_ranks = _mean_ranks(complete, columns)
    front = _front(complete, columns)
    places = {row.method: i for i, row in enumerate(complete)}

    def filled(row: Row) -> Row:
        i = places.get(row.method)
        if i is None:
            return row
        change = _delta_m(row, base, columns) if base else None
        return replace(row, rank=mean_ranks[i], delta_m=change, pareto=front[i])

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
    points = _points([row for row in rows if row.state == "complete"], _auc_columns(columns))
    if points.shape[1:] != (2,) or len(points) == 0 or np.isnan(points).any():
        return None
    return hypervolume(points, (CHANCE, CHANCE))


def _mean_ranks(rows: Sequence[Row], columns: Sequence[Column]) -> list[float | None]:
    """Over the columns in which every row has a value."""
    shared = [column for column in columns if all(column in row.values for row in rows)]
    if not rows or not shared:
        return [None] * len(rows)
    per_column = [ranks(_printed(rows, column), column[1] not in HIGHER_IS_BETTER) for column in shared]
    return [float(rank) for rank in np.mean(per_column, axis=0)]


def _printed(rows: Sequence[Row], column: Column) -> list[float]:
    return [float(row.values[column].text) for row in rows]


def _delta_m(row: Row, base: Row, columns: Sequence[Column]) -> Value | None:
    """Of each seed against the same seed of the reference."""
    own, others = (
        np.array([side.values[column].seeds for column in columns if column in side.values]) for side in (row, base)
    )
    if not len(own) == len(others) == len(columns) or (others == 0).any():
        return None
    lower = [metric not in HIGHER_IS_BETTER for _, metric in columns]
    return measured([float(change) for change in delta_m(own.T, others.T, lower)])


def _auc_columns(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if column[1] == "auc"]


def _points(rows: Sequence[Row], columns: Sequence[Column]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(rows, columns) as printed, NaN where a row has no value."""
    values = [[row.values.get(column) for column in columns] for row in rows]
    printed = [[float(value.text) if value else np.nan for value in row] for row in values]
    return np.array(printed, float).reshape(len(rows), len(columns))


def _front(rows: Sequence[Row], columns: Sequence[Column]) -> list[bool]:
    tasks = _auc_columns(columns)
    if not rows or len(tasks) < 2:
        return [False] * len(rows)
    return [bool(on) for on in pareto_front(_points(rows, tasks))]
