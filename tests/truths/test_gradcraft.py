"""Truths of GradCraft (SPEC-METHODS 1.1)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import started, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mtlbench_plugins.weightings.gradcraft import GradCraft
from mtlbench_plugins.weightings.pcgrad import PCGrad

J = torch.tensor([[1.0, 0, 0], [-0.5, 1, 0], [0.2, -0.4, 0.8]], dtype=torch.float64)
seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=25)


def crafted(g: Tensor, **params: float) -> Tensor:
    return weights(started(GradCraft, len(g), **params), g)


def near(found: Tensor, expected: list[float] | Tensor) -> None:
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=torch.float64), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"r": 1, "epsilon": 0}, [1.518033989, 1.935163632, 1.719875091]),
        ({"r": 0.5, "epsilon": 0.1}, [1.550793186, 2.053290979, 1.710073580]),
        ({"r": 0, "epsilon": 0}, [1.4, 1.8, 1.5]),
    ],
)
def test_the_oracle(params: dict[str, float], expected: list[float]):
    near(crafted(J, **params), expected)


def projected(g: Tensor, r: float, epsilon: float) -> tuple[Tensor, Tensor]:
    """The h (K, n) and the h' (K, n), from the gradients themselves."""
    norms = g.norm(dim=1)
    h = g * (r * norms.max() / norms + 1 - r).unsqueeze(1)
    after = h.clone()
    for i in range(len(h)):
        conflicting = h[(h @ h[i]) < 0]
        if len(conflicting):
            gap = epsilon * h[i].norm() * conflicting.norm(dim=1) - conflicting @ h[i]
            after[i] += torch.linalg.solve(conflicting @ conflicting.T, gap) @ conflicting
    return h, after


@given(seed=seeds, tasks=st.integers(1, 6), r=st.floats(0, 1), epsilon=st.sampled_from([0.0, 1e-3, 0.1]))
@few_examples
def test_the_weights_take_the_mean_of_the_projected_gradients(seed: int, tasks: int, r: float, epsilon: float):
    g = gradients(tasks, 12, seed)
    h, after = projected(g, r, epsilon)
    torch.testing.assert_close(crafted(g, r=r, epsilon=epsilon) @ g, after.sum(0), rtol=1e-8, atol=1e-8)
    for i in range(tasks):
        conflicting = h[(h @ h[i]) < 0]
        left = epsilon * h[i].norm() * conflicting.norm(dim=1)
        torch.testing.assert_close(conflicting @ after[i], left, rtol=1e-6, atol=1e-9)


@given(seed=seeds)
@few_examples
def test_of_two_tasks_without_scaling_it_is_pcgrad(seed: int):
    g = gradients(2, 5, seed)
    near(crafted(g, r=0, epsilon=0), weights(started(PCGrad, 2), g))


@given(seed=seeds)
@few_examples
def test_of_two_tasks_with_full_scaling_the_weights_have_a_closed_form(seed: int):
    g = gradients(2, 5, seed)
    norms = g.norm(dim=1)
    cosine = g[0] @ g[1] / norms.prod()
    near(crafted(g, r=1, epsilon=0), norms.max() / norms * (1 - cosine.clamp(max=0)))


@given(seed=seeds, tasks=st.integers(1, 6), r=st.floats(0, 1))
@few_examples
def test_without_conflict_the_weights_are_the_factors_that_scale(seed: int, tasks: int, r: float):
    g = gradients(tasks, 6, seed).abs()
    norms = g.norm(dim=1)
    near(crafted(g, r=r), r * norms.max() / norms + 1 - r)
    assert crafted(g, r=0).tolist() == [1] * tasks


@given(seed=seeds, tasks=st.integers(2, 5), task=st.integers(0, 1), factor=st.sampled_from([1e-3, 0.5, 40.0]))
@few_examples
def test_rescaling_one_gradient_changes_only_a_common_factor(seed: int, tasks: int, task: int, factor: float):
    g = gradients(tasks, 12, seed)
    scaled = g.clone()
    scaled[task] *= factor
    before, after = (crafted(one) * one.norm(dim=1) / one.norm(dim=1).max() for one in (g, scaled))
    near(after, before)


def test_beta_matters_from_the_second_step_on():
    method, forgetful = started(GradCraft, 3, beta=0.9), started(GradCraft, 3)
    near(weights(method, J), weights(forgetful, J))
    other = gradients(3, 3, 0)
    norms = 0.09 * J.norm(dim=1) + 0.1 * other.norm(dim=1)
    near(method.state_dict()["norms"], 0.1 * J.norm(dim=1))
    second = weights(method, other)
    near(method.state_dict()["norms"], norms)
    assert not torch.allclose(second, weights(forgetful, other))


def test_two_equal_tasks_that_conflict_with_a_third_share_the_projection():
    g = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-0.6, 0.8]], dtype=torch.float64)
    near(crafted(g), [1.3, 1.3, 1 + 2 * 0.6])


def test_a_task_without_gradient_keeps_weight_one():
    g = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-3.0, 4.0]], dtype=torch.float64)
    near(crafted(g), [5 * 1.6, 1, 1.6])
