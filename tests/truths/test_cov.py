"""Truths of CoV-Weighting (SPEC-METHODS 1.8)."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting, weights_over
from torch import Tensor

from mtlbench_plugins.weightings.cov import CoV

STEPS = [[0.7, 0.30], [0.6, 0.28], [0.65, 0.25], [0.5, 0.27]]
few_examples = settings(max_examples=20)
some_steps = st.integers(1, 5).flatmap(
    lambda tasks: st.lists(st.lists(st.floats(0.05, 10), min_size=tasks, max_size=tasks), min_size=3, max_size=6)
)


def weights(losses: list[list[float]], decay: float | None = None) -> Tensor:
    """Weights (T, K) of steps with these losses (T, K), in float64 throughout."""
    return weights_over(CoV(CoV.Params(decay=decay)), losses)


def test_the_oracle():
    expected = [[1, 1], [1, 1], [1.380950876, 0.619049124], [1.078289775, 0.921710225]]
    torch.testing.assert_close(weights(STEPS), torch.tensor(expected, dtype=torch.float64), rtol=1e-8, atol=0)


@given(losses=some_steps, decay=st.sampled_from([None, 0.0, 0.9]))
@few_examples
def test_the_weights_sum_to_the_number_of_tasks_and_begin_as_ones(losses: list[list[float]], decay: float | None):
    found = weights(losses, decay)
    torch.testing.assert_close(found.sum(1), torch.full((len(losses),), float(len(losses[0])), dtype=torch.float64))
    assert found[:2].tolist() == [[1] * len(losses[0])] * 2


@pytest.mark.parametrize("decay", [None, 0.9])
@pytest.mark.parametrize("factor", [0.5, 1000.0])
def test_a_factor_of_a_loss_changes_nothing(factor: float, decay: float | None):
    torch.testing.assert_close(weights([[factor * one, other] for one, other in STEPS], decay), weights(STEPS, decay))


@pytest.mark.parametrize("decay", [None, 0.9])
def test_losses_that_never_change_have_weights_of_one(decay: float | None):
    found = weights([[0.3, 0.2, 2.0]] * 6, decay)
    torch.testing.assert_close(found, torch.ones_like(found))


def test_a_loss_that_never_changes_weighs_little_beside_one_that_does():
    found = weights([[0.3, 0.2], [0.3, 0.4], [0.3, 0.3]])[2]
    variation = torch.tensor([1e-4, (0.25 + 1e-8) ** 0.5 / 1.5], dtype=torch.float64)  # ratios 1, 1 and 1, 2
    torch.testing.assert_close(found, 2 * variation / variation.sum())


def test_the_running_statistics_are_those_of_the_whole_history():
    losses = 0.1 + np.random.default_rng(0).random((30, 3))
    means = np.cumsum(losses, axis=0) / np.arange(1, 31)[:, None]
    ratios = np.vstack([np.ones(3), losses[1:] / means[:-1]])
    found = weights(losses.tolist()).numpy()
    for t in range(2, 30):
        variation = np.sqrt(ratios[:t].var(0) + 1e-8) / ratios[:t].mean(0)
        np.testing.assert_allclose(found[t], 3 * variation / variation.sum(), rtol=1e-9)


def test_with_a_decay_the_moments_are_exponential_from_the_second_step_on():
    losses, rho = 0.1 + np.random.default_rng(1).random((30, 2)), 0.9
    found = weights(losses.tolist(), rho).numpy()
    mean_loss, ratios, shares = losses[0], [np.ones(2)], np.array([1.0])
    for t in range(1, 30):
        mean = shares @ np.array(ratios)
        variation = np.sqrt(shares @ (np.array(ratios) - mean) ** 2 + 1e-8) / mean
        np.testing.assert_allclose(found[t], 2 * variation / variation.sum() if t > 1 else np.ones(2), rtol=1e-9)
        ratios.append(losses[t] / mean_loss)
        mean_loss = rho * mean_loss + (1 - rho) * losses[t]
        shares = np.append(rho * shares, 1 - rho)


def test_a_task_weighs_one_until_it_has_two_earlier_steps_with_a_label():
    method = CoV(CoV.Params())
    method.setup(some_setting(3))
    found = []
    for losses, seen in [(one, 2) for one in STEPS] + [([0.6, 0.3, 0.4], 3)] * 3:
        step = loss_step([*losses, 0.0][:3])
        step.mask = (torch.arange(3) < seen).expand(2, -1)
        found.append(method.weigh(step))
        method.after_step(step)
    torch.testing.assert_close(torch.stack(found[:4])[:, :2].double(), weights(STEPS), rtol=1e-5, atol=0)
    assert [float(one[2]) for one in found[:6]] == [0, 0, 0, 0, 1, 1]
    assert float(found[6].sum()) == pytest.approx(3)
    assert float(found[6][2]) != 1
