"""Step-down max-T by sign flips: against a direct loop, scipy's permutation test and Sidak's formula."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mtlbench.statistics import max_t, max_t_together, seeds_needed, smallest_p


def table(rows, seeds, seed=0, shift=0.0):
    """Differences with a shared part, as those from one baseline have."""
    rng = np.random.default_rng(seed)
    return shift + rng.normal(size=(1, seeds)) + rng.normal(size=(rows, seeds))


def t_of(rows):
    return np.abs(rows.mean(1)) / (rows.std(1, ddof=1) / np.sqrt(rows.shape[1]))


def direct(found):
    """Westfall and Young's algorithm as it is written, one assignment of signs after the other."""
    observed = t_of(found)
    order = np.argsort(-observed)
    counts = np.zeros(len(found))
    for signs in itertools.product((1, -1), repeat=found.shape[1]):
        flipped = t_of(found * np.array(signs))
        for place, j in enumerate(order):
            counts[j] += max(flipped[i] for i in order[place:]) >= observed[j] - 1e-9
    p = counts / 2 ** found.shape[1]
    for before, after in itertools.pairwise(order):
        p[after] = max(p[after], p[before])
    return p


tables = st.builds(table, st.integers(1, 6), st.integers(3, 7), st.integers(0, 10**6), st.sampled_from([0.0, 1.0]))


@settings(max_examples=30)
@given(tables)
def test_it_is_the_direct_loop(found):
    assert max_t(found).adjusted == pytest.approx(direct(found))


@pytest.mark.parametrize("seeds", [4, 6, 9])
def test_one_comparison_is_the_paired_t_test_by_sign_flips(seeds):
    found = table(1, seeds, shift=0.7)

    def t(sample, axis=-1):
        return np.abs(sample.mean(axis)) / sample.std(axis, ddof=1)

    expected = stats.permutation_test(
        (found[0],), t, permutation_type="samples", alternative="greater", vectorized=True
    )
    outcome = max_t(found)
    assert outcome.adjusted[0] == outcome.p[0] == pytest.approx(expected.pvalue)


@settings(max_examples=30)
@given(tables, st.randoms())
def test_the_order_of_comparisons_and_the_unit_of_a_column_change_nothing(found, random):
    places = random.sample(range(len(found)), len(found))
    scales = np.array([random.choice([1e-3, -1.0, 40.0]) for _ in places])[:, None]
    assert max_t(found[places] * scales).adjusted == pytest.approx(max_t(found).adjusted[places])


@settings(max_examples=30)
@given(tables)
def test_a_copy_of_a_comparison_changes_nothing(found):
    assert max_t(np.vstack([found, found[-1:], -found[:1]])).adjusted[: len(found)] == pytest.approx(
        max_t(found).adjusted
    )


@settings(max_examples=30)
@given(tables)
def test_a_larger_t_never_has_a_larger_p_and_adjusting_never_helps(found):
    outcome = max_t(found)
    assert np.all(np.diff(outcome.adjusted[np.argsort(-t_of(found))]) >= 0)
    assert np.all(outcome.adjusted >= outcome.p - 1e-12)
    assert np.all(outcome.p >= smallest_p(found.shape[1]) - 1e-12)


def test_on_independent_comparisons_it_is_near_sidak():
    rng = np.random.default_rng(1)
    found = rng.normal(size=(20, 12))
    found[0] += 1.5
    outcome = max_t(found)
    first = np.argmin(outcome.p)
    assert outcome.adjusted[first] == pytest.approx(1 - (1 - outcome.p[first]) ** 20, abs=0.02)


def test_comparisons_that_move_together_cost_less_than_independent_ones():
    rng = np.random.default_rng(2)
    own = rng.normal(0.8, 1, 10)
    together = own + rng.normal(0, 0.1, (30, 10))
    apart = np.vstack([own, rng.normal(size=(29, 10))])
    assert max_t(together).adjusted.min() < 2 * max_t(own[None]).p[0] < max_t(apart).adjusted[0]


def test_the_smallest_p_is_that_of_one_comparison_however_many_there_are():
    found = table(200, 6)
    found[7] = 5.0 + np.arange(6) / 10
    assert max_t(found).adjusted[7] == 2 / 2**6 == smallest_p(6)
    assert [smallest_p(n) for n in (1, 5, 13)] == [1, 0.0625, 2 / 2**13]
    assert seeds_needed() == 6
    assert seeds_needed(0.001) == 11


def test_beyond_thirteen_seeds_flips_are_drawn_the_same_each_time_and_the_observed_one_counts():
    found = table(3, 20, shift=3.0)
    assert max_t(found).adjusted.tolist() == max_t(found).adjusted.tolist()
    assert max_t(found).adjusted.min() == smallest_p(20) == 1 / 10_001
    exact, drawn = table(2, 13, seed=3, shift=0.3), table(2, 14, seed=3, shift=0.3)
    assert max_t(exact).adjusted == pytest.approx(max_t(drawn).adjusted, abs=0.25)
    half = table(1, 14, seed=5)
    expected = stats.ttest_1samp(half[0], 0).pvalue
    assert max_t(half).p[0] == pytest.approx(expected, abs=0.02)


