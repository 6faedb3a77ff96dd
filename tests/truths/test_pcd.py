"""Truths of priority-constrained descent (SPEC-METHODS 1.5)."""

from typing import Any

import pytest
import torch
from fake_steps import gradients
from gradient_methods import started, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from small_splits import small_schema
from torch import Tensor

from mtlbench.api import Backbone
from mtlbench_plugins.weightings.pcd import PCD

J = torch.tensor([[1.0, 0, 0], [-0.5, 1, 0], [0.2, -0.4, 0.8]], dtype=torch.float64)
OTHER = torch.tensor([[0.5, 0.5, 0], [0, 1, 1], [0.1, -0.9, 0.1]], dtype=torch.float64)
seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=25)


def first_of(tasks: int, **params: Any) -> PCD:
    """With the first task as the target."""
    return started(PCD, tasks, target="a", **params)


def near(found: Tensor, expected: list[float] | Tensor) -> None:
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=torch.float64), rtol=1e-8, atol=1e-9)


def test_the_oracle():
    method = first_of(3)
    near(weights(method, J), [3.350831585, 1.457394448, 0.142800791])
    near(weights(method, OTHER), [3.825291904, 0, 1.916015574])
    near(weights(first_of(3, tau=0.5, epsilon=0), J), [2.250829802, 2.866159008, 2.398063498])


@given(seed=seeds, tasks=st.integers(1, 5), tau=st.sampled_from([0.0, 0.02, 0.5]))
@few_examples
def test_the_step_is_as_long_as_the_targets_and_serves_all_others(seed: int, tasks: int, tau: float):
    g = gradients(tasks, 8, seed)
    w = weights(first_of(tasks, tau=tau, epsilon=0), g)
    d = w @ g / tasks
    norms = g.norm(dim=1)
    torch.testing.assert_close(d.norm(), norms[0])
    added = w * norms / (w[0] * norms[0])  # the program's solution, of unit gradients
    kept = (g @ d) / norms * tasks / (w[0] * norms[0])
    assert (w >= 0).all()
    assert (kept[1:] >= tau - 1e-8).all()
    assert (added[1:] * (kept[1:] - tau) < 1e-8).all()  # none is changed more than it must be


@given(seed=seeds, tau=st.sampled_from([0.0, 0.02, 0.5]))
@few_examples
def test_of_two_tasks_the_weights_have_a_closed_form(seed: int, tau: float):
    g = gradients(2, 5, seed)
    norms = g.norm(dim=1)
    cosine = g[0] @ g[1] / norms.prod()
    mu = (tau - cosine).clamp(min=0)
    length = (1 + 2 * mu * cosine + mu**2).sqrt()
    expected = torch.stack([2 / length, 2 * norms[0] * mu / (norms[1] * length)])
    near(weights(first_of(2, tau=tau, epsilon=0), g), expected)


@given(seed=seeds, tasks=st.integers(1, 5))
@few_examples
def test_tasks_that_gain_enough_get_no_share(seed: int, tasks: int):
    alone = [float(tasks)] + [0.0] * (tasks - 1)
    assert weights(first_of(tasks, tau=0.02), gradients(1, 6, seed).expand(tasks, -1)).tolist() == alone
    assert weights(first_of(tasks, tau=0), gradients(tasks, 6, seed).abs()).tolist() == alone


@given(seed=seeds, factor=st.sampled_from([1e-3, 7.0]))
@few_examples
def test_rescaling_another_task_changes_nothing_and_rescaling_the_target_the_length(seed: int, factor: float):
    methods = [first_of(3, epsilon=0) for _ in range(3)]
    for number in range(3):
        g = gradients(3, 6, seed + number)
        scales = [torch.ones(3), torch.tensor([1, factor, 1]), torch.tensor([factor, 1, 1])]
        of_each = [g * scale.double().unsqueeze(1) for scale in scales]
        plain, other, target = (weights(method, one) @ one for method, one in zip(methods, of_each, strict=True))
        near(other, plain)
        near(target, plain * factor)


@given(seed=seeds)
@few_examples
def test_the_order_of_the_others_does_not_matter(seed: int):
    plain, permuted = first_of(4), first_of(4)
    order = [0, 3, 1, 2]
    for number in range(2):
        g = gradients(4, 6, seed + number)
        near(weights(permuted, g[order]), weights(plain, g)[order])


@given(seed=seeds)
@few_examples
def test_without_a_share_to_keep_it_projects_the_target_as_pcgrad_does(seed: int):
    g = gradients(2, 5, seed)
    if g[0] @ g[1] > 0:
        g[1] = -g[1]
    projected = g[0] - (g[0] @ g[1]) / g[1].square().sum() * g[1]
    d = weights(first_of(2, tau=0), g) @ g
    torch.testing.assert_close(d / d.norm(), projected / projected.norm())


def test_others_that_no_direction_serves_leave_the_target_alone():
    g = torch.tensor([[1.0, 0.0, 0.0], [0.3, 1.0, 0.0], [-0.3, -1.0, 0.0]], dtype=torch.float64)
    assert weights(first_of(3, tau=0.1), g).tolist() == [3, 0, 0]


@pytest.mark.parametrize("g", [torch.zeros(3, 3), torch.cat([torch.zeros(1, 3), J[1:].float()])])
def test_a_target_without_gradient_gives_no_step(g: Tensor):
    assert weights(first_of(3), g.double()).tolist() == [0, 0, 0]


def test_the_target_is_the_last_task_or_one_that_is_named():
    near(weights(started(PCD, 3), J[[1, 2, 0]]), weights(first_of(3), J)[[1, 2, 0]])
    schema = small_schema(("click", "like"))
    assert PCD(PCD.Params(target="like")).applicable(schema, Backbone) is None
    assert "click, like" in str(PCD(PCD.Params(target="buy")).applicable(schema, Backbone))
