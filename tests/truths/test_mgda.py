"""Truths of MGDA (SPEC section 6)."""

import torch
from fake_steps import gradients
from gradient_methods import applied, started, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.mgda import MGDA

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)


@given(seed=seeds)
@few_examples
def test_of_two_tasks_the_weights_have_a_closed_form(seed: int):
    g = gradients(2, 5, seed)
    first = ((g[1] - g[0]) @ g[1] / (g[0] - g[1]).square().sum()).clamp(0, 1)
    found = weights(started(MGDA, 2), g)
    torch.testing.assert_close(found, 2 * torch.stack([first, 1 - first]), rtol=1e-9, atol=1e-12)


@given(seed=seeds, tasks=st.integers(1, 6), size=st.integers(1, 8))
@few_examples
def test_the_direction_descends_every_task_at_least_by_its_own_square(seed: int, tasks: int, size: int):
    g = gradients(tasks, size, seed)
    method = started(MGDA, tasks)
    found, d = weights(method, g), applied(method, g)
    rounding = 1e-10 * g.square().sum(1).max()
    assert found.sum().isclose(torch.tensor(float(tasks), dtype=torch.float64))
    assert (g @ d >= d @ d - rounding).all()
    assert (g[found > 0] @ d - d @ d).abs().max() <= rounding
    assert d.norm() <= g.norm(dim=1).min() * (1 + 1e-9)


def test_of_two_equal_gradients_each_weighs_the_same():
    assert weights(started(MGDA, 2), gradients(1, 5, 0).expand(2, -1)).tolist() == [1, 1]


def test_a_task_without_gradient_stops_all():
    g = gradients(3, 5, 0)
    g[1] = 0
    assert weights(started(MGDA, 3), g).tolist() == [0, 3, 0]
