"""Probability of improvement by hand, against Mann and Whitney, and its interval by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mtlbench.statistics import probability_of_improvement

runs = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=6)


def test_by_hand():
    # Block 1: 3 beats 1 and 2, 2 beats 1 and ties 2 -> 3.5 of 4. Block 2: never.
    found = probability_of_improvement([[3, 2], [0]], [[1, 2], [1, 1, 1]])
    assert found.value == (3.5 / 4 + 0) / 2


@given(runs, runs)
def test_on_one_block_it_is_the_mann_whitney_statistic(first, second):
    expected = stats.mannwhitneyu(first, second).statistic / (len(first) * len(second))
    found = probability_of_improvement([first], [second], resamples=10)
    assert found.value == pytest.approx(expected)


@given(st.lists(st.tuples(runs, runs), min_size=1, max_size=4))
def test_the_two_directions_sum_to_one(blocks):
    first, second = zip(*blocks, strict=True)
    one, other = (probability_of_improvement(*pair, resamples=10).value for pair in ((first, second), (second, first)))
    assert one + other == pytest.approx(1)
    reverse = probability_of_improvement(first, second, lower_is_better=True, resamples=10).value
    assert reverse == pytest.approx(other)


@given(st.lists(runs, min_size=1, max_size=3))
def test_a_method_against_itself_is_even(blocks):
    found = probability_of_improvement(blocks, blocks, resamples=100)
    assert found.value == pytest.approx(0.5)
    assert found.low <= 0.5 + 1e-12
    assert found.high >= 0.5 - 1e-12


def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(0)
    blocks, seeds, trials, lead = 4, 20, 200, 0.8
    truth = stats.norm.cdf(lead / np.sqrt(2))
    covered = 0
    for _ in range(trials):
        first, second = rng.normal(lead, 1, (blocks, seeds)), rng.normal(0, 1, (blocks, seeds))
        found = probability_of_improvement(list(first), list(second), resamples=400)
        covered += found.low <= truth <= found.high
    assert covered / trials == pytest.approx(0.95, abs=0.05)


def test_other_blocks_are_refused():
    with pytest.raises(ValueError, match="same blocks"):
        probability_of_improvement([[1]], [])
    with pytest.raises(ValueError, match="every block"):
        probability_of_improvement([[1]], [[]])
