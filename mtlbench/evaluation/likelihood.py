"""Metrics of probability: how well logits fit the labels, and how well they are calibrated."""

import math

from torch import Tensor
from torch.nn import functional as F

from mtlbench.evaluation.averages import mean_of_means, weighted_average


def logloss(logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> float:
    """Mean binary cross-entropy of one task, in nats.

    Formula: ``mean(-log sigmoid((2y - 1) z))``, which never forms a probability and so never needs clipping.

    Args:
        logits: (N,) any float dtype; computed in float64.
        labels: (N,) 0 or 1.
        weight: (N,) sample weights, > 0; ``None``: all rows count the same.

    Returns:
        A value >= 0; NaN without rows.
    """
    return float(weighted_average(_losses(logits, labels), weight))


def s_logloss(logits: Tensor, labels: Tensor, session: Tensor, weight: Tensor | None = None) -> float:
    """Mean over sessions of the session's mean logloss, so that a long session counts as much as a short one.

    The session-wise metric of Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023
    (https://arxiv.org/abs/2302.03328).

    Args:
        logits: (N,) any float dtype; computed in float64.
        labels: (N,) 0 or 1.
        session: (N,) integer ids, in any order.
        weight: (N,) sample weights, > 0, by which the mean of a session is taken; ``None``: all rows count the same.

    Returns:
        A value >= 0; NaN without rows.
    """
    return mean_of_means(_losses(logits, labels), session, weight)


def normalised_entropy(logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> float:
    """Logloss over that of always predicting the base rate: 1 for the base rate, lower is better.

    He et al., "Practical Lessons from Predicting Clicks on Ads at Facebook", ADKDD 2014
    (https://doi.org/10.1145/2648584.2648589). Formula: ``logloss / H(mean(y))``; NaN when only one class is present.
    Both means are by ``weight`` (N,), where rows have one.
    """
    base = float(weighted_average(labels.double(), weight))
    if not 0 < base < 1:
        return math.nan
    return logloss(logits, labels, weight) / -(base * math.log(base) + (1 - base) * math.log1p(-base))


def calibration(logits: Tensor, labels: Tensor) -> float:
    """Mean predicted probability over the base rate, ``mean(p) / mean(y)``: 1 is calibrated; NaN without positives."""
    base = float(labels.double().mean())
    return float(logits.double().sigmoid().mean()) / base if base > 0 else math.nan


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    return -F.logsigmoid((2 * labels.double() - 1) * logits.double())
