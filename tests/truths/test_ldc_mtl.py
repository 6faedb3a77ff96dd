"""Truths of LDC-MTL (SPEC-METHODS 1.10)."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting
from torch import Tensor

from mtlbench_plugins.weightings.ldc_mtl import LDCMTL

some_losses = st.lists(st.floats(1e-2, 10), min_size=1, max_size=5)
few_examples = settings(max_examples=20)


def started(tasks: int, omega: list[float] | None = None, learning_rate: float = 1e-3, **params: Any) -> LDCMTL:
    method = LDCMTL(LDCMTL.Params.model_validate(params))
    method.setup(some_setting(tasks, learning_rate))
    if omega is not None:
        method.load_state_dict({**method.state_dict(), "values": torch.tensor(omega, dtype=torch.float64)})
    return method


def weights(method: LDCMTL, losses: list[float]) -> Tensor:
    return method.weigh(loss_step(losses)).double()


def omega(method: LDCMTL) -> Tensor:
    return method.state_dict()["values"]


def test_the_oracle():
    found = weights(started(3, **{"lambda": 0.01}), [0.2, 0.05, 0.4])
    expected = torch.tensor([1.021931757, 0.956136485, 1.021931757], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


@given(losses=some_losses, lambda_=st.sampled_from([0.0, 0.01, 0.7]), logarithms=st.booleans(), data=st.data())
@few_examples
def test_weights_and_gradient_of_omega_are_those_of_the_objective(
    losses: list[float], lambda_: float, logarithms: bool, data: st.DataObject
):
    tasks = len(losses)
    start = data.draw(st.lists(st.floats(-2, 2), min_size=tasks, max_size=tasks))
    first = loss_step([0.5] * tasks)
    method = started(tasks, start, 1.0, **{"lambda": lambda_, "log_losses": logarithms})
    method.weigh(first)
    mean = loss_step(losses).losses[0].double().requires_grad_()
    free = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    measured = (mean / 0.5).log() if logarithms else mean
    scaled = free.sigmoid() * measured
    total = scaled.sum() / free.sigmoid().sum().detach() + lambda_ * (scaled[1:] - scaled[:-1]).abs().sum()
    total.backward()
    torch.testing.assert_close(weights(method, losses), tasks * mean.grad, rtol=1e-4, atol=1e-5)
    method.after_step(loss_step(losses))
    moment = method.state_dict()["exp_avg"]  # after one step a tenth of the gradient
    torch.testing.assert_close(moment, 0.1 * free.grad, rtol=1e-5, atol=1e-9)


@given(losses=some_losses)
@few_examples
def test_without_differences_it_begins_as_the_plain_average_and_stays_it_if_no_factor_moves(losses: list[float]):
    moving, still = started(len(losses), **{"lambda": 0}), started(len(losses), learning_rate=0.0, **{"lambda": 0})
    ones = torch.ones(len(losses), dtype=torch.float64)
    torch.testing.assert_close(weights(moving, losses), ones)
    for _ in range(2):
        torch.testing.assert_close(weights(still, losses), ones)
        still.after_step(loss_step(losses))


def test_one_task_has_weight_one_and_its_omega_still_falls():
    method = started(1)
    for _ in range(3):
        before = omega(method)
        assert weights(method, [0.3]).tolist() == [1]
        method.after_step(loss_step([0.3]))
        assert omega(method) < before


def test_of_two_tasks_the_sum_has_a_closed_form():
    method = started(2, [0.5, -1.0], **{"lambda": 0.2})
    high, low = torch.tensor([0.5, -1.0]).double().sigmoid()
    for losses, sign in (([1.0, 0.1], 1), ([0.1, 1.0], -1)):
        expected = 2 * (1 + 0.2 * sign * (high - low))
        torch.testing.assert_close(weights(method, losses).sum(), expected, rtol=1e-6, atol=0)


def test_scaled_losses_that_are_equal_are_left_alone():
    found = weights(started(4, **{"lambda": 5}), [0.3] * 4)
    torch.testing.assert_close(found, torch.ones(4, dtype=torch.float64))


def test_a_large_lambda_raises_a_loss_that_is_below_its_neighbours():
    found = weights(started(3, **{"lambda": 1}), [0.5, 0.1, 0.5])
    assert found[1] < 0 < found[0]


@pytest.mark.parametrize("unseen", [0, 1, 2])
def test_the_neighbours_of_a_task_are_those_that_are_seen(unseen: int):
    step = loss_step([0.1, 0.5, 0.2])
    step.mask = torch.ones_like(step.losses, dtype=torch.bool)
    step.mask[:, unseen] = False
    step.losses = torch.where(step.mask, step.losses, 0.0)
    seen = [k for k in range(3) if k != unseen]
    found = started(3).weigh(step).double()
    torch.testing.assert_close(found[seen], weights(started(2), [[0.1, 0.5, 0.2][k] for k in seen]))
    assert found[unseen] == 0


def test_logarithms_are_relative_to_the_first_batch_of_the_epoch():
    method = started(2, **{"lambda": 0.3, "log_losses": True})
    equal = 1 / torch.tensor([0.5, 2.0], dtype=torch.float64)
    torch.testing.assert_close(weights(method, [0.5, 2.0]), equal, rtol=1e-6, atol=0)
    assert (weights(method, [0.5, 1.0]) * torch.tensor([0.5, 1.0]) != 1).all()
    method.end_epoch(1)
    torch.testing.assert_close(weights(method, [0.5, 2.0]), equal, rtol=1e-6, atol=0)
