"""Truths of Aligned-MTL (SPEC section 6)."""

import torch
from fake_steps import gradients
from gradient_methods import applied, started, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.aligned_mtl import AlignedMTL

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)


@given(seed=seeds, tasks=st.integers(1, 6))
@few_examples
def test_the_direction_is_the_mean_of_orthogonal_gradients_of_the_least_singular_length(seed: int, tasks: int):
    g = gradients(tasks, 20, seed)
    u, sigma, v = torch.linalg.svd(g, full_matrices=False)
    aligned = sigma.min() * u @ v
    torch.testing.assert_close(aligned @ aligned.T, sigma.min() ** 2 * torch.eye(tasks, dtype=torch.float64))
    torch.testing.assert_close(applied(started(AlignedMTL, tasks), g), aligned.mean(0), rtol=1e-7, atol=1e-9)


@given(seed=seeds, tasks=st.integers(1, 6))
@few_examples
def test_orthogonal_gradients_of_one_length_are_their_own(seed: int, tasks: int):
    q, _ = torch.linalg.qr(gradients(8, 8, seed))
    torch.testing.assert_close(
        weights(started(AlignedMTL, tasks), 3 * q[:tasks]), torch.ones(tasks, dtype=torch.float64)
    )


def test_a_direction_that_float32_cannot_tell_from_none_does_not_set_the_length():
    g = gradients(3, 20, 0)
    g[2] = g[1] + 1e-6 * g[2]
    g[1] = g[1] - 1e-6 * g[0]
    assert applied(started(AlignedMTL, 3), g).norm() > 0.01 * g.norm(dim=1).min()
