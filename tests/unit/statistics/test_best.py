"""The probability to be best: by hand, its symmetries, and against a direct loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mtlbench.statistics import probability_best, ranks


@st.composite
def several_blocks(draw):
    methods = draw(st.integers(2, 4))
    values = st.integers(-3, 3).map(float)
    shapes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    return [draw(arrays.arrays(float, (methods, seeds), elements=values)) for seeds in shapes]


@settings(max_examples=30)
@given(several_blocks())
def test_it_sums_to_one_and_does_not_depend_on_the_order_of_methods(blocks):
    found = probability_best(blocks, resamples=50)
    assert found.sum() == pytest.approx(1)
    turned = probability_best([block[::-1] for block in blocks], resamples=50)
    assert turned[::-1] == pytest.approx(found)


def test_the_best_of_every_seed_is_surely_best_and_a_copy_shares():
    sure = [[2.0, 3.0, 4.0], [1.0, 2.0, 3.0], [0.0, 1.0, 2.0]]
    assert probability_best([sure]).tolist() == [1, 0, 0]
    assert probability_best([[sure[0], sure[0], sure[1]]]).tolist() == [0.5, 0.5, 0]


def test_digits_make_ties():
    assert probability_best([[[0.004], [0.001]]]).tolist() == [1, 0]
    assert probability_best([[[0.004], [0.001]]], digits=2).tolist() == [0.5, 0.5]


def test_a_method_that_wins_one_of_two_seeds_by_as_much_is_best_in_half_of_the_samples():
    # Of two seeds drawn with replacement: both the first 1/4, both the second 1/4, one each (a tie) 1/2.
    found = probability_best([[[1.0, 0.0], [0.0, 1.0]]], resamples=20_000)
    assert found == pytest.approx([0.5, 0.5], abs=0.02)
    # A larger lead in one seed wins whenever that seed is drawn: 3/4.
    found = probability_best([[[3.0, 0.0], [0.0, 1.0]]], resamples=20_000)
    assert found == pytest.approx([0.75, 0.25], abs=0.02)


def test_blocks_are_drawn_too():
    # Surely best on two blocks of three: best unless the third is drawn twice or more, 7/27; three are never even.
    block = [[1.0], [0.0]]
    found = probability_best([block, block, block[::-1]], resamples=20_000)
    assert found == pytest.approx([20 / 27, 7 / 27], abs=0.02)


def test_against_a_direct_loop():
    rng = np.random.default_rng(1)
    blocks = [rng.normal(size=(3, 5)), rng.normal(size=(3, 8))]
    wins = np.zeros(3)
    for _ in range(4000):
        means = []
        for place in rng.integers(0, 2, 2):
            block = blocks[place]
            means.append(block[:, rng.integers(0, block.shape[1], block.shape[1])].mean(1))
        mean_ranks = ranks(means).mean(0)
        best = mean_ranks == mean_ranks.min()
        wins += best / best.sum()
    assert probability_best(blocks, resamples=4000) == pytest.approx(wins / 4000, abs=0.035)


@pytest.mark.parametrize("blocks", [[], [[1.0, 2.0]], [[[1.0], [2.0]], [[1.0]]], [np.empty((2, 0))]])
def test_blocks_of_other_methods_are_refused(blocks):
    with pytest.raises(ValueError, match="the same k methods"):
        probability_best(blocks)
