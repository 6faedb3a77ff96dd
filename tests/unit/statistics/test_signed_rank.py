"""The signed-rank test against scipy, against a worked example, and what few pairs can show."""

import itertools

import demsar
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mtlbench.statistics import pairs_needed, smallest_p, wilcoxon, wilcoxon_tests

whole = st.lists(st.integers(-5, 5), min_size=1, max_size=9)
distinct = st.lists(st.integers(-(10**6), 10**6).filter(bool), min_size=1, max_size=25, unique_by=abs)


def test_demsars_example():
    # He gives R+ = 93 and R- = 12 with half of the zeros' ranks (1 + 2) on either side; Pratt leaves these out.
    outcome = wilcoxon(demsar.AUC[:, 1], demsar.AUC[:, 0])
    assert (outcome.plus, outcome.minus) == (93 - 1.5, 12 - 1.5)
    assert (outcome.pairs, outcome.zeros) == (14, 2)
    assert outcome.p < 0.05


@given(distinct)
def test_without_ties_it_is_scipys_exact_test(values):
    expected = stats.wilcoxon(values, method="exact")
    outcome = wilcoxon(values, np.zeros(len(values)))
    assert outcome.p == pytest.approx(expected.pvalue)
    assert min(outcome.plus, outcome.minus) == expected.statistic


@given(whole.filter(any))
def test_with_ties_and_zeros_it_is_the_share_of_all_assignments_of_signs(values):
    found = np.array(values)
    nonzero = found[found != 0]
    rank = stats.rankdata(np.abs(found))[found != 0]
    centre = rank.sum() / 2
    observed = abs(rank[nonzero > 0].sum() - centre)
    signs = np.array(list(itertools.product((0, 1), repeat=nonzero.size)))
    share = (np.abs(signs @ rank - centre) >= observed - 1e-9).mean()
    assert wilcoxon(values, np.zeros(len(values))).p == pytest.approx(min(1, share))


@settings(max_examples=25)
@given(whole.filter(lambda values: any(values) and len(values) > 1))
def test_with_ties_and_zeros_it_is_scipys_permutation_test(values):
    expected = stats.wilcoxon(values, zero_method="pratt", method=stats.PermutationMethod(n_resamples=10**6))
    assert wilcoxon(values, np.zeros(len(values))).p == pytest.approx(expected.pvalue)


@given(whole)
def test_swapping_the_methods_swaps_the_ranks_and_keeps_p(values):
    one, other = wilcoxon(values, np.zeros(len(values))), wilcoxon(np.zeros(len(values)), values)
    assert (one.p, one.plus, one.minus) == (other.p, other.minus, other.plus)


@given(whole)
def test_p_is_never_below_the_smallest_of_the_pairs_that_differ(values):
    outcome = wilcoxon(values, np.zeros(len(values)))
    assert smallest_p(outcome.pairs - outcome.zeros) <= outcome.p <= 1


@pytest.mark.parametrize("n", range(1, 12))
def test_one_sided_differences_reach_the_smallest_p(n):
    assert wilcoxon(np.arange(1, n + 1), np.zeros(n)).p == smallest_p(n) == min(1, 2 / 2**n)


def test_two_methods_that_are_the_same_do_not_differ():
    values = np.linspace(0.6, 0.7, 8)
    outcome = wilcoxon(values, values)
    assert (outcome.p, outcome.zeros) == (1, 8)


def test_the_rounding_of_a_subtraction_makes_no_ranks():
    # 0.3 - 0.2 and 0.2 - 0.1 differ in the last bit.
    assert wilcoxon([0.3, 0.2], [0.2, 0.1]).plus == 3
    assert wilcoxon([0.3, 0.2], [0.2, 0.3]).p == 1
    assert wilcoxon([0.1 + 0.2, 5.0], [0.3, 5.0]).zeros == 2


def test_five_seeds_never_reach_five_percent_and_six_do():
    assert smallest_p(5) == 0.0625
    assert smallest_p(6) == 0.03125
    assert pairs_needed() == 6
    assert pairs_needed(20) == 10


@given(comparisons=st.integers(1, 10**4), alpha=st.floats(1e-6, 0.5))
def test_the_pairs_needed_are_the_fewest(comparisons, alpha):
    n = pairs_needed(comparisons, alpha)
    assert smallest_p(n, comparisons) < alpha
    assert n == 1 or smallest_p(n - 1, comparisons) >= alpha


def test_what_is_no_pair_is_refused():
    with pytest.raises(ValueError, match="equal length"):
        wilcoxon([1, 2], [1])
    with pytest.raises(ValueError, match="must be finite"):
        wilcoxon([1, np.nan], [1, 2])


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=1)))
def test_methods_tested_together_have_the_outcomes_of_each_alone(values):
    assert wilcoxon_tests(values, values[0]) == [wilcoxon(row, values[0]) for row in values]
