"""Metrics of order: how often a positive row scores above a negative one.

Pairs are counted in integers. A pair of rows with sample weights counts as often as the product of the two says, so
that whole weights give the metric of the rows repeated so often. Weighted sums are in float64 and on the CPU, where
they are reproducible.
"""

import math

import torch
from torch import Tensor


def auc(scores: Tensor, labels: Tensor, weight: Tensor | None = None) -> float:
    """Area under the ROC curve of one task: the share of (positive, negative) pairs in the right order.

    Formula: ``(concordant + ties / 2) / (positives * negatives)``. Pairs are counted in integers, so the value is exact
    to float64 and the same on every device. Pass logits rather than probabilities: a float32 sigmoid makes ties.

    Args:
        scores: (N,) any real dtype, higher means more likely.
        labels: (N,) 0 or 1.
        weight: (N,) sample weights, > 0; ``None``: all rows count the same.

    Returns:
        A value in [0, 1]; NaN when only one class is present or a score is NaN.
    """
    positive = labels.bool()
    if scores.isnan().any():
        return math.nan
    pairs = int(positive.sum()) * int((~positive).sum())
    if pairs == 0:
        return math.nan
    if weight is not None:
        return pair_auc(scores, positive, weight)
    wanted, unwanted = scores[positive], scores[~positive].sort().values
    return int(_half_wins(wanted.sort().values, unwanted).sum()) / (2 * pairs)


def pair_auc(scores: Tensor, labels: Tensor, weight: Tensor) -> float:
    """Of all pairs of rows with different labels, the share in the right order, each by the product of its weights.

    Formula: ``sum w_i w_j (s_i > s_j) + w_i w_j (s_i = s_j) / 2`` over the pairs with y_i > y_j, divided by the sum of
    w_i w_j over them. Numbered from the least, two labels differ first in one binary digit: of each digit, the rows
    that have a 1 there are compared with those that have a 0 and the same digits before it, as positives with negatives
    of one user. So a pair is counted once, and all in O(N log N) for each digit.

    Args:
        scores: (N,) any real dtype, none NaN.
        labels: (N,) of any ordered dtype, not all equal.
        weight: (N,) > 0.
    """
    scores, labels, weight = scores.cpu(), labels.cpu(), weight.cpu().double()
    rank, place = scores.unique(return_inverse=True)[1], labels.unique(return_inverse=True)[1]
    won = pairs = torch.zeros((), dtype=torch.float64)
    for digit in range(int(place.max()).bit_length()):
        positive, owner = (place >> digit) % 2 == 1, place >> (digit + 1)
        won = won + (weight[positive] * _half_wins_inside(rank, positive, owner, weight)).sum()
        pairs = pairs + _sums(owner, weight * positive).dot(_sums(owner, weight * ~positive))
    return min(float(won / (2 * pairs)), 1.0)


def gauc(scores: Tensor, labels: Tensor, user: Tensor, weight: Tensor | None = None) -> tuple[float, float]:
    """AUC inside each user, averaged over the users that have both classes, weighted by their rows.

    Zhu et al., "Optimized Cost per Click in Taobao Display Advertising", KDD 2017 (https://arxiv.org/abs/1703.02091).
    Formula: ``sum_u n_u AUC_u / sum_u n_u``, where n_u counts the rows of a user, or sums their weights.

    Args:
        scores: (N,) any real dtype, higher means more likely.
        labels: (N,) 0 or 1.
        user: (N,) integer ids, in any order.
        weight: (N,) sample weights, > 0; ``None``: all rows count the same.

    Returns:
        The value (NaN when no user has both classes, or a score is NaN) and its coverage, the share of the rows that
        belong to users with both classes.
    """
    if len(scores) == 0 or scores.isnan().any():
        return math.nan, math.nan
    if weight is not None:
        scores, labels, user, weight = scores.cpu(), labels.cpu(), user.cpu(), weight.cpu().double()
    positive = labels.bool()
    rank, owner = (column.unique(return_inverse=True)[1] for column in (scores, user))
    each = torch.ones_like(owner) if weight is None else weight
    won = _half_wins_inside(rank, positive, owner, weight)
    half_wins = _sums(owner[positive], won if weight is None else weight[positive] * won, int(owner.max()) + 1)
    wanted, unwanted = (_sums(owner, each * side) for side in (positive, ~positive))
    pairs, rows = wanted * unwanted, wanted + unwanted
    both = pairs > 0
    if not both.any():
        return math.nan, 0.0
    covered, total = rows[both].sum().item(), rows.sum().item()
    per_user = half_wins[both].double() / (2 * pairs[both]).double()
    return float((per_user * rows[both]).sum() / covered), covered / total


def _half_wins_inside(rank: Tensor, positive: Tensor, owner: Tensor, weight: Tensor | None) -> Tensor:
    """:func:`_half_wins` of the ``positive`` rows by their ``rank`` against the other rows of the same ``owner``."""
    ranks = int(rank.max()) + 1
    key = owner * ranks + rank
    unwanted, order = key[~positive].sort()
    of_unwanted = None if weight is None else weight[~positive][order]
    others = _weight_below(unwanted, owner[positive] * ranks, of_unwanted)
    return _half_wins(key[positive], unwanted, of_unwanted) - 2 * others


def _half_wins(wanted: Tensor, unwanted: Tensor, weight: Tensor | None = None) -> Tensor:
    """Twice the pairs that each of ``wanted`` wins against the ascending ``unwanted``, a tie being half a win.

    With the ``weight`` of each of ``unwanted`` a pair counts as much as that.
    """
    return _weight_below(unwanted, wanted, weight) + _weight_below(unwanted, wanted, weight, right=True)


def _weight_below(ascending: Tensor, values: Tensor, weight: Tensor | None, right: bool = False) -> Tensor:
    """How many of ``ascending`` are less than each of ``values``, or at most it if ``right``; or their ``weight``."""
    place = torch.searchsorted(ascending, values, right=right)
    return place if weight is None else torch.cat([weight.new_zeros(1), weight.cumsum(0)])[place]


def _sums(group: Tensor, values: Tensor, groups: int | None = None) -> Tensor:
    """Sums of ``values`` by ``group``, numbered from 0."""
    return values.new_zeros(int(group.max()) + 1 if groups is None else groups).index_add(0, group, values)
