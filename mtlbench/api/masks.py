"""Losses where some labels were not observed: NaN in the labels.

An unobserved label is replaced before the loss is computed, never multiplied away: 0 times NaN is NaN. The mean of a
task is over its observed rows. The alternative divides by all rows times the task's share of observed training rows;
it is unbiased for the mean over the log, and gives a rare task's few rows in a batch that much more noise.

All is done without looking at values, so nothing waits for a GPU. A task whose rows are all observed has a factor of
exactly 1, and gets the bits of the plain mean.
"""

import torch
from torch import Tensor


def observed_in(labels: Tensor) -> Tensor | None:
    """Which of ``labels`` (N, K) are observed, (N, K) bool; ``None`` where all are, which costs nothing later."""
    missing = labels.isnan()
    return ~missing if missing.any() else None


def masked(losses: Tensor, observed: Tensor | None) -> Tensor:
    """``losses`` (B, K), with 0 and no gradient where ``observed`` (B, K) is false."""
    return losses if observed is None else torch.where(observed, losses, 0.0)


def masked_mean(losses: Tensor, observed: Tensor | None) -> Tensor:
    """Mean (K,) of ``losses`` (B, K) over the rows where ``observed`` (B, K); 0, with zero gradient, where none is.

    Formula: ``L_k = sum_i m_ik l_ik / sum_i m_ik``. With all observed it is ``losses.mean(0)`` bit for bit.
    """
    if observed is None:
        return losses.mean(0)
    return masked(losses, observed).mean(0) * _rows_per_observed(observed, losses)


def weighted_mean(losses: Tensor, weights: Tensor, observed: Tensor | None) -> Tensor:
    """What a training step descends: ``(1/K) sum_k`` of the mean of ``w_ik l_ik`` over the observed rows of task k.

    Args:
        losses: (B, K).
        weights: (K,) per task or (B, K) per sample and task, finite.
        observed: (B, K) bool; ``None`` where all are.

    Returns:
        A scalar; with all observed ``(weights * losses).mean()`` bit for bit.
    """
    if observed is None:
        return (weights * losses).mean()
    return (weights * masked(losses, observed) * _rows_per_observed(observed, losses)).mean()


def _rows_per_observed(observed: Tensor, losses: Tensor) -> Tensor:
    """(K,) what turns a mean over all rows into one over the observed rows; exactly 1 where all are."""
    seen = observed.sum(0).clamp(min=1).to(losses.dtype)
    # A tensor, because torch divides a plain number by multiplying with the reciprocal: 61 / 61 is then not 1.
    return torch.full_like(seen, len(observed)) / seen
