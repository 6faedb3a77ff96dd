"""Truths of Gradient Vaccine (SPEC section 6)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import started, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtlbench_plugins.weightings.gradvac import GradVac
from mtlbench_plugins.weightings.pcgrad import PCGrad

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / a.norm() / b.norm())


@given(seed=seeds, tasks=st.integers(1, 5))
@few_examples
def test_while_cosines_of_0_are_usual_it_is_pcgrad(seed: int, tasks: int):
    g = gradients(tasks, 8, seed)
    torch.manual_seed(seed)
    expected = weights(started(PCGrad, tasks), g)
    torch.manual_seed(seed)
    torch.testing.assert_close(weights(started(GradVac, tasks, beta=0.0), g), expected)


@given(seed=seeds)
@few_examples
def test_a_cosine_below_the_usual_one_is_raised_to_it(seed: int):
    method = started(GradVac, 2)
    before, now = gradients(2, 5, seed).abs(), gradients(2, 5, seed + 1)
    weights(method, before)
    usual = cosine(*before) / 2
    found = weights(method, now)
    if cosine(*now) >= usual:
        assert found.tolist() == [1, 1]
        return
    # The weight of one task is 1 plus its share in the turned gradient of the other.
    for i, j in ((0, 1), (1, 0)):
        turned = now[i] + (found[j] - 1) * now[j]
        assert cosine(turned, now[j]) == pytest.approx(usual, abs=1e-9)


def test_the_usual_cosine_is_a_running_mean_from_0():
    method = started(GradVac, 2, beta=0.25)
    g = gradients(2, 5, 0).abs()
    for _ in range(3):
        weights(method, g)
    expected = cosine(*g) * (1 - 0.75**3)
    usual = method.state_dict()["usual"]
    torch.testing.assert_close(usual[0, 1], torch.tensor(expected, dtype=torch.float64))
    assert usual[0, 0] == 0


def test_after_ages_of_agreement_a_conflict_is_still_finite():
    method = started(GradVac, 2)
    same = gradients(1, 5, 0).expand(2, -1)
    for _ in range(100):
        assert weights(method, same).tolist() == [1, 1]
    assert weights(method, gradients(2, 5, 3)).isfinite().all()
