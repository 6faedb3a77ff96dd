"""Truths of Nash-MTL and FairGrad (SPEC section 6)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import started, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.fairgrad import FairGrad
from mtlbench_plugins.weightings.nash_mtl import NashMTL

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)
counts = st.integers(1, 6)


@given(seed=seeds)
@few_examples
def test_of_two_tasks_the_bargain_has_a_closed_form(seed: int):
    g = gradients(2, 5, seed)
    norms = g.norm(dim=1)
    cosine = g[0] @ g[1] / norms.prod()
    torch.testing.assert_close(weights(started(NashMTL, 2), g), 1 / (norms * (1 + cosine).sqrt()), rtol=1e-6, atol=0.0)


@given(seed=seeds, tasks=counts)
@few_examples
def test_the_gain_of_a_task_is_the_inverse_of_its_weight(seed: int, tasks: int):
    g = gradients(tasks, 20, seed)
    found = weights(started(NashMTL, tasks), g)
    assert (found > 0).all()
    torch.testing.assert_close(g @ (found @ g), 1 / found, rtol=1e-6, atol=0.0)
    assert (found @ g).square().sum().item() == pytest.approx(tasks, rel=1e-6)


@given(seed=seeds, tasks=counts)
@few_examples
def test_scaling_a_task_does_not_change_the_bargain(seed: int, tasks: int):
    g = gradients(tasks, 20, seed)
    scales = torch.logspace(-3, 3, tasks, dtype=torch.float64)
    d, scaled = weights(started(NashMTL, tasks), g) @ g, g * scales[:, None]
    torch.testing.assert_close(weights(started(NashMTL, tasks), scaled) @ scaled, d, rtol=1e-8, atol=1e-8)


@given(seed=seeds, tasks=counts)
@few_examples
def test_proportional_fairness_is_the_bargain(seed: int, tasks: int):
    g = gradients(tasks, 20, seed)
    fair = weights(started(FairGrad, tasks, alpha=1.0), g)
    torch.testing.assert_close(fair, weights(started(NashMTL, tasks), g), rtol=1e-9, atol=0.0)


@given(seed=seeds, tasks=counts, alpha=st.floats(0.2, 5))
@few_examples
def test_the_gain_of_a_task_is_its_weight_to_the_power_of_the_fairness(seed: int, tasks: int, alpha: float):
    g = gradients(tasks, 20, seed)
    found = weights(started(FairGrad, tasks, alpha=alpha), g)
    torch.testing.assert_close(g @ (found @ g), found ** (-1 / alpha), rtol=1e-5, atol=0.0)


def test_more_fairness_gives_the_weakest_task_a_larger_share_of_the_gain():
    g = gradients(3, 20, 0)
    shares = []
    for alpha in (0.2, 1.0, 5.0):
        gain = g @ (weights(started(FairGrad, 3, alpha=alpha), g) @ g)
        shares.append((gain.min() / gain.sum()).item())
    assert shares == sorted(shares)
