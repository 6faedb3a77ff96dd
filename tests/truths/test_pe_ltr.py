"""Truths of PE-LTR (SPEC section 6)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import started, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_backbone import LinearBackbone
from small_splits import small_schema

from mtlbench_plugins.weightings.mgda import MGDA
from mtlbench_plugins.weightings.pe_ltr import PELTR

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)
counts = st.integers(1, 5)


@given(seed=seeds, tasks=counts)
@few_examples
def test_without_least_weights_it_is_mgda(seed: int, tasks: int):
    g = gradients(tasks, 8, seed)
    free, plain = started(PELTR, tasks, bounds=(0.0,)), started(MGDA, tasks)
    torch.testing.assert_close(weights(free, g), weights(plain, g), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("lambda_", [0.0, 0.3])
def test_the_minimum_of_sdmgrad_is_the_one_with_equal_bounds(lambda_: float):
    # With l its lambda and one batch, SDMGrad minimises
    # |sum_k (a_k + l / K) g_k| over a >= 0 of sum 1; no bound is active here.
    g = torch.tensor([[1.0, 0, 0], [-0.5, 1, 0], [0.2, -0.4, 0.8]], dtype=torch.float64)
    found = weights(started(PELTR, 3, bounds=(lambda_ / (1 + lambda_) / 3,)), g)
    torch.testing.assert_close(found, torch.tensor([0.831683168, 1.128712871, 1.039603960], dtype=torch.float64))


@given(seed=seeds, tasks=counts, data=st.data())
@few_examples
def test_no_allowed_weights_give_a_shorter_direction(seed: int, tasks: int, data: st.DataObject):
    share = data.draw(st.floats(0, 1))
    generator = torch.Generator().manual_seed(seed)
    bounds = share * torch.rand(tasks, generator=generator, dtype=torch.float64).softmax(0)
    g = gradients(tasks, 8, seed)
    alpha = weights(started(PELTR, tasks, bounds=tuple(bounds.tolist())), g) / tasks
    assert (alpha >= bounds - 1e-9).all()
    assert alpha.sum().isclose(torch.tensor(1.0, dtype=torch.float64))
    others = bounds + (1 - share) * torch.rand(50, tasks, generator=generator, dtype=torch.float64).mul(5).softmax(1)
    assert (alpha @ g).norm() <= ((others @ g).norm(dim=1) * (1 + 1e-9)).min()


def test_least_weights_of_sum_1_are_the_weights():
    found = weights(started(PELTR, 2, bounds=(0.3, 0.7)), gradients(2, 5, 0))
    torch.testing.assert_close(found, torch.tensor([0.6, 1.4], dtype=torch.float64))


def test_by_default_half_of_the_equal_share_is_guaranteed():
    g = torch.eye(3, dtype=torch.float64) * torch.tensor([1e-3, 1.0, 1.0])[:, None]
    found = weights(started(PELTR, 3), g)
    torch.testing.assert_close(found, torch.tensor([2.0, 0.5, 0.5], dtype=torch.float64))


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [((0.1, 0.2, 0.3), "3 bounds were given for 2 tasks (click, conversion)"), ((0.7,), "sum to 1.4")],
)
def test_bounds_that_do_not_fit_the_tasks_are_not_applicable_with_the_reason(bounds: tuple[float, ...], reason: str):
    method = PELTR(PELTR.Params(bounds=bounds))
    assert reason in method.applicable(small_schema(), LinearBackbone)
    assert PELTR(PELTR.Params()).applicable(small_schema(), LinearBackbone) is None
