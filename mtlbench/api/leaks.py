"""How well one input alone predicts a label: what is written down with the event or after it gives itself away so."""

import numpy as np
from numpy.typing import NDArray

BINS = 50
ROWS_PER_BIN = 10
"""At least, so that hardly a bin has no row in one half of a short log."""
PRIOR = 10
"""Rows' worth of the mean rate that a value's own rate starts from, so that rare values prove nothing."""
HALVES_SEED = 9_780_262


Counts = NDArray[np.int64]


def auc_alone(codes: NDArray[np.int64], label: NDArray[np.bool_]) -> float:
    """AUC for ``label`` of the rate that each code has in the other half of the rows; 0.5 where a half has one class.

    A rate is fitted, so a code that stands for 0 counts as much as one that stands for 1.

    Args:
        codes: value of the input in each row, as numbers from 0; those of :func:`binned` for a quantity.
        label: whether the label is 1.
    """
    half = np.random.default_rng(HALVES_SEED).random(len(codes)) < 0.5
    size = int(codes.max()) + 1 if len(codes) else 0
    sides = [_counts(codes[side], label[side], size) for side in (half, ~half)]
    return (_auc(*sides[0], *sides[1]) + _auc(*sides[1], *sides[0])) / 2


def _counts(codes: NDArray[np.int64], label: NDArray[np.bool_], size: int) -> tuple[Counts, Counts]:
    """Rows of each code, and those of them whose label is 1."""
    return np.bincount(codes, minlength=size), np.bincount(codes[label], minlength=size)


def _auc(rows: Counts, hits: Counts, fitted_rows: Counts, fitted_hits: Counts) -> float:
    """AUC on the rows of each code of the rates that ``fitted_rows`` of it have."""
    positives = int(hits.sum())
    negatives = int(rows.sum()) - positives
    if not positives or not negatives:
        return 0.5
    mean = fitted_hits.sum() / max(1, fitted_rows.sum())
    present = rows > 0
    rates = ((fitted_hits + PRIOR * mean) / (fitted_rows + PRIOR))[present]
    place = np.unique(rates, return_inverse=True)[1]
    at = np.bincount(place, weights=hits[present])
    misses = np.bincount(place, weights=(rows - hits)[present])
    below = np.cumsum(misses) - misses
    return float((at * (below + misses / 2)).sum() / (positives * negatives))


def binned(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers as codes: up to 50 quantiles, with codes of their own for frequent values and for a missing one (NaN)."""
    missing = np.isnan(values)
    known = np.sort(values[~missing])
    bins = max(1, min(BINS, len(known) // ROWS_PER_BIN))
    edges = np.unique(known[np.linspace(0, len(known) - 1, bins + 1).astype(np.int64)]) if len(known) else np.zeros(1)
    # A value that is an edge and not alone is frequent: a bin of its own.
    frequent = np.searchsorted(known, edges, "right") - np.searchsorted(known, edges) > 1
    place = np.searchsorted(edges, values)
    nearest = np.minimum(place, len(edges) - 1)
    of_its_own = (edges[nearest] == values) & frequent[nearest]
    codes: NDArray[np.int64] = np.where(missing, 2 * len(edges) + 1, 2 * place + of_its_own).astype(np.int64)
    return codes
