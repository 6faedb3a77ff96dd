"""Losses where some labels were not observed, NaN in the labels, and where rows have sample weights.

An unobserved label is replaced before the loss is computed, never multiplied away: 0 times NaN is NaN. The mean of a
task is over its observed rows. The alternative divides by all rows times the task's share of observed training rows;
it is unbiased for the mean over the log, and gives a rare task's few rows in a batch that much more noise.

A sample weight says how often a row counts: whole weights give the means of the rows repeated so often, and only the
ratios of the weights of a batch matter.

All is done without looking at values, so nothing waits for a GPU. A task whose rows are all observed, with weights of
one or none, has a factor of exactly 1, and gets the bits of the plain mean.
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


def counted(observed: Tensor | None, sample_weights: Tensor | None, losses: Tensor) -> Tensor:
    """How much each of ``losses`` (B, K) counts, (B, K): its row's weight, 1 without, and 0 where not ``observed``."""
    rows = torch.ones_like(losses) if observed is None else observed.to(losses.dtype)
    return rows if sample_weights is None else rows * sample_weights[:, None].to(losses.dtype)


def masked_mean(losses: Tensor, observed: Tensor | None, sample_weights: Tensor | None = None) -> Tensor:
    """Mean (K,) of ``losses`` (B, K) over the rows where ``observed`` (B, K); 0, with zero gradient, where none is.

    Formula: ``L_k = sum_i w_i m_ik l_ik / sum_i w_i m_ik`` with ``sample_weights`` w (B,), ones where ``None``. With
    all observed, and without weights, it is ``losses.mean(0)`` bit for bit.
    """
    if observed is None and sample_weights is None:
        return losses.mean(0)
    shares, factor = _shares(losses, observed, sample_weights)
    return shares.mean(0) * factor


def weighted_mean(
    losses: Tensor, weights: Tensor, observed: Tensor | None, sample_weights: Tensor | None = None
) -> Tensor:
    """What a training step descends: ``(1/K) sum_k`` of the mean of ``v_ik l_ik`` over the observed rows of task k.

    Args:
        losses: (B, K).
        weights: v, (K,) per task or (B, K) per sample and task, finite.
        observed: (B, K) bool; ``None`` where all are.
        sample_weights: (B,), by which the mean is taken as in :func:`masked_mean`; ``None`` where rows count the same.

    Returns:
        A scalar; with all observed and no sample weights ``(weights * losses).mean()`` bit for bit.
    """
    if observed is None and sample_weights is None:
        return (weights * losses).mean()
    shares, factor = _shares(losses, observed, sample_weights)
    return (weights * shares * factor).mean()


def _shares(losses: Tensor, observed: Tensor | None, sample_weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """``w_i m_ik l_ik`` (B, K), and (K,) what turns its mean over all rows into one over what counts."""
    kept = masked(losses, observed)
    if sample_weights is None:
        assert observed is not None
        total = observed.sum(0).to(losses.dtype)
    else:
        kept = kept * sample_weights[:, None].to(losses.dtype)
        total = counted(observed, sample_weights, losses).sum(0)
    # Two tensors, because torch divides a plain number by multiplying with the reciprocal: 61 / 61 is then not 1.
    return kept, torch.full_like(total, len(losses)) / torch.where(total > 0, total, 1.0)
