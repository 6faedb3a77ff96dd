"""Binary labels: what did or did not happen."""

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mtlbench.tasks.kind import Scaling, TaskKind, mean_of
from mtlbench.tasks.metrics.metric import Metric
from mtlbench.tasks.metrics.numbers import CALIBRATION
from mtlbench.tasks.metrics.probabilities import (
    AUC,
    AVERAGE_PRECISION,
    GAUC,
    GAUC_COVERAGE,
    LOGLOSS,
    NORMALISED_ENTROPY,
    S_LOGLOSS,
)

SMALLEST = torch.finfo(torch.float64).tiny
LARGEST = 1 - torch.finfo(torch.float64).eps / 2


class Binary(TaskKind):
    """A label of 0 or 1, such as a click: the logit z predicts the probability ``sigmoid(z)`` of a 1.

    Loss: binary cross-entropy, ``-y log sigmoid(z) - (1 - y) log(1 - sigmoid(z))``, never negative, computed from the
    logit without forming the probability. Labels are not scaled. Prediction: ``sigmoid(z)``.
    """

    name = "binary"
    metrics: ClassVar[tuple[Metric, ...]] = (
        AUC,
        LOGLOSS,
        S_LOGLOSS,
        GAUC,
        GAUC_COVERAGE,
        NORMALISED_ENTROPY,
        CALIBRATION,
        AVERAGE_PRECISION,
    )
    expected = "0 or 1"
    remedy = "map or drop these rows"

    def holds(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """0 and 1."""
        return np.isin(numbers, (0, 1))

    def targets(self, labels: Tensor, scaling: Scaling) -> Tensor:
        """The labels themselves."""
        return labels

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy in nats."""
        return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")

    def predictions(self, logits: Tensor, scaling: Scaling) -> Tensor:
        """Probabilities."""
        return logits.double().sigmoid()

    def logits(self, predictions: Tensor, scaling: Scaling) -> Tensor:
        """Log-odds. Probabilities of exactly 0 and 1 are moved by less than 2e-16, so that they are finite."""
        p = predictions.double()
        self._refuse(p, ~((p >= 0) & (p <= 1)), "probabilities lie outside [0, 1]")
        p = p.clamp(SMALLEST, LARGEST)
        return p.log() - torch.log1p(-p)

    def fit(self, labels: NDArray[np.float32], task: str, weight: NDArray[np.float32] | None = None) -> Scaling:
        """The base rate. Labels are not scaled, so all of one class are no obstacle here."""
        seen = ~np.isnan(labels)
        if not seen.any():
            return super().fit(labels, task)
        return self._fitted(labels[seen].astype(np.float64), None if weight is None else weight[seen])

    def _fitted(self, seen: NDArray[np.float64], weight: NDArray[np.float32] | None) -> Scaling:
        return Scaling(mean=mean_of(seen, weight))

    def _constant(self, seen: NDArray[np.float32], split: str) -> str:
        return f"has one class in the {split} split: {int(seen.sum())} of {seen.size} labels are 1"
