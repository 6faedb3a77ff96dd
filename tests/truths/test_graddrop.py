"""Truths of GradDrop (SPEC section 6)."""

import torch
from fake_steps import gradients
from gradient_methods import applied, started
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.weightings.graddrop import GradDrop

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)
counts = st.integers(1, 5)


@given(seed=seeds, tasks=counts)
@few_examples
def test_where_signs_agree_it_is_the_plain_average(seed: int, tasks: int):
    signs = gradients(1, 6, seed).sign()
    g = gradients(tasks, 6, seed).abs() * signs
    torch.testing.assert_close(applied(started(GradDrop, tasks), g), g.mean(0))


@given(seed=seeds, tasks=counts)
@few_examples
def test_of_each_number_the_positive_or_the_negative_parts_are_kept(seed: int, tasks: int):
    g = gradients(tasks, 6, seed)
    d = applied(started(GradDrop, tasks), g)
    positive, negative = g.clamp(min=0).mean(0), g.clamp(max=0).mean(0)
    assert ((d - positive).abs().minimum((d - negative).abs()) < 1e-12).all()


def test_the_positive_parts_are_kept_as_often_as_they_make_up_of_the_whole():
    g = torch.tensor([[3.0], [-1.0]], dtype=torch.float64).expand(2, 20000)
    torch.manual_seed(0)
    share = (applied(started(GradDrop, 2), g) > 0).double().mean().item()
    assert abs(share - 0.75) < 5 * (0.75 * 0.25 / 20000) ** 0.5


@given(seed=seeds, tasks=counts)
@few_examples
def test_a_leak_of_1_is_the_plain_average(seed: int, tasks: int):
    g = gradients(tasks, 6, seed)
    torch.testing.assert_close(applied(started(GradDrop, tasks, leak=1.0), g), g.mean(0))


def test_a_leak_mixes_the_mask_with_the_average():
    g = gradients(3, 6, 0)
    found = []
    for leak in (0.0, 0.25):
        torch.manual_seed(7)
        found.append(applied(started(GradDrop, 3, leak=leak), g))
    torch.testing.assert_close(found[1], 0.75 * found[0] + 0.25 * g.mean(0))
