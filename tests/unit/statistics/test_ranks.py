"""Ranks over blocks against a worked example, scipy and scikit-posthocs."""

import math

import demsar
import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from mtlbench.statistics import complete_cases, critical_difference, friedman, ranks

tables = st.tuples(st.integers(2, 9), st.integers(3, 7)).flatmap(
    lambda shape: arrays.arrays(float, shape, elements=st.integers(0, 6).map(float))
)


def test_demsars_example():
    found = ranks(demsar.AUC)
    assert found.mean(0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    outcome = friedman(found)
    # The paper's 9.28 and 3.69 come without the correction for ties: three pairs and one block of four.
    correction = 1 - (3 * (2**3 - 2) + (4**3 - 4)) / (14 * (4**3 - 4))
    assert outcome.chi_square * correction == pytest.approx(9.28, abs=5e-3)
    uncorrected = outcome.chi_square * correction
    assert 13 * uncorrected / (14 * 3 - uncorrected) == pytest.approx(3.69, abs=5e-3)
    assert outcome.p < 0.05
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=5e-3)
    assert critical_difference(4, 14, 0.1) == pytest.approx(1.12, abs=5e-3)


@pytest.mark.parametrize(
    ("methods", "q"),
    list(enumerate([1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164], start=2)),
)
def test_critical_values_are_those_of_demsars_table_5(methods, q):
    assert critical_difference(methods, 1) / math.sqrt(methods * (methods + 1) / 6) == pytest.approx(q, abs=1.1e-3)


@given(tables)
def test_friedman_is_that_of_scipy(scores):
    outcome = friedman(ranks(scores))
    if (scores == scores[:, :1]).all():
        assert outcome.p == 1
        return
    assert outcome.chi_square == pytest.approx(stats.friedmanchisquare(*scores.T).statistic)
    blocks, methods = scores.shape
    f = np.inf
    if blocks * (methods - 1) - outcome.chi_square > 1e-6:
        f = (blocks - 1) * outcome.chi_square / (blocks * (methods - 1) - outcome.chi_square)
        assert outcome.f == pytest.approx(f)
    assert outcome.p == pytest.approx(stats.f.sf(f, methods - 1, (methods - 1) * (blocks - 1)), abs=1e-6)


def test_a_difference_beyond_the_critical_one_is_significant_in_scikit_posthocs():
    p_values = scikit_posthocs.posthoc_nemenyi_friedman(demsar.AUC).to_numpy()
    mean = ranks(demsar.AUC).mean(0)
    apart = np.abs(mean[:, None] - mean[None])
    for alpha in (0.02, 0.05, 0.07, 0.1, 0.5):
        assert ((apart > critical_difference(4, 14, alpha)) == (p_values < alpha)).all()


@given(tables)
def test_ranks_of_a_block_sum_to_the_same_and_follow_the_direction(scores):
    methods = scores.shape[1]
    found = ranks(scores)
    assert found.sum(1) == pytest.approx(methods * (methods + 1) / 2)
    assert ranks(-scores, lower_is_better=True) == pytest.approx(found)
    assert found + ranks(scores, lower_is_better=True) == pytest.approx(np.full(scores.shape, methods + 1.0))


def test_identical_orders_in_every_block_leave_nothing_to_chance():
    outcome = friedman(ranks([[3, 2, 1]] * 4))
    assert (outcome.chi_square, outcome.f, outcome.p) == (pytest.approx(8), math.inf, 0)


def test_one_block_or_one_method_has_no_test():
    assert math.isnan(friedman([[1, 2, 3]]).p)
    assert math.isnan(friedman([[1], [1]]).p)
    with pytest.raises(ValueError, match="two methods"):
        critical_difference(1, 3)


def table(rows, columns="abc"):
    return pd.DataFrame(rows, index=[f"block {i}" for i in range(len(rows))], columns=list(columns), dtype=float)


def test_a_method_of_few_blocks_is_left_out():
    nan = math.nan
    found = complete_cases(table([[1, 2, nan], [1, 2, nan], [1, 2, 3]]))
    assert (found.methods_left_out, found.blocks_left_out) == (("c",), ())
    assert found.scores.shape == (3, 2)


def test_a_block_of_few_methods_is_left_out():
    nan = math.nan
    found = complete_cases(table([[1, 2, 3, 4]] * 5 + [[1, nan, 3, nan]], "abcd"))
    assert (found.methods_left_out, found.blocks_left_out) == ((), ("block 5",))


@given(
    arrays.arrays(float, (4, 5), elements=st.sampled_from([0.5, 0.7, math.nan])),
)
def test_what_is_left_has_no_gap_and_everything_is_accounted_for(scores):
    frame = table(scores, "abcde")
    found = complete_cases(frame)
    assert not found.scores.isna().to_numpy().any()
    assert {*found.scores.columns, *found.methods_left_out} == set(frame.columns)
    assert {*found.scores.index, *found.blocks_left_out} == set(frame.index)
    pd.testing.assert_frame_equal(found.scores, frame.loc[found.scores.index, found.scores.columns])
    if not frame.isna().to_numpy().any():
        assert found.scores.shape == frame.shape
