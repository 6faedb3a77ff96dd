"""Truths of SLAW (SPEC-METHODS 1.7)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting, weights_over
from torch import Tensor

from mtlbench_plugins.weightings.slaw import SLAW

STEPS = [[0.7, 0.30], [0.6, 0.28], [0.65, 0.25], [0.5, 0.27]]
few_examples = settings(max_examples=20)
some_steps = st.integers(1, 5).flatmap(
    lambda tasks: st.lists(st.lists(st.floats(0.05, 10), min_size=tasks, max_size=tasks), min_size=3, max_size=6)
)


def weights(losses: list[list[float]], beta: float = 0.99) -> Tensor:
    """Weights (T, K) of steps with these losses (T, K), in float64 throughout."""
    return weights_over(SLAW(SLAW.Params(beta=beta)), losses)


def test_the_oracle():
    expected = [[1, 1], [1 / 3, 5 / 3], [0.669613292, 1.330386708], [0.391998275, 1.608001725]]
    torch.testing.assert_close(weights(STEPS), torch.tensor(expected, dtype=torch.float64), rtol=1e-8, atol=0)


@given(losses=some_steps, beta=st.sampled_from([0.0, 0.5, 0.99]))
@few_examples
def test_the_weights_sum_to_the_number_of_tasks_and_begin_as_ones(losses: list[list[float]], beta: float):
    found = weights(losses, beta)
    torch.testing.assert_close(found.sum(1), torch.full((len(losses),), float(len(losses[0])), dtype=torch.float64))
    assert found[0].tolist() == [1] * len(losses[0])


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_a_factor_of_a_loss_divides_its_weight_relative_to_the_others(factor: float):
    plain, scaled = weights(STEPS)[1:], weights([[factor * one, other] for one, other in STEPS])[1:]
    torch.testing.assert_close(scaled[:, 0] / scaled[:, 1], plain[:, 0] / plain[:, 1] / factor)


def test_a_constant_that_is_added_to_a_loss_changes_nothing():
    torch.testing.assert_close(weights([[one + 100, other] for one, other in STEPS]), weights(STEPS))


def test_after_two_steps_the_deviation_is_half_their_difference():
    found = weights([[0.9, 0.4, 0.2], [0.5, 0.5, 0.4]])[1]
    inverse = 1 / torch.tensor([0.2, 0.05, 0.1], dtype=torch.float64)
    torch.testing.assert_close(found, 3 * inverse / inverse.sum())


@pytest.mark.parametrize("beta", [0.5, 0.75])
def test_the_statistics_are_plain_means_at_first_and_exponential_ones_from_then_on(beta: float):
    losses = torch.rand(20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found, mean, square = weights(losses.tolist(), beta), torch.zeros(3).double(), torch.zeros(3).double()
    for number, of_step in enumerate(losses, start=1):
        past = 1 - 1 / number if number <= round(1 / (1 - beta)) else beta
        mean, square = past * mean + (1 - past) * of_step, past * square + (1 - past) * of_step**2
        inverse = 1 / (square - mean**2).clamp(min=1e-10).sqrt()
        if number > 1:
            torch.testing.assert_close(found[number - 1], 3 * inverse / inverse.sum(), rtol=1e-7, atol=0)


def test_losses_that_never_change_have_the_least_deviation():
    assert weights([[0.3, 0.2]] * 3).tolist() == [[1, 1]] * 3
    found = weights([[0.3, 0.2], [0.3, 0.4]])[1]
    inverse = torch.tensor([1e5, 10.0], dtype=torch.float64)
    torch.testing.assert_close(found, 2 * inverse / inverse.sum())


def test_a_task_weighs_one_until_it_has_two_steps_with_a_label():
    method = SLAW(SLAW.Params())
    method.setup(some_setting(3))
    found = []
    for losses, seen in [([0.7, 0.3, 0], 2), ([0.6, 0.28, 0], 2), ([0.65, 0.25, 0.4], 3), ([0.5, 0.27, 0.5], 3)]:
        step = loss_step(losses)
        step.mask = (torch.arange(3) < seen).expand(2, -1)
        found.append(method.weigh(step))
    torch.testing.assert_close(torch.stack(found[:3])[:, :2].double(), weights(STEPS)[:3], rtol=1e-5, atol=0)
    assert [float(one[2]) for one in found[:3]] == [0, 0, 1]
    assert float(found[3].sum()) == pytest.approx(3)
    assert float(found[3][2]) != 1
