"""Truths of IMTL-L (SPEC section 6)."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting

from mtlbench_plugins.weightings.imtl_l import IMTLL


def started(s0: float = 0.0, tasks: int = 2, learning_rate: float = 1e-3) -> IMTLL:
    method = IMTLL(IMTLL.Params(s0=s0))
    method.setup(some_setting(tasks, learning_rate))
    return method


def test_the_first_weights_are_ones():
    assert started().weigh(loss_step([0.1, 7.0])).tolist() == [1, 1]


@given(s0=st.floats(-5, 5), loss=st.floats(1e-3, 1e3))
def test_the_gradient_of_s_is_that_of_the_objective(s0: float, loss: float):
    method = started(s0, tasks=1)
    step = loss_step([loss])
    taken = []
    method._s.descend = lambda gradient, seen: taken.append(gradient)
    method.after_step(step)
    s = torch.tensor(s0, dtype=torch.float64, requires_grad=True)
    (s.exp() * step.losses[0, 0].double() - s).backward()
    torch.testing.assert_close(taken[0][0], s.grad)


@given(loss=st.floats(1e-3, 1e3))
def test_the_gradient_is_zero_at_minus_the_logarithm_of_the_loss(loss: float):
    step = loss_step([loss])
    method = started(-math.log(step.losses[0, 0].item()), tasks=1)
    taken = []
    method._s.descend = lambda gradient, seen: taken.append(gradient)
    method.after_step(step)
    assert abs(taken[0].item()) < 1e-12


def test_the_scaled_losses_come_to_one():
    method = started(learning_rate=0.05)
    losses = torch.tensor([0.2, 3.0])
    for _ in range(600):
        method.after_step(loss_step(losses))
    torch.testing.assert_close(method.weigh(loss_step(losses)) * losses, torch.ones(2), rtol=1e-3, atol=0)
