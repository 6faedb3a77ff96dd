"""Metrics of binary tasks. Those of :mod:`mtlbench.evaluation` are imported when they are computed: they need torch."""

import math
from typing import TYPE_CHECKING

from mtlbench.tasks.metrics.influence import pair_order_influence
from mtlbench.tasks.metrics.metric import NOT_NEGATIVE, SHARE, Metric

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.tasks.scored import Scored

ONE_CLASS = "when only one class is present"


def average_precision(scores: "Tensor", labels: "Tensor", weight: "Tensor | None" = None) -> float:
    """Precision at each positive row in the order of the scores, averaged: where positives are rare, more telling
    than AUC.

    Formula: ``sum_n (R_n - R_{n-1}) P_n`` with recall R_n and precision P_n over the rows that score at least the n-th
    highest of the different scores, as ``sklearn.metrics.average_precision_score``. No interpolation. A constant score
    has the base rate. Davis & Goadrich, "The Relationship Between Precision-Recall and ROC Curves", ICML 2006
    (https://doi.org/10.1145/1143844.1143874).

    Args:
        scores: (N,) any real dtype, higher means more likely.
        labels: (N,) 0 or 1.
        weight: (N,) sample weights, > 0, by which rows are counted; ``None``: all rows count the same.

    Returns:
        A value in (0, 1]; NaN without a positive row, or where a score is NaN.
    """
    if not labels.any() or scores.isnan().any():
        return math.nan
    ordered, order = scores.sort(descending=True)
    each = labels.new_ones(len(labels)).double() if weight is None else weight.double()[order]
    last = ordered.unique_consecutive(return_counts=True)[1].cumsum(0) - 1  # row of each different value
    rows = each.cumsum(0)[last]  # that score at least this value
    hits = (each * labels[order]).cumsum(0)[last]
    recalled = hits.diff(prepend=hits.new_zeros(1))
    return float((recalled * hits / rows).sum() / hits[-1])


def _auc(scored: "Scored") -> float:
    from mtlbench.evaluation import auc

    return auc(scored.logits, scored.labels, scored.weight)


def _logloss(scored: "Scored") -> float:
    from mtlbench.evaluation import logloss

    return logloss(scored.logits, scored.labels, scored.weight)


def _s_logloss(scored: "Scored") -> float:
    from mtlbench.evaluation import s_logloss

    assert scored.session is not None
    return s_logloss(scored.logits, scored.labels, scored.session, scored.weight)


def _normalised_entropy(scored: "Scored") -> float:
    from mtlbench.evaluation import normalised_entropy

    return normalised_entropy(scored.logits, scored.labels, scored.weight)


AUC = Metric(
    key="auc",
    label="AUC",
    direction="higher",
    explanation="the share of pairs of a positive and a negative row that are in the right order; .5 is chance",
    chance_and_best=(0.5, 1.0),
    undefined=ONE_CLASS,
    range=SHARE,
    compute=_auc,
    influence=lambda scored: pair_order_influence(scored.logits, scored.labels, scored.weight),
)
LOGLOSS = Metric(
    key="logloss",
    label="Logloss",
    direction="lower",
    explanation="the mean binary cross-entropy, in nats",
    undefined="without rows",
    range=NOT_NEGATIVE,
    compute=_logloss,
)
S_LOGLOSS = Metric(
    key="s_logloss",
    label="s-Logloss",
    direction="lower",
    explanation="the mean over sessions of the session's logloss",
    undefined="without rows",
    range=NOT_NEGATIVE,
    compute=_s_logloss,
    needs="session",
)
GAUC = Metric(
    key="gauc",
    label="GAUC",
    direction="higher",
    explanation="AUC inside each user that has both classes, averaged with the user's rows as weights",
    undefined="when no user has both classes",
    range=SHARE,
    compute=lambda scored: scored.grouped_auc[0],
    needs="user",
    tabulated=False,
)
GAUC_COVERAGE = Metric(
    key="gauc_coverage",
    label="GAUC coverage",
    direction="neither",
    explanation="the share of the rows that belong to users with both classes",
    undefined="without rows",
    range=SHARE,
    compute=lambda scored: scored.grouped_auc[1],
    needs="user",
    tabulated=False,
)
NORMALISED_ENTROPY = Metric(
    key="normalised_entropy",
    label="NE",
    direction="lower",
    explanation="logloss over that of the base rate; 1 is chance",
    undefined=ONE_CLASS,
    range=NOT_NEGATIVE,
    compute=_normalised_entropy,
    tabulated=False,
)
AVERAGE_PRECISION = Metric(
    key="average_precision",
    label="AP",
    direction="higher",
    explanation="the mean precision at the positive rows, in the order of the scores; the base rate is chance",
    undefined="when no row is positive",
    range=SHARE,
    compute=lambda scored: average_precision(scored.logits, scored.labels, scored.weight),
    tabulated=False,
)
