"""Truths of uncertainty weighting (SPEC section 6)."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting

from mtlbench_plugins.weightings.uncertainty import Uncertainty


def started(s0: float = -0.5, tasks: int = 2, learning_rate: float = 1e-3) -> Uncertainty:
    method = Uncertainty(Uncertainty.Params(s0=s0))
    method.setup(some_setting(tasks, learning_rate))
    return method


@given(s0=st.floats(-5, 5))
def test_weights_are_half_the_inverse_of_the_learnt_variance(s0: float):
    weights = started(s0).weigh(loss_step([0.3, 0.7]))
    torch.testing.assert_close(weights, torch.full((2,), 0.5 * math.exp(-s0)))


@given(s0=st.floats(-5, 5), loss=st.floats(1e-3, 1e3))
def test_the_gradient_of_s_is_that_of_the_objective(s0: float, loss: float):
    method = started(s0, tasks=1)
    step = loss_step([loss])
    taken = []
    method._s.descend = lambda gradient, seen: taken.append(gradient)
    method.after_step(step)
    s = torch.tensor(s0, dtype=torch.float64, requires_grad=True)
    exact = step.losses[0, 0].double()
    (exact / (2 * s.exp()) + s / 2).backward()
    torch.testing.assert_close(taken[0][0], s.grad)
    torch.testing.assert_close(taken[0][0].item(), (1 - exact.item() * math.exp(-s0)) / 2)


@given(loss=st.floats(1e-3, 1e3))
def test_the_gradient_is_zero_at_the_logarithm_of_the_loss(loss: float):
    step = loss_step([loss])
    method = started(math.log(step.losses[0, 0].item()), tasks=1)
    taken = []
    method._s.descend = lambda gradient, seen: taken.append(gradient)
    method.after_step(step)
    assert abs(taken[0].item()) < 1e-12


def test_s_comes_to_rest_there_and_the_weights_at_half_the_inverse_losses():
    method = started(0.0, learning_rate=0.05)
    for _ in range(600):
        method.after_step(loss_step([0.2, 3.0]))
    torch.testing.assert_close(
        method.state_dict()["values"].exp(), torch.tensor([0.2, 3.0], dtype=torch.float64), rtol=1e-3, atol=0
    )
    torch.testing.assert_close(method.weigh(loss_step([0.2, 3.0])), torch.tensor([2.5, 1 / 6]), rtol=1e-3, atol=0)


def test_the_first_step_of_s_is_adams_of_the_trainers_learning_rate():
    method = started(0.0, learning_rate=0.01)
    method.after_step(loss_step([0.1, 10.0]))
    assert method.state_dict()["values"].tolist() == pytest.approx([-0.01, 0.01], rel=1e-6)
