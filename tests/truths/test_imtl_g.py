"""Truths of IMTL-G (SPEC section 6)."""

import torch
from fake_steps import gradients
from gradient_methods import applied, started, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.imtl_g import IMTLG

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)


@given(seed=seeds)
@few_examples
def test_of_two_tasks_each_weighs_by_the_norm_of_the_other(seed: int):
    g = gradients(2, 5, seed)
    norms = g.norm(dim=1)
    torch.testing.assert_close(weights(started(IMTLG, 2), g), 2 * norms.flip(0) / norms.sum(), rtol=1e-9, atol=1e-12)


@given(seed=seeds, tasks=st.integers(1, 6))
@few_examples
def test_the_direction_projects_equally_and_positively_on_all_gradients(seed: int, tasks: int):
    g = gradients(tasks, 20, seed)
    method = started(IMTLG, tasks)
    projections = (g @ applied(method, g)) / g.norm(dim=1)
    torch.testing.assert_close(projections, projections.mean().expand(tasks), rtol=1e-6, atol=0.0)
    assert (projections > 0).all()
    assert weights(method, g).sum().abs().isclose(torch.tensor(float(tasks), dtype=torch.float64))


def test_a_mix_of_sum_1_that_points_against_all_gradients_is_turned():
    g = torch.tensor([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0], [3.0, -3.0, 2.0]], dtype=torch.float64)
    norms = g.norm(dim=1)
    beta = torch.linalg.solve(g @ g.T / norms.outer(norms), torch.ones(3, dtype=torch.float64))
    assert (beta / norms).sum() < 0
    assert (g @ applied(started(IMTLG, 3), g) > 0).all()


def test_a_task_without_gradient_is_left_out():
    g = gradients(3, 6, 0)
    g[1] = 0
    found = weights(started(IMTLG, 3), g)
    expected = weights(started(IMTLG, 2), g[[0, 2]]) * 3 / 2
    torch.testing.assert_close(found, torch.stack([expected[0], torch.zeros(()).double(), expected[1]]))
