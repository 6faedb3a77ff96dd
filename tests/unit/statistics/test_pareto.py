"""The Pareto front and its hypervolume by hand and by brute force."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.statistics import hypervolume, pareto_front

points = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=12)


def test_by_hand():
    found = [(0.70, 0.60), (0.65, 0.65), (0.60, 0.70), (0.60, 0.60), (0.65, 0.64)]
    assert pareto_front(found).tolist() == [True, True, True, False, False]
    # Strips above (.5, .5): .20 x .10 + .15 x .05 + .10 x .05
    assert hypervolume(found, (0.5, 0.5)) == pytest.approx(0.02 + 0.0075 + 0.005)


def test_the_direction_of_each_metric():
    found = [(0.70, 0.3), (0.65, 0.2), (0.65, 0.3)]
    assert pareto_front(found, [False, True]).tolist() == [True, True, False]
    assert hypervolume(found, (0.5, 0.5), [False, True]) == pytest.approx(0.20 * 0.2 + 0.15 * 0.1)


@given(points)
def test_the_front_is_what_nothing_dominates(values):
    expected = [
        not any(q[0] >= p[0] and q[1] >= p[1] and q != p for q in values)  # equal points do not dominate
        for p in values
    ]
    assert pareto_front(values).tolist() == expected


@given(points)
def test_the_hypervolume_counts_the_unit_squares_that_are_dominated(values):
    squares = {(x, y) for px, py in values for x in range(2, px) for y in range(1, py)}
    assert hypervolume(values, (2, 1)) == len(squares)


@given(points)
def test_the_front_alone_has_the_whole_hypervolume(values):
    front = np.array(values)[pareto_front(values)]
    assert hypervolume(front, (0, 0)) == hypervolume(values, (0, 0))


def test_what_is_unknown_is_not_on_the_front_and_dominates_nothing():
    assert pareto_front([(math.nan, 9), (1, 1)]).tolist() == [False, True]
    assert hypervolume([(math.nan, 9), (1, 1)], (0, 0)) == 1
    assert hypervolume(np.empty((0, 2)), (0, 0)) == 0


def by_inclusion_and_exclusion(points):
    """The volume of the union of the boxes below ``points``, an independent count."""
    return sum(
        (-1) ** (size + 1) * float(np.min(chosen, axis=0).prod())
        for size in range(1, len(points) + 1)
        for chosen in combinations(points, size)
    )


@pytest.mark.parametrize("metrics", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("trial", range(4))
def test_the_hypervolume_is_that_of_the_union_of_boxes_for_any_number_of_metrics(metrics: int, trial: int):
    numbers = np.random.default_rng(10 * metrics + trial)
    points = numbers.uniform(0.1, 1, (8, metrics)).round(1 if trial % 2 else 3)  # of one digit many are equal
    assert hypervolume(points, [0] * metrics) == pytest.approx(by_inclusion_and_exclusion(points), rel=1e-9)
    assert hypervolume(points[::-1], [0] * metrics) == pytest.approx(hypervolume(points, [0] * metrics), rel=1e-12)


def test_of_a_metric_where_lower_is_better_the_volume_is_below_the_reference():
    assert hypervolume([(0.9, 0.8, 2.0)], (0.5, 0.5, 5.0), [False, False, True]) == pytest.approx(0.4 * 0.3 * 3)
    assert hypervolume([(0.9, 0.8, 6.0)], (0.5, 0.5, 5.0), [False, False, True]) == 0


def test_three_metrics_have_a_front_and_one_has_no_hypervolume():
    assert pareto_front([(1, 1, 2), (2, 1, 1), (1, 1, 1)]).tolist() == [True, True, False]
    with pytest.raises(ValueError, match=r"\(n, K >= 2\)"):
        hypervolume([(1,)], (0,))
    with pytest.raises(ValueError, match=r"\(n, K >= 2\)"):
        hypervolume([(1, 1, 1)], (0, 0))
