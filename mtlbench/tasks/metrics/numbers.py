"""Metrics of how far predictions lie from labels, and of the loss that training descends."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.tasks.metrics.arrays import array, float64
from mtlbench.tasks.metrics.metric import Metric

if TYPE_CHECKING:
    from mtlbench.tasks.scored import Scored


def rmse(predictions: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Root of the mean squared error, ``sqrt(mean((p - y)^2))``, in the label's unit; >= 0, NaN without rows."""
    return math.sqrt(((predictions - labels) ** 2).mean()) if len(labels) else math.nan


def mae(predictions: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Mean absolute error, ``mean(|p - y|)``, in the label's unit; >= 0, NaN without rows."""
    return float(np.abs(predictions - labels).mean()) if len(labels) else math.nan


def r2(predictions: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Share of the labels' variance that is explained, ``1 - sum((y - p)^2) / sum((y - mean(y))^2)``.

    The mean is that of the rows scored: as a prediction it has 0, and what is worse than it has less. At most 1; NaN
    where all labels are equal.
    """
    if len(labels) == 0 or labels.min() == labels.max():
        return math.nan
    return float(1 - ((labels - predictions) ** 2).sum() / ((labels - labels.mean()) ** 2).sum())


def mean_ratio(predictions: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Calibration in the large, ``mean(p) / mean(y)``: 1 is calibrated; NaN where all labels are 0."""
    base = labels.mean() if len(labels) else 0.0
    return float(predictions.mean() / base) if base > 0 else math.nan


def session_mean(losses: NDArray[np.float64], session: NDArray[Any]) -> float:
    """Mean over sessions of the session's mean loss, so that a long session counts as much as a short one.

    Args:
        losses: (N,).
        session: (N,) ids, in any order.
    """
    owner, rows = np.unique(session, return_inverse=True, return_counts=True)[1:]
    return float((np.bincount(owner, weights=losses) / rows).mean()) if len(losses) else math.nan


def _s_loss(scored: "Scored") -> float:
    assert scored.session is not None
    return session_mean(float64(scored.losses), array(scored.session))


RMSE = Metric(
    key="rmse",
    label="RMSE",
    direction="lower",
    explanation="the root of the mean squared error, in the label's unit",
    undefined="without rows",
    compute=lambda scored: rmse(float64(scored.predictions), float64(scored.labels)),
    digits=5,
    in_unit=True,
)
MAE = Metric(
    key="mae",
    label="MAE",
    direction="lower",
    explanation="the mean absolute error, in the label's unit",
    undefined="without rows",
    compute=lambda scored: mae(float64(scored.predictions), float64(scored.labels)),
    digits=5,
    in_unit=True,
)
R2 = Metric(
    key="r2",
    label="R2",
    direction="higher",
    explanation="the share of the label's variance that is explained; 0 is the mean of the rows scored",
    undefined="when all labels are equal",
    compute=lambda scored: r2(float64(scored.predictions), float64(scored.labels)),
)
LOSS = Metric(
    key="loss",
    label="Loss",
    direction="lower",
    explanation="the mean of the loss that the task is trained with, of the scaled label",
    undefined="without rows",
    compute=lambda scored: float(scored.losses.mean()),
)
S_LOSS = Metric(
    key="s_loss",
    label="s-Loss",
    direction="lower",
    explanation="the mean over sessions of the session's mean loss",
    undefined="without rows",
    compute=_s_loss,
    needs="session",
)
CALIBRATION = Metric(
    key="calibration",
    label="Calibration",
    direction="one",
    explanation="the mean prediction over the mean label; 1 is calibrated",
    undefined="when all labels are 0",
    compute=lambda scored: mean_ratio(float64(scored.predictions), float64(scored.labels)),
    tabulated=False,
)