def test_no_difference_is_never_significant_and_takes_no_part():
    found = table(3, 8, shift=1.0)
    with_zeros = np.vstack([np.zeros((40, 8)), found])
    outcome = max_t(with_zeros)
    assert outcome.p[:40].tolist() == outcome.adjusted[:40].tolist() == [1.0] * 40
    assert outcome.adjusted[40:] == pytest.approx(max_t(found).adjusted)


def test_differences_without_spread_have_an_infinite_t():
    outcome = max_t(np.vstack([np.full((1, 8), 1e-5), table(2, 8)]))
    assert outcome.adjusted[0] == smallest_p(8)


def test_a_comparison_that_lacks_a_seed_is_not_made_and_takes_no_part():
    found = table(3, 8, shift=1.0)
    gap = found[:1].copy()
    gap[0, 3] = np.nan
    outcome = max_t(np.vstack([gap, found]))
    assert np.isnan([outcome.p[0], outcome.adjusted[0]]).all()
    assert outcome.adjusted[1:] == pytest.approx(max_t(found).adjusted)


def test_one_seed_shows_nothing_and_no_seed_is_refused():
    assert max_t([[3.0], [0.0]]).adjusted.tolist() == [1.0, 1.0]
    assert max_t(np.zeros((0, 5))).adjusted.shape == (0,)
    with pytest.raises(ValueError, match="with n >= 1"):
        max_t(np.zeros((2, 0)))


def test_with_no_true_difference_a_page_has_a_false_star_as_often_as_it_may():
    rng = np.random.default_rng(4)
    pages = 300
    false = 0
    for _ in range(pages):
        shared = rng.standard_t(4, size=(1, 8))
        false += bool((max_t(shared - rng.standard_t(4, size=(12, 8))).adjusted < 0.05).any())
    # The simulation of the literature gives .02 to .06; three standard errors of 300 pages are .038.
    assert false / pages < 0.09


def by_seed(found, seeds):
    return dict(zip(seeds, found.T, strict=True))


def test_tables_of_the_same_seeds_are_one_table():
    one, other = table(3, 8, shift=0.6), table(2, 8, seed=1)
    outcomes = max_t_together([by_seed(one, range(8)), by_seed(other, range(8))])
    expected = max_t(np.vstack([one, other]))
    assert np.concatenate([outcome.adjusted for outcome in outcomes]) == pytest.approx(expected.adjusted)
    assert np.concatenate([outcome.p for outcome in outcomes]) == pytest.approx(expected.p)


def test_tables_of_other_seeds_are_compared_by_the_p_of_their_t():
    one, other = table(2, 6, shift=0.9), table(3, 8, seed=1, shift=0.7)
    outcomes = max_t_together([by_seed(one, range(6)), by_seed(other, range(2, 10))])
    rows = [(row, range(6)) for row in one] + [(row, range(2, 10)) for row in other]
    observed = np.array([stats.ttest_1samp(row, 0).pvalue for row, _ in rows])
    order = np.argsort(observed)
    counts = np.zeros(len(rows))
    for signs in itertools.product((1, -1), repeat=10):
        flipped = [stats.ttest_1samp(row * np.array(signs)[list(seeds)], 0).pvalue for row, seeds in rows]
        for place, j in enumerate(order):
            counts[j] += min(flipped[i] for i in order[place:]) <= observed[j] * (1 + 1e-9)
    expected = np.maximum.accumulate((counts / 2**10)[order])
    assert np.concatenate([outcome.adjusted for outcome in outcomes])[order] == pytest.approx(expected)


def test_a_sure_gain_is_found_among_any_number_of_tables_and_nothing_where_there_is_none():
    rng, pages, false, found = np.random.default_rng(3), 60, 0, 0
    for _ in range(pages):
        tables = [by_seed(rng.normal(size=(9, seeds)), range(seeds)) for seeds in (6, 8, 8, 8, 8, 8, 8, 8, 10)]
        false += min(outcome.adjusted.min() for outcome in max_t_together(tables)) < 0.05
        tables[1] = {seed: np.append(values[0] + 8, values[1:]) for seed, values in tables[1].items()}
        found += max_t_together(tables)[1].adjusted[0] < 0.05
    assert false / pages <= 0.1
    assert found / pages > 0.9
    assert smallest_p(8) * 9 > 0.05  # what Bonferroni over tables could not find


def test_a_table_of_one_seed_shows_nothing_and_takes_nothing_from_the_others():
    many = by_seed(table(3, 8, shift=0.6), range(8))
    alone, beside = max_t_together([by_seed(np.array([[5.0], [-1.0]]), [3]), many])
    assert alone.p.tolist() == alone.adjusted.tolist() == [1.0, 1.0]
    assert beside.adjusted == pytest.approx(max_t_together([many])[0].adjusted)


def test_a_comparison_without_a_value_is_not_made_in_tables_either():
    found = table(3, 8, shift=0.6)
    gap = found.copy()
    gap[1, 4] = np.nan
    (outcome,) = max_t_together([by_seed(gap, range(8))])
    assert np.isnan([outcome.p[1], outcome.adjusted[1]]).all()
    assert outcome.adjusted[[0, 2]] == pytest.approx(max_t(found[[0, 2]]).adjusted)


def test_no_tables_and_tables_without_a_difference():
    assert max_t_together([by_seed(np.zeros((2, 6)), range(6))])[0].adjusted.tolist() == [1.0, 1.0]
