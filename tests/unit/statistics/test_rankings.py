"""Ranks over blocks against a worked example, scipy and scikit-posthocs."""

import math
from unittest import mock

import demsar
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from mtlbench.statistics import complete_cases, critical_difference, friedman, friedman_tests, rankings, ranks

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
def test_the_statistic_is_that_of_scipy(scores):
    if (scores == scores[:, :1]).all():
        return
    with mock.patch.object(rankings, "DRAWN_ASSIGNMENTS", 99):
        outcome = friedman(ranks(scores))
    assert outcome.chi_square == pytest.approx(stats.friedmanchisquare(*scores.T).statistic)
    blocks, methods = scores.shape
    room = blocks * (methods - 1) - outcome.chi_square
    if room > 1e-6:
        assert outcome.f == pytest.approx((blocks - 1) * outcome.chi_square / room)


@pytest.mark.parametrize(
    ("block_ranks", "chi_square", "p"),
    [
        # Friedman's own tables (JASA 1937): k = 3 with N = 3 and 4, k = 4 with N = 2
        ([[1, 2, 3]] * 3, 6.0, 0.028),
        ([[1, 2, 3], [1, 2, 3], [1, 3, 2]], 14 / 3, 0.194),
        ([[1, 2, 3]] * 4, 8.0, 0.0046),
        ([[1, 2, 3], [1, 2, 3], [1, 2, 3], [2, 1, 3]], 6.5, 0.042),
        ([[1, 2, 3, 4]] * 2, 6.0, 0.042),
    ],
)
def test_the_p_value_is_that_of_friedmans_tables(block_ranks, chi_square, p):
    outcome = friedman(block_ranks)
    assert outcome.chi_square == pytest.approx(chi_square)
    assert outcome.p == pytest.approx(p, abs=6e-4)


def test_random_assignments_agree_with_all_of_them_and_with_f_for_many_blocks():
    few = ranks(demsar.AUC[:5])
    with mock.patch.object(rankings, "EXACT_ASSIGNMENTS", 10**6):
        exact = friedman(few).p
    assert friedman(few).p == pytest.approx(exact, abs=0.01)
    many = friedman(ranks(demsar.AUC))
    assert many.p == pytest.approx(stats.f.sf(many.f, 3, 39), abs=0.01)


@given(tables)
def test_p_is_never_below_the_share_of_one_assignment(scores):
    blocks, methods = scores.shape
    with mock.patch.object(rankings, "DRAWN_ASSIGNMENTS", 99):
        assert friedman(ranks(scores)).p >= min(1 / 100, math.factorial(methods) ** (1 - blocks)) * (1 - 1e-12)


def one_draw_at_a_time(block_ranks):
    """The share of assignments by shuffling the ranks themselves, a block after the other."""
    rng, many = np.random.default_rng(0), rankings.DRAWN_ASSIGNMENTS
    doubled = (2 * block_ranks).astype(int)
    sums = sum(rng.permuted(np.tile(row, (many, 1)), axis=1) for row in doubled)
    return (1 + ((sums**2).sum(1) >= (doubled.sum(0) ** 2).sum()).sum()) / (1 + many)


@given(tables, st.integers(1, 3))
def test_tables_tested_together_have_the_outcomes_of_each_alone(scores, count):
    found = [ranks(np.roll(scores, place, axis=1) * (scores != place)) for place in range(count)]
    with mock.patch.object(rankings, "EXACT_ASSIGNMENTS", 1), mock.patch.object(rankings, "DRAWN_ASSIGNMENTS", 99):
        together = friedman_tests(found)
        assert together == [friedman(table) for table in found]
        for table, outcome in zip(found, together, strict=True):
            assert outcome.p == (one_draw_at_a_time(table) if np.ptp(table) else 1.0)


def test_tables_of_different_blocks_are_not_tested_together():
    with pytest.raises(ValueError, match=r"\(2, 3\), \(3, 3\)"):
        friedman_tests([ranks(np.eye(3)), ranks(np.eye(3)[:2])])
    assert friedman_tests([]) == []


def test_a_difference_beyond_the_critical_one_is_significant_in_scikit_posthocs():
    import scikit_posthocs  # imports matplotlib and seaborn, which nobody else needs while tests are collected

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
    assert (outcome.chi_square, outcome.f, outcome.p) == (pytest.approx(8), math.inf, pytest.approx(1 / 6**3))


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
