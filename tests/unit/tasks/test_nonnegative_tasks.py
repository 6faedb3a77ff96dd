"""Nonnegative tasks: deviances against scikit-learn, torch, and facts of their formulas."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_poisson_deviance, mean_tweedie_deviance
from torch import Tensor
from torch.nn import functional as F

from mtlbench.tasks.nonnegative import STEEPEST, Nonnegative

Z = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
Y = torch.tensor([2.0, 0.0, 5.0], dtype=torch.float64)
TWEEDIE, POISSON, LOGARITHM = Nonnegative(), Nonnegative(loss="poisson"), Nonnegative(loss="log-squared")


def best(kind: Nonnegative, y: Tensor) -> Tensor:
    """What the deviance form takes off the loss of the literature."""
    if kind.loss == "poisson":
        return y - torch.xlogy(y, y)
    p = kind.power
    return -y.pow(2 - p) / ((1 - p) * (2 - p))


def amounts(seed: int, rows: int = 300) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, generator=generator, dtype=torch.float64)
    y = torch.empty(rows, dtype=torch.float64).exponential_(generator=generator)
    return z, torch.where(torch.rand(rows, generator=generator) < 0.4, 0.0, y * 3)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (POISSON, (0.749858808, 0.367879441, -2.610943901)),
        (TWEEDIE, (5.766500391, 1.213061319, 9.115358069)),
    ],
    ids=["poisson", "tweedie"],
)
def test_worked_numbers(kind: Nonnegative, expected: tuple[float, ...]) -> None:
    found = kind.losses(Z, Y) + best(kind, Y)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=5e-10)


@given(seed=st.integers(0, 10_000), power=st.floats(1.05, 1.95))
def test_twice_the_losses_are_the_deviances_of_scikit_learn(seed: int, power: float) -> None:
    z, y = amounts(seed)
    tweedie = 2 * float(Nonnegative(power=power).losses(z, y).mean())
    assert tweedie == pytest.approx(mean_tweedie_deviance(y.numpy(), z.exp().numpy(), power=power), rel=1e-9)
    poisson = 2 * float(POISSON.losses(z, y).mean())
    assert poisson == pytest.approx(mean_poisson_deviance(y.numpy(), z.exp().numpy()), rel=1e-9)


def test_poisson_is_that_of_torch():
    z, y = amounts(0)
    expected = F.poisson_nll_loss(z, y, log_input=True, full=False, reduction="none")
    torch.testing.assert_close(POISSON.losses(z, y) + best(POISSON, y), expected)


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
def test_the_slope_of_tweedie(power: float) -> None:
    z, y = amounts(1)
    z.requires_grad_()
    (slope,) = torch.autograd.grad(Nonnegative(power=power).losses(z, y).sum(), z)
    torch.testing.assert_close(slope, ((1 - power) * z).exp() * (z.exp() - y))


def test_tweedie_tends_to_poisson():
    z, y = amounts(2)
    near = Nonnegative(power=1 + 1e-6).losses(z, y)
    torch.testing.assert_close(near, POISSON.losses(z, y), rtol=0, atol=1e-4)
    nearer = Nonnegative(power=1 + 1e-8).losses(z, y)
    distances = [(found - POISSON.losses(z, y)).abs().max() for found in (near, nearer)]
    assert distances[1] < distances[0] / 10


@pytest.mark.parametrize("kind", [TWEEDIE, POISSON, Nonnegative(power=1.2)], ids=repr)
def test_the_best_constant_prediction_is_the_mean(kind: Nonnegative) -> None:
    labels = np.float32(40) * amounts(3)[1].float().numpy()
    scaling = kind.fit(labels, "y")
    targets = kind.targets(torch.from_numpy(labels), scaling).double()
    z = kind.logits(torch.tensor(scaling.mean, dtype=torch.float64), scaling).requires_grad_()
    assert float(z.detach()) == pytest.approx(0, abs=1e-12)
    (slope,) = torch.autograd.grad(kind.losses(z.expand_as(targets), targets).mean(), z)
    assert float(slope) == pytest.approx(0, abs=1e-7)
    here, left, right = (
        float(kind.losses((z.detach() + d).expand_as(targets), targets).mean()) for d in (0, -0.1, 0.1)
    )
    assert here < min(left, right)


@pytest.mark.parametrize("power", [1.3, 1.5, 1.8])
def test_a_scaled_label_moves_the_logit_and_multiplies_the_loss(power: float) -> None:
    z, y = amounts(4)
    m = 12.5
    kind = Nonnegative(power=power)
    torch.testing.assert_close(m ** (2 - power) * kind.losses(z, y), kind.losses(z + np.log(m), m * y))
    torch.testing.assert_close(m * POISSON.losses(z, y), POISSON.losses(z + np.log(m), m * y))


def test_small_losses_are_exact_in_float32():
    """Near the optimum of a large label the loss is y (z - ln y)^2 / 2, far below its parts."""
    y = torch.tensor([1e4])
    z = y.log() + 1e-2
    exact = 1e4 * (np.expm1(1e-2) - 1e-2)
    assert float(POISSON.losses(z, y)) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("kind", [TWEEDIE, POISSON, Nonnegative(power=1.9)], ids=repr)
def test_far_out_the_gradient_neither_vanishes_nor_overflows(kind: Nonnegative) -> None:
    z = torch.tensor([-1e4, -300.0, 300.0, 1e4], requires_grad=True)
    (slope,) = torch.autograd.grad(kind.losses(z, torch.ones(4)).sum(), z)
    assert bool(slope.isfinite().all())
    assert bool((slope[:2] < -0.4).all())
    assert bool((slope[2:] > 0.4).all())


def test_the_exponential_goes_on_as_its_tangent():
    z = torch.tensor([STEEPEST - 1, STEEPEST, STEEPEST + 1], dtype=torch.float64, requires_grad=True)
    losses = POISSON.losses(z, torch.zeros(3, dtype=torch.float64))
    (slope,) = torch.autograd.grad(losses.sum(), z)
    top = np.exp(STEEPEST)
    np.testing.assert_allclose(losses.detach().numpy(), [top / np.e, top, 2 * top], rtol=1e-12)
    np.testing.assert_allclose(slope.numpy(), [top / np.e, top, top], rtol=1e-12)


def test_log_squared_is_the_squared_error_of_the_standardised_logarithm():
    labels = np.float32(40) * amounts(5)[1].float().numpy()
    scaling = LOGARITHM.fit(labels, "y")
    logarithms = np.log1p(labels.astype(np.float64))
    targets = LOGARITHM.targets(torch.from_numpy(labels), scaling)
    np.testing.assert_allclose(targets.numpy(), (logarithms - logarithms.mean()) / logarithms.std(), atol=1e-6)
    z = torch.randn(len(labels))
    torch.testing.assert_close(LOGARITHM.losses(z, targets), (z - targets) ** 2)
    predictions = LOGARITHM.predictions(targets, scaling)
    np.testing.assert_allclose(predictions.numpy(), labels, rtol=1e-5, atol=1e-5)
    constant = float(LOGARITHM.predictions(torch.zeros(1), scaling))
    assert constant == pytest.approx(np.expm1(logarithms.mean()))
    assert constant < labels.mean()


@pytest.mark.parametrize("kind", [TWEEDIE, POISSON, LOGARITHM], ids=repr)
def test_predictions_are_never_negative(kind: Nonnegative) -> None:
    labels: np.ndarray[Any, Any] = np.array([0, 0, 3, 10, 900], dtype=np.float32)
    predictions = kind.predictions(torch.linspace(-100, 100, 500), kind.fit(labels, "y"))
    assert float(predictions.min()) >= 0
    assert bool(predictions.isfinite().all())
