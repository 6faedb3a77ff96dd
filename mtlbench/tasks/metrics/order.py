"""Metrics of order for labels that are numbers. They read logits, of which predictions are a rising function."""

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import kendalltau

from mtlbench.tasks.metrics.influence import pair_order_influence
from mtlbench.tasks.metrics.metric import SHARE, Metric

if TYPE_CHECKING:
    from torch import Tensor


def xauc(scores: "Tensor", labels: "Tensor", weight: "Tensor | None" = None) -> float:
    """AUC for labels that are numbers: of all pairs of rows with different labels, the share in the right order.

    Formula: ``(concordant + ties / 2) / pairs`` over the pairs with y_i != y_j, a tie being one of scores. So it is AUC
    for labels of 0 and 1, ``(D + 1) / 2`` of Somers' D of scores given labels, and 1 for perfect scores however many
    labels are equal. The name is of Zhan et al., "Deconfounding Duration Bias in Watch-time Prediction for Video
    Recommendation", KDD 2022 (https://arxiv.org/abs/2206.06003). Public implementations differ: they count pairs of
    equal labels too, or draw pairs at random. Pairs are counted here, all of them, in O(N log N).

    Args:
        scores: (N,) any real dtype, higher means more.
        labels: (N,) numbers.
        weight: (N,) sample weights, > 0: a pair counts as often as the product of its two
            (:func:`mtlbench.evaluation.ranking.pair_auc`, O(N log^2 N)). ``None``: all pairs count the same.

    Returns:
        A value in [0, 1], .5 for scores that are all equal; NaN where all labels are equal or a score is NaN.
    """
    rows = len(labels)
    pairs = rows * (rows - 1) // 2
    told_apart = pairs - _tied(labels)
    if told_apart == 0 or scores.isnan().any():
        return math.nan
    if weight is not None:
        from mtlbench.evaluation.ranking import pair_auc

        return pair_auc(scores, labels, weight)
    scored_apart = pairs - _tied(scores)
    if scored_apart == 0:
        return 0.5
    # scipy counts the pairs, and gives concordant - discordant over the root of these two: that is a whole number.
    tau = float(kendalltau(scores.cpu().numpy(), labels.cpu().numpy()).statistic)
    lead = round(tau * math.sqrt(scored_apart) * math.sqrt(told_apart))
    return (told_apart + lead) / (2 * told_apart)


def normalised_gini(scores: "Tensor", labels: "Tensor", weight: "Tensor | None" = None) -> float:
    """How much of the label's total the highest scores hold, over what the best order would: 1 is best, 0 is chance.

    Formula: ``G(y, s) / G(y, y)`` with ``G(y, s) = 2 sum_i (N - R_i + 1) y_i / (N sum y) - 1 - 1/N`` and R_i the rank
    of row i by s from the highest, ties at their mean rank. ``2 AUC - 1`` for labels of 0 and 1. Used for customer
    value by Wang et al., "A Deep Probabilistic Model for Customer Lifetime Value Prediction", 2019
    (https://arxiv.org/abs/1912.07753). Deviation from their code: the term 1/N and the mean ranks, without which the
    reversed order has not the negative value, and tied scores depend on the order of the rows.

    Args:
        scores: (N,) any real dtype, higher means more.
        labels: (N,) >= 0.
        weight: (N,) sample weights, > 0: ranks are those of the rows repeated so often. ``None``: of the rows.

    Returns:
        A value in [-1, 1]; NaN where all labels are equal or a score is NaN.
    """
    if len(labels) == 0 or labels.min() == labels.max() or scores.isnan().any():
        return math.nan
    return _lift(scores, labels, weight) / _lift(labels, labels, weight)


def _lift(scores: "Tensor", labels: "Tensor", weight: "Tensor | None") -> float:
    """G of the formula up to a factor that both orders share: the labels weighed by the rank from the lowest score."""
    each = np.ones(len(labels)) if weight is None else weight.double().cpu().numpy()
    place = np.unique(scores.cpu().numpy(), return_inverse=True)[1]
    tied = np.bincount(place, each)  # the weight of each different score
    centred = np.cumsum(tied) - (tied + tied.sum()) / 2
    return float(centred[place] @ (each * labels.double().cpu().numpy()))


def _tied(values: "Tensor") -> int:
    """Number of pairs of equal ``values``."""
    counts = values.unique(return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


XAUC = Metric(
    key="xauc",
    label="XAUC",
    direction="higher",
    explanation="the share of pairs of rows with different labels that are in the right order; .5 is chance",
    chance_and_best=(0.5, 1.0),
    undefined="when all labels are equal",
    range=SHARE,
    compute=lambda scored: xauc(scored.logits, scored.labels, scored.weight),
    influence=lambda scored: pair_order_influence(scored.logits, scored.labels, scored.weight),
)
NORMALISED_GINI = Metric(
    key="normalised_gini",
    label="Gini",
    direction="higher",
    explanation="the share of the label's total that the highest scores hold, over the best possible; 0 is chance",
    undefined="when all labels are equal",
    range=(-1.0, 1.0),
    compute=lambda scored: normalised_gini(scored.logits, scored.labels, scored.weight),
    tabulated=False,
)
