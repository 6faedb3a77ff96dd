"""Metrics of order: how often a positive row scores above a negative one."""

import math

import torch
from torch import Tensor


def auc(scores: Tensor, labels: Tensor) -> float:
    """Area under the ROC curve of one task: the share of (positive, negative) pairs in the right order.

    Formula: ``(concordant + ties / 2) / (positives * negatives)``. Pairs are counted in integers, so the value is exact
    to float64 and the same on every device. Pass logits rather than probabilities: a float32 sigmoid makes ties.

    Args:
        scores: (N,) any real dtype, higher means more likely.
        labels: (N,) 0 or 1.

    Returns:
        A value in [0, 1]; NaN when only one class is present or a score is NaN.
    """
    positive = labels.bool()
    if scores.isnan().any():
        return math.nan
    wanted, unwanted = scores[positive], scores[~positive].sort().values
    pairs = len(wanted) * len(unwanted)
    if pairs == 0:
        return math.nan
    return int(_half_wins(wanted.sort().values, unwanted).sum()) / (2 * pairs)


def gauc(scores: Tensor, labels: Tensor, user: Tensor) -> tuple[float, float]:
    """AUC inside each user, averaged over the users that have both classes, weighted by their rows.

    Zhu et al., "Optimized Cost per Click in Taobao Display Advertising", KDD 2017 (https://arxiv.org/abs/1703.02091).
    Formula: ``sum_u n_u AUC_u / sum_u n_u``.

    Args:
        scores: (N,) any real dtype, higher means more likely.
        labels: (N,) 0 or 1.
        user: (N,) integer ids, in any order.

    Returns:
        The value (NaN when no user has both classes, or a score is NaN) and its coverage, the share of the rows that
        belong to users with both classes.
    """
    if len(scores) == 0 or scores.isnan().any():
        return math.nan, math.nan
    positive = labels.bool()
    rank = torch.unique(scores, return_inverse=True)[1]
    owner, rows = torch.unique(user, return_inverse=True, return_counts=True)[1:]
    users, ranks = len(rows), int(rank.max()) + 1
    key = owner * ranks + rank
    unwanted = key[~positive].sort().values
    owner_of_wanted = owner[positive]
    below = torch.searchsorted(unwanted, owner_of_wanted * ranks)
    half_wins = torch.zeros(users, dtype=torch.int64, device=key.device)
    half_wins.index_add_(0, owner_of_wanted, _half_wins(key[positive], unwanted) - 2 * below)
    positives = torch.bincount(owner_of_wanted, minlength=users)
    pairs = positives * (rows - positives)
    both = pairs > 0
    covered = int(rows[both].sum())
    if covered == 0:
        return math.nan, 0.0
    per_user = half_wins[both].double() / (2 * pairs[both]).double()
    return float((per_user * rows[both]).sum() / covered), covered / len(scores)


def _half_wins(wanted: Tensor, unwanted: Tensor) -> Tensor:
    """Twice the pairs that each of ``wanted`` wins against the ascending ``unwanted``, a tie being half a win."""
    return torch.searchsorted(unwanted, wanted) + torch.searchsorted(unwanted, wanted, right=True)
