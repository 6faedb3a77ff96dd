"""Truths of GradNorm (SPEC section 6)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import exact_step, started, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings.gradnorm import GradNorm

few_examples = settings(max_examples=40)


def after(method: api.Weighting, steps: int, gradients: Tensor, losses: Tensor | None = None) -> Tensor:
    """Weights applied after that many steps of the same gradients."""
    for _ in range(steps):
        method.weigh(exact_step(gradients, losses))
    return weights(method, gradients, losses)


@given(seed=st.integers(0, 10**6), tasks=st.integers(1, 5))
@few_examples
def test_the_weights_are_positive_and_sum_to_the_number_of_tasks(seed: int, tasks: int):
    method = started(GradNorm, tasks, learning_rate=0.3)
    for number in range(5):
        losses = torch.rand(4, tasks, generator=torch.Generator().manual_seed(seed + number))
        found = weights(method, gradients(tasks, 6, seed + number), losses)
        assert (found > 0).all()
        assert found.sum().item() == pytest.approx(tasks)


def test_the_first_step_is_the_plain_average():
    assert weights(started(GradNorm, 3), gradients(3, 6, 0)).tolist() == [1, 1, 1]


def test_at_equal_rates_the_weighted_gradients_come_to_one_norm():
    g = gradients(2, 6, 0)
    sizes = after(started(GradNorm, 2, learning_rate=0.005), 400, g) * g.norm(dim=1)
    assert sizes[0].item() == pytest.approx(sizes[1].item(), rel=0.06)


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, [1.0, 1.0]), (1.0, [1.2, 0.8])])
def test_a_slow_task_comes_to_a_gradient_larger_by_its_relative_rate_to_the_power_of_alpha(
    alpha: float, expected: list[float]
):
    g = torch.eye(2, dtype=torch.float64)
    method = started(GradNorm, 2, alpha=alpha, learning_rate=0.005)
    weights(method, g, torch.ones(4, 2))
    found = after(method, 100, g, torch.tensor([[0.9, 0.6]]).expand(4, 2))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0.0, atol=0.03)
