"""Nonnegative labels: amounts of which many may be 0, such as watch time or spend."""

import math
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from mtlbench.tasks.kind import LARGEST as LARGEST_LABEL
from mtlbench.tasks.kind import Scaling, TaskKind, mean_and_deviation, mean_of
from mtlbench.tasks.metrics.metric import Metric
from mtlbench.tasks.metrics.numbers import CALIBRATION, LOSS, MAE, R2, RMSE, S_LOSS
from mtlbench.tasks.metrics.order import NORMALISED_GINI, XAUC

POWER = 1.5
STEEPEST = 50.0
"""Exponent from which on an exponential goes on as its tangent: e^50 times a label stays well inside float32."""


class Nonnegative(TaskKind):
    r"""A label >= 0 with any share of zeros, such as watch time or spend: by default z predicts ``mean * exp(z)``.

    ``tweedie``
        Deviance of a Tweedie law of power p, 1 < p < 2, whose variance grows as the mean to the power p and which has a
        mass at 0; of t = y / mean, in half:
        :math:`\frac{t e^{(1-p) z}}{p-1} + \frac{e^{(2-p) z}}{2-p} - \frac{t^{2-p}}{(p-1)(2-p)}`.
        Jorgensen, "Exponential Dispersion Models", Journal of the Royal Statistical Society B 1987
        (https://doi.org/10.1111/j.2517-6161.1987.tb01685.x).
        Losses of different powers do not compare.
    ``poisson``
        Its limit p = 1, the deviance of a Poisson law, in half: :math:`e^z - t z + t \ln t - t`. Labels need not be
        whole numbers.
    ``log-squared``
        :math:`(z - t)^2` of the standardised logarithm, :math:`t = (\ln(1 + y) - m) / s`. Prediction
        :math:`e^{m + s z} - 1`: the mean of the logarithm, so it is biased low for the mean of the label itself, which
        calibration shows. The unit of the label matters, for it says what 1 is small against.

    Mean, m and s are of the training labels. Of tweedie and poisson the best constant prediction is the mean. No loss
    is negative, and that of a perfect prediction is 0.

    Deviation: where an exponent exceeds 50 the exponential goes on as its tangent. So the loss and its gradient stay
    finite far out, and the gradient never vanishes, as it would under a clamp. They are computed in float64.
    """

    loss: Literal["tweedie", "poisson", "log-squared"] = Field("tweedie", description="loss of the scaled label")
    power: float = Field(POWER, gt=1, lt=2, description="p of tweedie: near 1 for counts, near 2 for heavy tails")

    name = "nonnegative"
    metrics: ClassVar[tuple[Metric, ...]] = (XAUC, RMSE, MAE, R2, LOSS, S_LOSS, CALIBRATION, NORMALISED_GINI)
    expected = "a finite number of 0 or more"
    remedy = "make these labels missing, which means not observed, drop these rows, or declare the task real"

    @model_validator(mode="after")
    def _power_is_used(self) -> Self:
        if self.loss != "tweedie" and self.power != POWER:
            raise ValueError(f"power is a parameter of loss=tweedie alone: leave it out for loss={self.loss}")
        return self

    def holds(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """0 and above."""
        return numbers >= 0

    def targets(self, labels: Tensor, scaling: Scaling) -> Tensor:
        """Labels in units of the training mean, or the standardised logarithm."""
        values = labels.double()
        if self.loss == "log-squared":
            values = values.log1p()
        return ((values - scaling.centre) / scaling.scale).float()

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Half the deviance, or the squared error of the logarithm."""
        if self.loss == "log-squared":
            return F.mse_loss(logits, targets, reduction="none")
        z, t = logits.double(), targets.double()
        if self.loss == "poisson":
            deviance = _exp(z) - t * z + torch.xlogy(t, t) - t
        else:
            p = self.power
            best = t.pow(2 - p) / ((p - 1) * (2 - p))
            deviance = t * _exp((1 - p) * z) / (p - 1) + _exp((2 - p) * z) / (2 - p) - best
        return deviance.clamp(min=0).to(logits.dtype)  # rounding may go below

    def predictions(self, logits: Tensor, scaling: Scaling) -> Tensor:
        """``mean * exp(z)``, or ``exp(m + s z) - 1`` and 0 where that is negative."""
        z = logits.double()
        if self.loss == "log-squared":
            return (scaling.centre + scaling.scale * z).clamp(0, math.log(LARGEST_LABEL)).expm1()
        return scaling.scale * z.clamp(max=STEEPEST).exp()

    def logits(self, predictions: Tensor, scaling: Scaling) -> Tensor:
        """The logarithm of a prediction in units of the training mean, or the standardised logarithm."""
        values = predictions.double()
        self._refuse(values, ~((values >= 0) & values.isfinite()), "means are negative or not finite")
        if self.loss == "log-squared":
            return (values.log1p() - scaling.centre) / scaling.scale
        return (values / scaling.scale).clamp(min=torch.finfo(torch.float64).tiny).log()

    def _fitted(self, seen: NDArray[np.float64], weight: NDArray[np.float32] | None) -> Scaling:
        mean = mean_of(seen, weight)
        if self.loss == "log-squared":
            centre, scale = mean_and_deviation(np.log1p(seen), weight)
            return Scaling(mean=mean, centre=centre, scale=scale)
        return Scaling(mean=mean, scale=mean)


def _exp(x: Tensor) -> Tensor:
    """``exp(x)``, and its tangent beyond ``STEEPEST``: convex, with a gradient that is finite and never 0 there."""
    return x.clamp(max=STEEPEST).exp() * (1 + F.relu(x - STEEPEST))
