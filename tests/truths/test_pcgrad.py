"""Truths of PCGrad (SPEC section 6)."""

import torch
from fake_steps import gradients, gram_step
from hypothesis import given
from hypothesis import strategies as st

from mtlbench_plugins.weightings.pcgrad import PCGrad

method = PCGrad(PCGrad.Params())


@given(seed=st.integers(0, 10**6))
def test_of_two_tasks_the_weights_have_a_closed_form_and_the_direction_conflicts_with_neither(seed: int):
    g = gradients(2, 5, seed)
    weights = method.weigh(gram_step(g)).double()
    overlap = (g[0] @ g[1]).clamp(max=0)
    torch.testing.assert_close(weights, 1 - overlap / g.square().sum(1), rtol=1e-5, atol=1e-6)
    assert (g @ (weights @ g) >= -1e-6 * g.square().sum()).all()


@given(seed=st.integers(0, 10**6), tasks=st.integers(1, 5))
def test_without_conflict_the_weights_are_ones(seed: int, tasks: int):
    g = gradients(tasks, 6, seed).abs()
    assert torch.equal(method.weigh(gram_step(g)), torch.ones(tasks))


@given(seed=st.integers(0, 10**6), tasks=st.integers(2, 5))
def test_the_weights_are_those_of_the_projected_vectors(seed: int, tasks: int):
    g = gradients(tasks, 8, seed)
    torch.manual_seed(seed)
    weights = method.weigh(gram_step(g)).double()
    torch.manual_seed(seed)
    projected = g.clone()
    for i in range(tasks):
        for j in torch.randperm(tasks).tolist():
            if j != i:
                projected[i] -= (projected[i] @ g[j]).clamp(max=0) / g[j].square().sum() * g[j]
    torch.testing.assert_close(weights @ g, projected.sum(0), rtol=1e-4, atol=1e-5)


def test_a_zero_gradient_is_left_alone():
    g = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.5]], dtype=torch.float64)
    assert method.weigh(gram_step(g)).isfinite().all()


def test_the_weights_have_the_bits_of_products_that_torch_makes_throughout():
    for number in range(100):
        g = gradients(6, 8, number)
        gram = gram_step(g).gram
        torch.manual_seed(number)
        found = method.weigh(gram_step(g))
        torch.manual_seed(number)
        coefficients = torch.eye(6, dtype=gram.dtype)
        for i, projected in enumerate(coefficients):
            for j in torch.randperm(6).tolist():
                conflict = projected @ gram[j]
                if j != i and conflict < 0:
                    projected[j] -= conflict / gram[j, j]
        assert torch.equal(found, coefficients.sum(0).to(found))


def test_a_gradient_whose_square_underflows_is_left_alone():
    gram = torch.tensor([[1.0, -1e-200], [-1e-200, 0.0]], dtype=torch.float64)
    step = gram_step(gradients(2, 3, 0))
    step.shared.gram = gram
    assert method.weigh(step).tolist() == [1, 1]
