"""How well one input alone predicts a label: what is written down with the event or after it gives itself away so."""

import numpy as np
from numpy.typing import NDArray

BINS = 50
PRIOR = 10
"""Rows' worth of the mean rate that a value's own rate starts from, so that rare values prove nothing."""
HALVES_SEED = 9_780_262


def auc_alone(codes: NDArray[np.int64], label: NDArray[np.bool_]) -> float:
    """AUC for ``label`` of the rate that each code has in the other half of the rows; 0.5 where a half has one class.

    A rate is fitted, so a code that stands for 0 counts as much as one that stands for 1.

    Args:
        codes: value of the input in each row, as numbers from 0; those of :func:`binned` for a quantity.
        label: whether the label is 1.
    """
    half = np.random.default_rng(HALVES_SEED).random(len(codes)) < 0.5
    size = int(codes.max()) + 1 if len(codes) else 0
    aucs = []
    for here in (half, ~half):
        counts = np.bincount(codes[~here], minlength=size)
        positives = np.bincount(codes[~here], weights=label[~here], minlength=size)
        mean = positives.sum() / max(1, counts.sum())
        aucs.append(_auc(((positives + PRIOR * mean) / (counts + PRIOR))[codes[here]], label[here]))
    return float(np.mean(aucs))


def binned(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers as codes: 50 quantiles, with codes of their own for frequent values and for a missing one (NaN)."""
    missing = np.isnan(values)
    edges = np.unique(np.quantile(values[~missing], np.linspace(0, 1, BINS + 1))) if not missing.all() else np.zeros(1)
    # A value that is an edge is frequent, or extreme: a bin of its own.
    place = np.searchsorted(edges, values)
    is_edge = edges[np.minimum(place, len(edges) - 1)] == values
    codes: NDArray[np.int64] = np.where(missing, 2 * len(edges) + 1, 2 * place + is_edge).astype(np.int64)
    return codes


def _auc(scores: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return 0.5
    place = np.unique(scores, return_inverse=True)[1]
    hits = np.bincount(place, weights=label)
    misses = np.bincount(place) - hits
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / (positives * negatives))
