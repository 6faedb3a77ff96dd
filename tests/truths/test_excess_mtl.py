"""Truths of ExcessMTL (SPEC section 4)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import started, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.excess_mtl import ExcessMTL

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)


@given(seed=seeds, tasks=st.integers(1, 5))
@few_examples
def test_the_weights_are_exponential_in_the_excess_risks_so_far(seed: int, tasks: int):
    method = started(ExcessMTL, tasks, eta=0.3)
    squares, first, total = 0.0, None, 0.0
    for number in range(4):
        g = gradients(tasks, 6, seed + number)
        squares = squares + g.square()
        excess = (g.square() / squares.sqrt()).sum(1)
        first = excess if first is None else first
        total = total + 0.3 * excess / first
        torch.testing.assert_close(weights(method, g), tasks * torch.softmax(total, 0))


def test_the_first_step_is_the_plain_average():
    torch.testing.assert_close(weights(started(ExcessMTL, 3), gradients(3, 6, 0)), torch.ones(3, dtype=torch.float64))


def test_without_a_step_size_the_weights_stay_at_one():
    method = started(ExcessMTL, 3, eta=0.0)
    for seed in range(3):
        torch.testing.assert_close(weights(method, gradients(3, 6, seed)), torch.ones(3, dtype=torch.float64))


def test_a_task_whose_gradient_dies_weighs_ever_less():
    method, g = started(ExcessMTL, 2, eta=1.0), gradients(2, 6, 0)
    weights(method, g)
    g[1] /= 1000
    found = [weights(method, g)[1].item() for _ in range(4)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.3


def test_a_task_that_comes_in_late_is_compared_with_its_own_beginning():
    method, g = started(ExcessMTL, 2, eta=1.0), gradients(2, 6, 0)
    late = g.clone()
    late[1] = 0
    before = weights(method, late)
    after = weights(method, g)
    assert before.sum().item() == pytest.approx(2)
    # Its first excess risk counts as 1, the other's second as 1 / sqrt(2).
    ratio = (after[1] / after[0]) / (before[1] / before[0])
    torch.testing.assert_close(ratio.log(), torch.tensor(1 - 0.5**0.5, dtype=torch.float64))
