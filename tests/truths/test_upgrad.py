"""Truths of UPGrad (SPEC section 6)."""

import torch
from fake_steps import gradients
from gradient_methods import applied, started, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.pcgrad import PCGrad
from mtlbench_plugins.weightings.upgrad import UPGrad

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)


@given(seed=seeds)
@few_examples
def test_of_two_tasks_it_is_half_of_the_sum_that_pcgrad_takes(seed: int):
    g = gradients(2, 5, seed)
    expected = weights(started(PCGrad, 2), g) @ g / 2
    torch.testing.assert_close(applied(started(UPGrad, 2), g), expected)


@given(seed=seeds, tasks=st.integers(1, 6), size=st.integers(1, 10))
@few_examples
def test_the_direction_conflicts_with_no_task(seed: int, tasks: int, size: int):
    g = gradients(tasks, size, seed)
    assert (g @ applied(started(UPGrad, tasks), g) >= -1e-9 * g.square().sum(1).max()).all()


@given(seed=seeds, tasks=st.integers(1, 6))
@few_examples
def test_without_conflict_the_weights_are_ones(seed: int, tasks: int):
    assert weights(started(UPGrad, tasks), gradients(tasks, 6, seed).abs()).tolist() == [1] * tasks


def test_a_gradient_is_projected_to_the_nearest_vector_without_conflict():
    # Only the first and the second conflict, and what the projection makes of them does not conflict with the third.
    g = torch.tensor([[-1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
    projected = torch.tensor([[0.0, 1.0, 1.0], [2 / 3, 1 / 3, 1 / 3], [1.0, 1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(applied(started(UPGrad, 3), g), projected.mean(0))
