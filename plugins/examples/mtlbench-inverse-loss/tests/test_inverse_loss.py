"""What the formula says of the weights, and every rule that mtlbench has for a weighting."""

import numpy as np
import pytest
import torch

from mtlbench import api
from mtlbench.conformance import Case, cases
from mtlbench_inverse_loss.weightings.inverse_loss import InverseLoss


@pytest.mark.parametrize("case", cases(InverseLoss), ids=str)
def test_conforms(case: Case) -> None:
    case.check()


def weights(losses: np.ndarray, beta: float = 0.9) -> np.ndarray:
    """Weights (T, K) of a training whose mean losses are ``losses`` (T, K)."""
    method = InverseLoss(InverseLoss.Params(beta=beta))
    method.setup(api.Setting([api.Task(f"task{k}") for k in range(losses.shape[1])]))
    return torch.stack([method.weigh(step(row)) for row in losses]).numpy()


def step(losses: np.ndarray) -> api.Step:
    """A step of one sample with ``losses`` (K,); those that are NaN were not observed."""
    values, nothing = torch.tensor(losses).unsqueeze(0), torch.zeros(1, 0)
    rows = torch.zeros(1, dtype=torch.int64)
    return api.Step(
        rows, api.Inputs(nothing.int(), nothing), values, values, values.nan_to_num(), number=0, mask=~values.isnan()
    )


def some_losses(steps: int, tasks: int, seed: int) -> np.ndarray:
    return 0.1 + np.random.default_rng(seed).random((steps, tasks))


def test_the_running_mean_is_that_of_the_whole_history() -> None:
    losses = some_losses(20, 3, 0)
    found, shares = weights(losses), np.array([1.0])
    for t in range(20):
        inverse = 1 / (shares @ losses[: t + 1])
        np.testing.assert_allclose(found[t], 3 * inverse / inverse.sum(), rtol=1e-9)
        shares = np.append(0.9 * shares, 0.1)


def test_without_memory_the_weighted_losses_are_equal() -> None:
    losses = some_losses(5, 4, 1)
    weighted = weights(losses, beta=0) * losses
    np.testing.assert_allclose(weighted, weighted[:, :1] * np.ones(4))


def test_the_weights_sum_to_k() -> None:
    np.testing.assert_allclose(weights(some_losses(20, 4, 2)).sum(1), 4)


def test_a_factor_of_a_loss_divides_its_weight_relative_to_the_others() -> None:
    losses = some_losses(20, 2, 3)
    plain, scaled = weights(losses), weights(losses * [10, 1])
    np.testing.assert_allclose(scaled[:, 0] / scaled[:, 1], plain[:, 0] / plain[:, 1] / 10)


def test_a_task_without_a_label_in_a_step_is_left_out() -> None:
    losses = some_losses(20, 3, 4)
    losses[10:12, 1] = np.nan
    found, alone = weights(losses), weights(np.delete(losses, 1, axis=1))
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[10:12, 1], 0)
    np.testing.assert_allclose(found[10:12, [0, 2]], alone[10:12])
