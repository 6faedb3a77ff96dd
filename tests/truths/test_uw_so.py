"""Truths of UW-SO (SPEC-METHODS 1.2)."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_steps import loss_step

from mtlbench_plugins.weightings.uw_so import UWSO

some_losses = st.lists(st.floats(1e-2, 1e2), min_size=1, max_size=6)


def weights(losses: list[float], temperature: float) -> torch.Tensor:
    return UWSO(UWSO.Params(temperature=temperature)).weigh(loss_step(losses)).double()


def test_the_oracle():
    expected = torch.tensor([0.479195729, 2.147606262, 0.373198009], dtype=torch.float64)
    torch.testing.assert_close(weights([0.2, 0.05, 0.4], 10), expected, rtol=1e-6, atol=0)


@given(losses=some_losses, temperature=st.floats(0.1, 1e3))
def test_the_weights_sum_to_the_number_of_tasks(losses: list[float], temperature: float):
    assert weights(losses, temperature).sum().item() == pytest.approx(len(losses), rel=1e-6)


@given(losses=some_losses)
def test_temperature_to_infinity_gives_ones(losses: list[float]):
    torch.testing.assert_close(weights(losses, 1e12), torch.ones(len(losses), dtype=torch.float64))


def test_temperature_to_zero_leaves_the_smallest_loss_alone():
    assert weights([0.3, 0.1, 0.2], 1e-3).tolist() == [0, 3, 0]


@given(pair=st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)), temperature=st.floats(0.5, 100))
def test_of_two_tasks_the_share_is_a_sigmoid_of_the_difference(pair: tuple[float, float], temperature: float):
    one, other = loss_step(list(pair)).losses[0].tolist()
    expected = 2 / (1 + math.exp((1 / other - 1 / one) / temperature))
    assert weights([one, other], temperature)[0].item() == pytest.approx(expected, rel=1e-5)


@given(losses=some_losses, factor=st.sampled_from([0.25, 2.0, 8.0]), temperature=st.floats(1, 100))
def test_a_common_factor_of_the_losses_is_one_of_the_temperature(
    losses: list[float], factor: float, temperature: float
):
    scaled = weights([factor * loss for loss in losses], temperature)
    torch.testing.assert_close(scaled, weights(losses, temperature * factor), rtol=1e-5, atol=1e-30)


@given(losses=some_losses, rise=st.floats(1.05, 3))
def test_a_task_whose_loss_rises_does_not_weigh_more(losses: list[float], rise: float):
    risen = weights([losses[0] * rise, *losses[1:]], 20)
    before = weights(losses, 20)
    assert risen[0] <= before[0]
    assert (risen[1:] >= before[1:]).all()


def test_a_loss_of_zero_counts_as_the_floor():
    assert torch.equal(weights([0.0, 0.5], 20), weights([1e-8, 0.5], 20))
    assert weights([0.0, 0.5], 20).tolist() == [2, 0]
