"""Real tasks: squared error and Huber's loss of standardised labels."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mtlbench.tasks.kind import Scaling
from mtlbench.tasks.real import Real


def test_targets_have_mean_0_and_deviation_1():
    labels = np.random.default_rng(0).normal(50, 7, 500).astype(np.float32)
    scaling = Real().fit(labels, "y")
    targets = Real().targets(torch.from_numpy(labels), scaling).double()
    assert float(targets.mean()) == pytest.approx(0, abs=1e-6)
    assert float(targets.std(correction=0)) == pytest.approx(1, rel=1e-6)
    assert scaling.centre == scaling.mean


def test_of_large_numbers_that_differ_by_little_the_deviation_is_exact():
    labels = np.array([2**20, 2**20 + 1, 2**20 + 2], dtype=np.float32)
    assert Real().fit(labels, "y").scale == pytest.approx((2 / 3) ** 0.5, rel=1e-12)


def test_squared_error():
    z, t = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([2.0, 0.0, 5.0])
    torch.testing.assert_close(Real().losses(z, t), torch.tensor([2.89, 1.0, 9.0]))


@pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
def test_huber_is_that_of_torch_and_of_its_formula(delta: float) -> None:
    z, t = torch.randn(200, dtype=torch.float64) * 3, torch.randn(200, dtype=torch.float64)
    found = Real(loss="huber", delta=delta).losses(z, t)
    e = (z - t).abs()
    torch.testing.assert_close(found, torch.where(e <= delta, e**2 / 2, delta * (e - delta / 2)))
    assert found.equal(F.huber_loss(z, t, reduction="none", delta=delta))


def test_huber_of_a_large_delta_is_half_the_squared_error():
    z, t = torch.randn(50), torch.randn(50)
    torch.testing.assert_close(Real(loss="huber", delta=1e6).losses(z, t), Real().losses(z, t) / 2)


def test_the_best_constant_of_squared_error_is_the_mean():
    labels = np.random.default_rng(1).exponential(10, 400).astype(np.float32)
    scaling = Real().fit(labels, "y")
    targets = Real().targets(torch.from_numpy(labels), scaling).double()
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(Real().losses(z.expand_as(targets), targets).mean(), z)
    assert float(slope) == pytest.approx(0, abs=1e-6)
    assert float(Real().predictions(z.detach(), scaling)) == pytest.approx(labels.mean(), rel=1e-6)


def test_the_best_constant_of_hubers_loss_lies_between_median_and_mean():
    kind = Real(loss="huber", delta=0.5)
    labels = np.random.default_rng(1).exponential(10, 401).astype(np.float32)
    scaling = kind.fit(labels, "y")
    targets = kind.targets(torch.from_numpy(labels), scaling).double()
    grid = torch.linspace(-1, 1, 20001, dtype=torch.float64)
    means = torch.stack([kind.losses(z.expand_as(targets), targets).mean() for z in grid])
    best = grid[means.argmin()]
    assert float((targets - best).clamp(-0.5, 0.5).mean()) == pytest.approx(0, abs=1e-4)  # an M-estimate of location
    assert np.median(labels) < float(kind.predictions(best, scaling)) < labels.mean()


def test_predictions_are_in_the_unit_of_the_label():
    scaling = Scaling(mean=50.0, centre=50.0, scale=7.0)
    assert Real().predictions(torch.tensor([0.0, 1.0, -2.0]), scaling).tolist() == [50.0, 57.0, 36.0]
