"""Truths of CAGrad (SPEC section 6)."""

import torch
from fake_steps import gradients
from gradient_methods import applied, started, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.cagrad import CAGrad

seeds = st.integers(0, 10**6)
counts = st.integers(2, 6)
radii = st.floats(0.05, 0.95)
few_examples = settings(max_examples=40)


@given(seed=seeds, tasks=st.integers(1, 6))
@few_examples
def test_a_radius_of_0_is_the_mean(seed: int, tasks: int):
    assert weights(started(CAGrad, tasks, c=0.0), gradients(tasks, 8, seed)).tolist() == [1] * tasks


@given(seed=seeds, tasks=st.integers(1, 6), c=radii)
@few_examples
def test_the_direction_is_on_the_sphere_around_the_mean_gradient(seed: int, tasks: int, c: float):
    g = gradients(tasks, 8, seed)
    mean = g.mean(0)
    away = (applied(started(CAGrad, tasks, c=c), g) - mean).norm()
    torch.testing.assert_close(away, c * mean.norm(), rtol=1e-9, atol=1e-12)


@given(seed=seeds, tasks=counts, c=radii)
@few_examples
def test_no_direction_of_the_ball_gives_the_worst_task_more(seed: int, tasks: int, c: float):
    g = gradients(tasks, 5, seed)
    mean, found = g.mean(0), applied(started(CAGrad, tasks, c=c), g)
    worst = (g @ found).min()
    generator = torch.Generator().manual_seed(seed)
    away = torch.randn(2000, 5, generator=generator, dtype=torch.float64)
    near = found - mean + 0.1 * away * c * mean.norm()
    for candidates in (away, near):
        others = mean + c * mean.norm() * candidates / candidates.norm(dim=1, keepdim=True)
        assert ((others @ g.T).min(1).values <= worst + 1e-10 * g.square().sum(1).max()).all()


@given(seed=seeds, tasks=counts, c=radii)
@few_examples
def test_the_mix_is_optimal_where_the_worst_tasks_gain_the_same(seed: int, tasks: int, c: float):
    g = gradients(tasks, 8, seed)
    method = started(CAGrad, tasks, c=c)
    gain, mixed = g @ applied(method, g), weights(method, g) > 1 + 1e-9
    rounding = 1e-8 * g.square().sum(1).max()
    assert (gain[mixed] - gain.min()).abs().max() <= rounding


def test_opposed_gradients_of_one_size_are_left_at_their_mean_of_0():
    g = gradients(1, 5, 0)
    assert weights(started(CAGrad, 2), torch.cat([g, -g])).tolist() == [1, 1]
