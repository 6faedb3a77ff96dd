"""Truths of DB-MTL (SPEC section 4)."""

import torch
from fake_steps import gradients
from gradient_methods import applied, started
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.db_mtl import DBMTL

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)
counts = st.integers(1, 5)


@given(seed=seeds, tasks=counts)
@few_examples
def test_without_a_past_all_gradients_of_log_losses_take_the_norm_of_the_longest(seed: int, tasks: int):
    g = gradients(tasks, 6, seed)
    losses = torch.rand(4, tasks, generator=torch.Generator().manual_seed(seed)) + 0.1
    of_logarithm = g / losses.double().mean(0)[:, None]
    norms = of_logarithm.norm(dim=1)
    expected = (of_logarithm / norms[:, None]).mean(0) * norms.max()
    torch.testing.assert_close(applied(started(DBMTL, tasks, beta=0.0), g, losses), expected)


@given(seed=seeds, tasks=counts)
@few_examples
def test_the_scale_of_a_loss_does_not_matter(seed: int, tasks: int):
    scales = torch.logspace(-2, 2, tasks, dtype=torch.float64)
    one, other = started(DBMTL, tasks), started(DBMTL, tasks)
    for number in range(3):
        g, losses = gradients(tasks, 6, seed + number), torch.rand(4, tasks) + 0.1
        expected = applied(one, g, losses)
        torch.testing.assert_close(applied(other, g * scales[:, None], losses * scales), expected)


def test_the_direction_holds_a_running_mean_of_past_gradients():
    first, second = gradients(2, 6, 0), gradients(2, 6, 1)
    method = started(DBMTL, 2, beta=0.75)
    applied(method, first)
    mean = 0.25 * (0.75 * first + second)
    norms = mean.norm(dim=1)
    torch.testing.assert_close(applied(method, second), (mean / norms[:, None]).mean(0) * norms.max())
