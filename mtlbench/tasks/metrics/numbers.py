"""Metrics of how far predictions lie from labels, and of the loss that training descends."""

import math
from typing import TYPE_CHECKING

from mtlbench.tasks.metrics.metric import NOT_NEGATIVE, Metric

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.tasks.scored import Scored


def rmse(predictions: "Tensor", labels: "Tensor", weight: "Tensor | None" = None) -> float:
    """Root of the mean squared error, ``sqrt(mean((p - y)^2))``, in the label's unit.

    Args:
        predictions: (N,) in the label's unit, any float dtype; computed in float64.
        labels: (N,).
        weight: (N,) sample weights, > 0; ``None``: all rows count the same.

    Returns:
        A value >= 0; NaN without rows.
    """
    return math.sqrt(float(_average((predictions.double() - labels.double()).square(), weight)))


def mae(predictions: "Tensor", labels: "Tensor", weight: "Tensor | None" = None) -> float:
    """Mean absolute error, ``mean(|p - y|)``, in the label's unit; arguments and value as of :func:`rmse`."""
    return float(_average((predictions.double() - labels.double()).abs(), weight))


def r2(predictions: "Tensor", labels: "Tensor", weight: "Tensor | None" = None) -> float:
    """Share of the labels' variance that is explained, ``1 - sum((y - p)^2) / sum((y - mean(y))^2)``.

    The mean is that of the rows scored: as a prediction it has 0, and what is worse than it has less.

    Args:
        predictions: (N,) in the label's unit, any float dtype; computed in float64.
        labels: (N,).
        weight: (N,) sample weights, > 0; ``None``: all rows count the same.

    Returns:
        A value <= 1; NaN where all labels are equal.
    """
    y = labels.double()
    if len(y) == 0 or y.min() == y.max():
        return math.nan
    squares, spread = (y - predictions.double()).square(), (y - _average(y, weight)).square()
    if weight is not None:
        squares, spread = weight * squares, weight * spread
    return 1 - float(squares.sum() / spread.sum())


def mean_ratio(predictions: "Tensor", labels: "Tensor", weight: "Tensor | None" = None) -> float:
    """Calibration, ``mean(p) / mean(y)``: 1 is calibrated; NaN where no label is above 0.

    Args:
        predictions: (N,) in the label's unit, any float dtype; computed in float64.
        labels: (N,) >= 0.
        weight: (N,) sample weights, > 0; ``None``: all rows count the same.
    """
    base = float(_average(labels.double(), weight))
    return float(_average(predictions.double(), weight)) / base if base > 0 else math.nan


def _average(values: "Tensor", weight: "Tensor | None") -> "Tensor":
    from mtlbench.evaluation.averages import weighted_average

    return weighted_average(values, weight)


def _s_loss(scored: "Scored") -> float:
    from mtlbench.evaluation.averages import mean_of_means

    assert scored.session is not None
    return mean_of_means(scored.losses, scored.session, scored.weight)


RMSE = Metric(
    key="rmse",
    label="RMSE",
    direction="lower",
    explanation="the root of the mean squared error, in the label's unit",
    undefined="without rows",
    range=NOT_NEGATIVE,
    compute=lambda scored: rmse(scored.predictions, scored.labels, scored.weight),
    digits=5,
    in_unit=True,
)
MAE = Metric(
    key="mae",
    label="MAE",
    direction="lower",
    explanation="the mean absolute error, in the label's unit",
    undefined="without rows",
    range=NOT_NEGATIVE,
    compute=lambda scored: mae(scored.predictions, scored.labels, scored.weight),
    digits=5,
    in_unit=True,
)
R2 = Metric(
    key="r2",
    label="R2",
    direction="higher",
    explanation="the share of the label's variance that is explained; 0 is the mean of the rows scored",
    undefined="when all labels are equal",
    range=(-math.inf, 1.0),
    compute=lambda scored: r2(scored.predictions, scored.labels, scored.weight),
)
LOSS = Metric(
    key="loss",
    label="Loss",
    direction="lower",
    explanation="the mean of the loss that the task is trained with, of the scaled label",
    undefined="without rows",
    range=NOT_NEGATIVE,
    compute=lambda scored: float(_average(scored.losses, scored.weight)),
)
S_LOSS = Metric(
    key="s_loss",
    label="s-Loss",
    direction="lower",
    explanation="the mean over sessions of the session's mean loss",
    undefined="without rows",
    range=NOT_NEGATIVE,
    compute=_s_loss,
    needs="session",
)
CALIBRATION = Metric(
    key="calibration",
    label="Calibration",
    direction="one",
    explanation="the mean prediction over the mean label; 1 is calibrated",
    undefined="when all labels are 0",
    range=NOT_NEGATIVE,
    compute=lambda scored: mean_ratio(scored.predictions, scored.labels, scored.weight),
    tabulated=False,
)
