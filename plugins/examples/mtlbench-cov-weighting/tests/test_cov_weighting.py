"""What the paper's formula says of the weights, and every rule that mtlbench has for a weighting."""

import numpy as np
import pytest
import torch

from mtlbench import api
from mtlbench.conformance import Case, cases
from mtlbench_cov_weighting.weightings.cov_weighting import CovWeighting


@pytest.mark.parametrize("case", cases(CovWeighting), ids=str)
def test_conforms(case: Case) -> None:
    case.check()


def weights(losses: np.ndarray) -> np.ndarray:
    """Weights (T, K) of a training whose mean losses are ``losses`` (T, K)."""
    method = CovWeighting(api.NoParams())
    method.setup(api.Setting([api.Task(f"task{k}") for k in range(losses.shape[1])]))
    return torch.stack([method.weigh(step(row)) for row in losses]).numpy()


def step(losses: np.ndarray) -> api.Step:
    """A step of one sample with ``losses`` (K,); those that are NaN were not observed."""
    values, nothing = torch.tensor(losses).unsqueeze(0), torch.zeros(1, 0)
    rows = torch.zeros(1, dtype=torch.int64)
    return api.Step(
        rows, api.Inputs(nothing.int(), nothing), values, values, values.nan_to_num(), number=0, mask=~values.isnan()
    )


def falling(steps: int, tasks: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (
        0.1 + np.exp(-np.arange(steps)[:, None] / random.uniform(5, 50, tasks)) + 0.05 * random.random((steps, tasks))
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_running_statistics_are_those_of_the_whole_history(seed: int) -> None:
    losses = falling(40, 3, seed)
    means = np.cumsum(losses, axis=0) / np.arange(1, 41)[:, None]
    ratios = np.vstack([np.ones(3), losses[1:] / means[:-1]])
    found = weights(losses)
    for t in range(1, 40):
        variation = ratios[: t + 1].std(0) / ratios[: t + 1].mean(0)
        np.testing.assert_allclose(found[t], 3 * variation / variation.sum(), rtol=1e-9)


def test_the_weights_sum_to_k_and_begin_as_ones() -> None:
    found = weights(falling(20, 4, 0))
    np.testing.assert_allclose(found.sum(1), 4)
    np.testing.assert_array_equal(found[0], np.ones(4))


def test_the_size_of_a_loss_makes_no_difference() -> None:
    losses = falling(20, 2, 1)
    np.testing.assert_allclose(weights(losses * [1, 1000]), weights(losses), rtol=1e-9)


def test_a_loss_that_no_longer_moves_weighs_nothing() -> None:
    losses = falling(10, 2, 2)
    losses[:, 1] = 0.4
    np.testing.assert_allclose(weights(losses)[2:], np.tile([2.0, 0.0], (8, 1)), atol=1e-9)


def test_losses_that_never_move_are_averaged() -> None:
    np.testing.assert_array_equal(weights(np.full((5, 3), 0.4)), np.ones((5, 3)))


def test_a_task_without_a_label_in_a_step_is_left_out() -> None:
    losses = falling(20, 3, 3)
    losses[10:12, 1] = np.nan
    found, alone = weights(losses), weights(np.delete(losses, 1, axis=1))
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[10:12, 1], 0)
    np.testing.assert_allclose(found[10:12, [0, 2]], alone[10:12])
