"""Where a point of the unit interval lies in the range of a parameter."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.api.search import Choice, Linear, Log, Mapped, OrZero, TaskWeights

SHARES = st.floats(0, 1, exclude_max=True)


def test_a_range_goes_from_its_low_to_its_high_end() -> None:
    assert Linear(-3, 3).at([0.0], 2) == -3
    assert Linear(-3, 3).at([0.75], 2) == 1.5
    assert Log(1e-4, 1e-2).at([0.0], 2) == 1e-4
    assert Log(1e-4, 1e-2).at([0.5], 2) == 1e-3


def test_each_value_of_a_choice_has_an_equal_part() -> None:
    found = [Choice("a", "b", "c").at([i / 300], 2) for i in range(300)]
    assert [found.count(value) for value in "abc"] == [100, 100, 100]


def test_a_share_of_the_trials_has_zero_and_the_rest_the_whole_range() -> None:
    search = OrZero(Log(1e-7, 1e-3), share=0.25)
    found = [search.at([i / 400], 2) for i in range(400)]
    assert found.count(0.0) == 100
    assert found[100] == 1e-7
    assert max(found) == pytest.approx(1e-3, rel=0.05)


def test_a_mapped_range_knows_the_number_of_tasks() -> None:
    assert Mapped(Linear(0, 1), lambda x, tasks: (x / tasks,), "x / K").at([0.6], 3) == (0.2,)
    assert Mapped(Log(1e-4, 0.1), lambda x, tasks: 1 - x, "1 - x").at([0.0], 3) == 0.9999


@given(st.lists(SHARES, min_size=5, max_size=5), st.integers(1, 6))
def test_weights_of_tasks_have_a_sum_of_k_and_none_is_below_the_least(point: list[float], tasks: int) -> None:
    search = TaskWeights(least=0.01)
    weights = search.at(point[: search.dimensions(tasks)], tasks)
    assert len(weights) == tasks
    assert sum(weights) == pytest.approx(tasks, rel=1e-3)
    assert min(weights) >= 0.01 - 1e-9
    assert search.first(tasks) == (1.0,) * tasks


def test_every_division_among_tasks_is_equally_likely() -> None:
    # Over a grid of two sorted uniform numbers the mean weight of each of three tasks is one.
    grid = [(i + 0.5) / 60 for i in range(60)]
    weights = [TaskWeights().at([a, b], 3) for a in grid for b in grid]
    assert [math.fsum(column) / len(weights) for column in zip(*weights, strict=True)] == pytest.approx(
        [1, 1, 1], rel=0.02
    )


@pytest.mark.parametrize("make", [lambda: Linear(1, 1), lambda: Log(2, 1), lambda: Log(0, 1), Choice])
def test_an_empty_range_is_refused(make) -> None:
    with pytest.raises(ValueError, match=r"a range goes|begins above 0|at least one"):
        make()
