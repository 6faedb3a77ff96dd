"""Truths of the geometric loss strategy (SPEC section 6)."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step

from mtlbench.api import NoParams
from mtlbench_plugins.weightings.gls import GLS

method = GLS(NoParams())
some_losses = st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=6)


@given(losses=some_losses)
def test_a_weight_over_the_number_of_tasks_is_the_derivative_of_the_geometric_mean(losses: list[float]):
    step = loss_step(losses)
    mean = step.losses[0].double().requires_grad_()
    mean.prod().pow(1 / len(losses)).backward()
    weights = method.weigh(step)
    torch.testing.assert_close(weights.double() / len(losses), mean.grad, rtol=1e-5, atol=0)
    closed = mean.detach().prod().pow(1 / len(losses)) / (len(losses) * mean.detach())
    torch.testing.assert_close(weights.double() / len(losses), closed, rtol=1e-5, atol=0)


@given(losses=some_losses)
def test_weighted_losses_are_all_equal_to_the_geometric_mean(losses: list[float]):
    step = loss_step(losses)
    weighted = method.weigh(step) * step.losses[0]
    torch.testing.assert_close(weighted, weighted.mean().expand(len(losses)), rtol=1e-4, atol=0)


@given(loss=st.floats(1e-4, 1e4), tasks=st.integers(1, 6))
def test_equal_losses_give_ones(loss: float, tasks: int):
    torch.testing.assert_close(method.weigh(loss_step([loss] * tasks)), torch.ones(tasks))
