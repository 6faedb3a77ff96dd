"""Real labels: numbers of any sign, such as a rating."""

from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from mtlbench.tasks.kind import Scaling, TaskKind, mean_and_deviation
from mtlbench.tasks.metrics.metric import Metric
from mtlbench.tasks.metrics.numbers import LOSS, MAE, R2, RMSE, S_LOSS
from mtlbench.tasks.metrics.order import XAUC

DELTA = 1.0


class Real(TaskKind):
    r"""A label that is any finite number, such as a rating: the logit z predicts ``mean + sd * z``.

    Targets are standardised: ``t = (y - mean) / sd`` with mean and population standard deviation of the training
    labels, so that the loss of the constant prediction is near 1 whatever the unit. Losses of e = z - t:

    ``squared``
        :math:`e^2`. The best prediction is the mean.
    ``huber``
        :math:`e^2 / 2` where :math:`|e| \le \delta`, else :math:`\delta (|e| - \delta / 2)`: outliers pull with a force
        of at most delta. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 1964
        (https://doi.org/10.1214/aoms/1177703732). The best prediction lies between mean and median, so it is biased
        for the mean of skewed labels.
    """

    loss: Literal["squared", "huber"] = Field("squared", description="loss of the standardised label")
    delta: float = Field(DELTA, gt=0, description="where huber turns from squared to linear, in standard deviations")

    name = "real"
    metrics: ClassVar[tuple[Metric, ...]] = (XAUC, RMSE, MAE, R2, LOSS, S_LOSS)
    expected = "a finite number"
    remedy = "make these labels missing, which means not observed, or drop these rows"

    @model_validator(mode="after")
    def _delta_is_used(self) -> Self:
        if self.loss != "huber" and self.delta != DELTA:
            raise ValueError(f"delta is a parameter of loss=huber alone: leave it out for loss={self.loss}")
        return self

    def holds(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """All."""
        return np.ones(len(numbers), dtype=bool)

    def targets(self, labels: Tensor, scaling: Scaling) -> Tensor:
        """Standardised labels."""
        return ((labels.double() - scaling.centre) / scaling.scale).float()

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Squared error or Huber's loss."""
        if self.loss == "huber":
            return F.huber_loss(logits, targets, reduction="none", delta=self.delta)
        return F.mse_loss(logits, targets, reduction="none")

    def predictions(self, logits: Tensor, scaling: Scaling) -> Tensor:
        """``mean + sd * z``."""
        return scaling.centre + scaling.scale * logits.double()

    def logits(self, predictions: Tensor, scaling: Scaling) -> Tensor:
        """``(prediction - mean) / sd``."""
        self._refuse(predictions, ~predictions.isfinite(), "means are not finite")
        return (predictions.double() - scaling.centre) / scaling.scale

    def _fitted(self, seen: NDArray[np.float64], weight: NDArray[np.float32] | None) -> Scaling:
        mean, deviation = mean_and_deviation(seen, weight)
        return Scaling(mean=mean, centre=mean, scale=deviation)
