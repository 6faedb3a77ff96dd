"""Holm against a worked example, against statsmodels, and its properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from mtlbench.statistics import holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_demsars_example():
    # JMLR 2006, section 3.2.2: three comparisons with C4.5; the first two are rejected (.016 < .05/3, .019 < .05/2).
    assert holm([0.607, 0.016, 0.019]) == pytest.approx([0.607, 0.048, 0.048])


def test_by_hand():
    # sorted .01 .02 .03 .04 -> x4 x3 x2 x1 = .04 .06 .06 .04, made monotone
    assert holm([0.01, 0.04, 0.03, 0.02]) == pytest.approx([0.04, 0.06, 0.06, 0.06])


@settings(max_examples=15)
@given(p_values)
def test_it_is_that_of_statsmodels(values):
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])


@given(p_values)
def test_between_the_p_value_and_bonferronis(values):
    adjusted = holm(values)
    assert (adjusted >= values).all()
    assert (adjusted <= np.minimum(1, len(values) * np.array(values)) + 1e-12).all()


@given(p_values, st.integers(0, 10**6))
def test_the_order_of_the_comparisons_does_not_matter(values, seed):
    order = np.random.default_rng(seed).permutation(len(values))
    np.testing.assert_allclose(holm(np.array(values)[order]), holm(values)[order])


def test_a_comparison_that_could_not_be_made_does_not_count():
    np.testing.assert_allclose(holm([0.02, np.nan, 0.03]), [0.04, np.nan, 0.04])
    assert holm([]).size == 0
