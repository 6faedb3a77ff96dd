"""Truths of MetaBalance (SPEC section 6)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import applied, exact_step, started
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_backbone import LinearBackbone
from small_splits import small_schema

from mtlbench_plugins.weightings.metabalance import MetaBalance

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)
counts = st.integers(1, 5)


@given(seed=seeds, tasks=counts)
@few_examples
def test_without_balancing_it_is_the_plain_average(seed: int, tasks: int):
    method = started(MetaBalance, tasks, r=0.0)
    for number in range(3):
        g = gradients(tasks, 6, seed + number)
        torch.testing.assert_close(applied(method, g), g.mean(0))


@given(seed=seeds, tasks=counts, data=st.data())
@few_examples
def test_balanced_fully_every_gradient_takes_the_norm_of_the_target_in_every_tensor(seed, tasks, data: st.DataObject):
    target = data.draw(st.integers(0, tasks - 1))
    g = gradients(tasks, 6, seed)
    method = started(MetaBalance, tasks, r=1.0, target="abcde"[target])
    for tensor, direction in method.direct(exact_step(g)).items():
        part = g[:, :3] if tensor == "first" else g[:, 3:]
        norms = part.norm(dim=1, keepdim=True)
        torch.testing.assert_close(direction, (part / norms * norms[target]).mean(0))


def test_the_last_task_is_the_target_unless_another_is_named():
    g = gradients(3, 6, 0)
    torch.testing.assert_close(applied(started(MetaBalance, 3), g), applied(started(MetaBalance, 3, target="c"), g))
    assert not torch.allclose(applied(started(MetaBalance, 3), g), applied(started(MetaBalance, 3, target="a"), g))


def test_the_norms_are_running_means():
    first, second = gradients(2, 2, 0), gradients(2, 2, 1)
    method = started(MetaBalance, 2, r=0.5, beta=0.8)
    applied(method, first)
    means = 0.2 * (0.8 * first.abs() + second.abs())
    expected = torch.stack([second[0] * (0.5 * means[1] / means[0] + 0.5), second[1]]).mean(0)
    torch.testing.assert_close(applied(method, second), expected)


def test_a_target_that_is_no_task_is_not_applicable_with_the_tasks_named():
    reason = MetaBalance(MetaBalance.Params(target="buy")).applicable(small_schema(), LinearBackbone)
    assert reason == "the target task 'buy' is not among those of the dataset: known: click, conversion"
    assert MetaBalance(MetaBalance.Params(target="click")).applicable(small_schema(), LinearBackbone) is None


@pytest.mark.parametrize("silent", [0, 1])
def test_a_task_silent_in_one_tensor_leaves_the_others_balanced(silent: int):
    g = gradients(2, 6, 0)
    g[silent, :3] = 0
    found = started(MetaBalance, 2, r=1.0).direct(exact_step(g))
    norms = g[:, 3:].norm(dim=1, keepdim=True)
    torch.testing.assert_close(found["second"], (g[:, 3:] / norms * norms[1]).mean(0))
