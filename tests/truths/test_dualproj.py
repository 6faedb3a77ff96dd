"""Truths of DualProj (SPEC-METHODS 1.6)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import applied, started, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings.dualproj import DualProj
from mtlbench_plugins.weightings.pcgrad import PCGrad
from mtlbench_plugins.weightings.upgrad import UPGrad

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=25)


def projected(g: Tensor) -> Tensor:
    """The weights."""
    return weights(started(DualProj, len(g)), g)


@pytest.mark.parametrize(
    ("g", "expected"),
    [
        ([[1.0, 0, 0], [-0.5, 1, 0], [0.2, -0.4, 0.8]], [1, 1, 1]),
        ([[0.5, 0.5, 0], [0, 1, 1], [0.1, -0.9, 0.1]], [1, 1, 1.445783133]),
        ([[1.0, 0, 0], [-2, 5**0.5, 0], [0, -3 / 5**0.5, 0.7**0.5]], [2, 1, 1.2]),
    ],
)
def test_the_oracle(g: list[list[float]], expected: list[float]):
    found = projected(torch.tensor(g, dtype=torch.float64))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-8, atol=1e-9)


@given(seed=seeds, tasks=st.integers(1, 6), size=st.integers(1, 10))
@few_examples
def test_the_direction_is_the_nearest_to_the_mean_that_conflicts_with_no_task(seed: int, tasks: int, size: int):
    g = gradients(tasks, size, seed)
    d = projected(g) @ g / tasks
    added = projected(g) - 1
    unit = g.square().sum(1).max()
    assert (added >= 0).all()
    assert (g @ d >= -1e-9 * unit).all()
    assert ((added * (g @ d)).abs() <= 1e-9 * unit * (1 + added)).all()  # a task that was not hurt adds nothing
    other = applied(started(UPGrad, tasks), g)
    assert (d - g.mean(0)).norm() <= (other - g.mean(0)).norm() + 1e-9 * unit.sqrt()


@given(seed=seeds, tasks=st.integers(1, 6))
@few_examples
def test_a_mean_that_hurts_no_task_is_kept(seed: int, tasks: int):
    g = gradients(tasks, 6, seed).abs()
    assert projected(g).tolist() == [1] * tasks
    assert projected(torch.tensor([[1.0, 0.0], [-0.9, 2.0]], dtype=torch.float64)).tolist() == [1, 1]  # in conflict


@pytest.mark.parametrize("other", [PCGrad, UPGrad])
def test_where_no_two_tasks_conflict_it_is_one_with_others_and_says_so(other: type[api.Weighting]):
    g = gradients(3, 6, 0).abs()
    assert projected(g).tolist() == weights(started(other, 3), g).tolist() == [1, 1, 1]
    assert other.name in DualProj.coincides_with


@given(seed=seeds)
@few_examples
def test_of_two_tasks_the_weights_have_a_closed_form(seed: int):
    g = gradients(2, 5, seed)
    small, large = g[g.norm(dim=1).argsort()]
    raised = torch.stack([(-(small @ large) / small.square().sum()).clamp(min=1), torch.ones(()).double()])
    torch.testing.assert_close(projected(torch.stack([small, large])), raised)


@given(seed=seeds)
@few_examples
def test_it_is_upgrad_where_no_pair_conflicts_and_else_it_need_not_be(seed: int):
    g = gradients(3, 3, seed).abs()
    torch.testing.assert_close(projected(g), weights(started(UPGrad, 3), g))
    g = torch.tensor([[1.0, 0.0], [-0.5, 1.0]], dtype=torch.float64)
    assert not torch.allclose(projected(g), weights(started(UPGrad, 2), g))
