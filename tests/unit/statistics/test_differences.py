"""Differences and intervals against scipy, and their coverage by simulation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from mtlbench.statistics import (
    mean_interval,
    mean_intervals,
    paired_difference,
    paired_differences,
    unpaired_difference,
)

samples = st.lists(st.floats(0.1, 1), min_size=2, max_size=12)
tables = st.tuples(st.integers(1, 5), st.integers(1, 20)).flatmap(
    lambda shape: arrays.arrays(float, shape, elements=st.floats(-1e6, 1e6) | st.sampled_from([0.1, 0.2, 0.3]))
)
pairs = st.lists(st.tuples(st.floats(0.1, 1), st.floats(0.1, 1)), min_size=2, max_size=12)


@given(samples)
def test_the_interval_of_a_mean_is_that_of_scipy(values):
    assume(np.std(values) > 1e-6)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    found = mean_interval(values, 0.9)
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), *expected))
    assert found.half_width == pytest.approx((expected.high - expected.low) / 2)


@given(pairs)
def test_the_paired_difference_is_that_of_scipy(values):
    first, second = np.array(values).T
    assume(np.std(first - second) > 1e-6)
    expected = stats.ttest_rel(first, second)
    found = paired_difference(first, second)
    interval = expected.confidence_interval()
    assert found.p == pytest.approx(expected.pvalue, rel=1e-5)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high), rel=1e-5, abs=1e-9)
    assert (found.paired, found.counts) == (True, (len(values), len(values)))


@given(samples, samples)
def test_the_unpaired_difference_is_that_of_scipy(first, second):
    assume(min(np.std(first), np.std(second)) > 1e-6)
    expected = stats.ttest_ind(first, second, equal_var=False)
    found = unpaired_difference(first, second)
    interval = expected.confidence_interval()
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert (found.paired, found.counts) == (False, (len(first), len(second)))


@given(pairs)
def test_interval_and_p_value_agree(values):
    found = paired_difference(*np.array(values).T)
    assert (found.p < 0.05) == (not found.estimate.low <= 0 <= found.estimate.high)


@given(pairs)
def test_swapping_the_methods_changes_the_sign_alone(values):
    first, second = np.array(values).T
    for compare in (paired_difference, unpaired_difference):
        one, other = compare(first, second), compare(second, first)
        assert one.p == pytest.approx(other.p)
        assert one.estimate.value == pytest.approx(-other.estimate.value)
        assert one.estimate.low == pytest.approx(-other.estimate.high)


def test_the_same_values_are_no_difference():
    found = paired_difference([0.7, 0.71], [0.7, 0.71])
    assert (found.estimate.value, found.estimate.low, found.estimate.high, found.p) == (0, 0, 0, 1)
    assert unpaired_difference([0.7, 0.7], [0.7, 0.7]).p == 1


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-200, 1e100])
def test_tiny_and_huge_values_give_finite_differences(scale):
    found = paired_difference([3 * scale, 2 * scale, 4 * scale], [scale, scale, scale])
    assert math.isfinite(found.estimate.value)
    assert 0 <= found.p <= 1


def test_one_seed_has_a_difference_and_no_interval():
    for found in (paired_difference([0.7], [0.6]), unpaired_difference([0.7], [0.6, 0.5])):
        assert found.estimate.value == pytest.approx(0.1 if found.paired else 0.15)
        assert all(math.isnan(number) for number in (found.estimate.low, found.estimate.high, found.p))


def test_pairing_removes_what_seeds_do_to_both_methods():
    rng = np.random.default_rng(0)
    of_seed = rng.normal(0.7, 0.01, 8)
    one, other = of_seed + 0.001 + rng.normal(0, 1e-4, 8), of_seed + rng.normal(0, 1e-4, 8)
    paired, unpaired = paired_difference(one, other), unpaired_difference(one, other)
    assert paired.p < 0.001 < unpaired.p
    assert paired.estimate.half_width < unpaired.estimate.half_width / 10


def test_no_values_no_interval():
    with pytest.raises(ValueError, match="n >= 1"):
        mean_interval([])
    with pytest.raises(ValueError, match="both methods"):
        unpaired_difference([], [1])


@pytest.mark.parametrize("n", [3, 5, 10])
def test_t_covers_where_the_bootstrap_does_not(n):
    values = np.random.default_rng(n).normal(size=(2000, n))
    bounds = np.array([(estimate.low, estimate.high) for estimate in map(mean_interval, values)])
    bca = stats.bootstrap((values,), np.mean, axis=1, n_resamples=400, rng=0, method="BCa").confidence_interval
    covered = ((bounds[:, 0] <= 0) & (bounds[:, 1] >= 0)).mean()
    # 2,000 samples: a share of .95 has a standard error of .005.
    assert covered == pytest.approx(0.95, abs=0.02)
    assert ((bca.low <= 0) & (bca.high >= 0)).mean() < {3: 0.80, 5: 0.88, 10: 0.93}[n]


@given(tables)
def test_rows_computed_together_have_the_bits_of_each_alone(values):
    # Compared by their text, in which NaN equals NaN and 0.0 differs from -0.0.
    assert str(mean_intervals(values)) == str([mean_interval(row) for row in values])
    apart = [paired_difference(row, values[-1]) for row in values]
    assert str(paired_differences(values, values[-1])) == str(apart)
    mean, count = float(values[0].mean()), values.shape[1]
    half = float(stats.t.ppf(0.975, count - 1)) * float(values[0].std(ddof=1)) / math.sqrt(count) if count > 1 else None
    assert mean_interval(values[0]).value == mean
    assert half is None or mean_interval(values[0]).high == pytest.approx(mean + half)


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2,\)"):
        paired_differences(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(ValueError, match=r"\(3, 0\)"):
        mean_intervals(np.zeros((3, 0)))
