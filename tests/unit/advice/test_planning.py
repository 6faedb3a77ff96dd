"""What fits into a budget, with made-up paces."""

import pytest

from mtlbench.advice.choosing import Choice
from mtlbench.advice.planning import LADDER, SEEDS, Pace, least, plan, whole_minutes
from mtlbench.statistics import smallest_p

CHOICES = [
    Choice("first", "", 1.0),
    Choice("scalar", "", 1.0, own_start=True),
    Choice("second", "", 2.0),
    Choice("third", "", 1.0),
]


@pytest.mark.parametrize("minutes", [1, 3, 10, 20, 60, 600])
@pytest.mark.parametrize("cell", [0.5, 5.0, 50.0])
@pytest.mark.parametrize("jobs", [1, 2, 16])
def test_a_plan_fits_its_budget_and_has_seeds_enough_for_the_test(minutes: int, cell: float, jobs: int) -> None:
    found = plan(CHOICES, Pace(cell), jobs, 60 * minutes)
    if found is None:
        smallest = least(CHOICES, Pace(cell), jobs)
        assert smallest is not None
        assert smallest.seconds > 60 * minutes
    else:
        assert found.seconds <= 60 * minutes
        assert smallest_p(found.seeds) < 0.05
        assert found.size in LADDER or len(found.rivals) < 4


def test_seeds_come_before_a_second_weighting_and_that_before_trials() -> None:
    sizes = [found.size for seconds in range(5, 2000, 5) if (found := plan(CHOICES, Pace(1.0), 1, seconds))]
    assert list(dict.fromkeys(sizes)) == list(LADDER)
    assert sizes == sorted(sizes, key=LADDER.index)


def test_the_smallest_plan_has_six_seeds_of_two_weightings_and_no_search() -> None:
    found = least(CHOICES, Pace(10.0), 1)
    assert found is not None
    assert (found.size, found.cells) == ((1, 0, SEEDS), 2 * SEEDS)
    assert [one.name for one in found.rivals] == ["first"]
    assert [one.name for one in found.left_out] == ["scalar", "second", "third"]
    assert found.seconds == pytest.approx(2 * SEEDS * 10 * 1.3)


def test_weights_that_trials_find_are_tried_only_where_there_are_trials() -> None:
    for seconds in (100, 200, 400, 1000):
        found = plan(CHOICES, Pace(1.0), 1, seconds)
        assert found is not None
        assert ("scalar" in [one.name for one in found.rivals]) == bool(found.trials)


def test_a_weighting_that_costs_more_takes_more_of_the_budget() -> None:
    cheap, dear = ([Choice("one", "", cost)] for cost in (1.0, 3.0))
    seconds = [getattr(least(choices, Pace(1.0), 1), "seconds", 0) for choices in (cheap, dear)]
    assert seconds == pytest.approx([(6 + 6) * 1.3, (6 + 18) * 1.3])


def test_short_cells_run_in_this_process_and_long_ones_beside_each_other() -> None:
    widths = [getattr(plan(CHOICES, Pace(cell, start=20.0), 4, 100_000), "pace", None) for cell in (0.1, 30.0)]
    assert [pace.jobs if pace else None for pace in widths] == [1, 4]


def test_a_tuned_baseline_is_reported_at_its_defaults_too() -> None:
    found = plan(CHOICES, Pace(1.0), 1, 10_000)
    assert found is not None
    assert (found.trials, found.seeds) == (20, 10)
    assert found.cells == (20 + 10 + 10) + 4 * (20 + 10)


def test_nothing_to_try_is_no_plan() -> None:
    assert least([], Pace(1.0), 1) is None
    assert plan([], Pace(1.0), 1, 1e6) is None


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 1), (60, 1), (61, 2), (3600, 60)])
def test_whole_minutes_hold_the_seconds(seconds: float, minutes: int) -> None:
    assert whole_minutes(seconds) == minutes


def test_what_the_smallest_plan_trained_is_not_planned_again() -> None:
    first = least(CHOICES, Pace(10.0), 1)
    two = plan(CHOICES, Pace(10.0), 1, 160, first)
    assert two is not None
    # Six cells of a second weighting, each of which takes twice ten seconds and a margin.
    assert (two.size, two.cells, two.seconds) == ((2, 0, 6), 6, pytest.approx(6 * 20 * 1.3))
    tuned = plan(CHOICES, Pace(10.0), 1, 10_000, first)
    assert tuned is not None
    assert tuned.cells == (20 + 20 - 6) + 4 * (20 + 10)
