"""Columns that predict a label on their own, as columns do that are recorded after the event."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SUSPECT = 0.9
"""A column that reaches this AUC on its own is suspected to be recorded after the event."""
JUDGED_ON = 200_000
BINS = 50
HALVES_SEED = 9_780_262
PRIOR = 10
"""How many rows with the mean rate are added to each value, so that rare values prove nothing."""


def alone(column: "pd.Series[Any]", label: NDArray[np.bool_]) -> float:
    """AUC for ``label`` when each value of ``column`` is scored by its rate in the other half of the rows.

    Numbers are cut at 50 quantiles, with the most frequent number in a bin of its own. A missing value counts as a
    value. The AUC is 0.5 where a half has one class only.
    """
    label = label[:JUDGED_ON]
    codes = pd.factorize(_binned(column.iloc[:JUDGED_ON]), use_na_sentinel=False)[0]
    half = np.random.default_rng(HALVES_SEED).random(len(codes)) < 0.5
    scores = np.empty(len(codes))
    for here in (half, ~half):
        seen = codes[~here]
        counts = np.bincount(seen, minlength=codes.max() + 1)
        positives = np.bincount(seen, weights=label[~here], minlength=codes.max() + 1)
        mean = label[~here].mean() if seen.size else 0.0
        scores[here] = ((positives + PRIOR * mean) / (counts + PRIOR))[codes[here]]
    aucs = [_auc(scores[here], label[here]) for here in (half, ~half)]
    return float(np.mean(aucs))


def _binned(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if not pd.api.types.is_numeric_dtype(column) or column.nunique() <= BINS:
        return column
    usual = column == column.value_counts().index[0]
    bins = pd.qcut(column.mask(usual), BINS, labels=False, duplicates="drop")
    return bins.mask(usual, -1)


def _auc(scores: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return 0.5
    ranks = pd.Series(scores).rank().to_numpy()
    return float((ranks[label].sum() - positives * (positives + 1) / 2) / (positives * negatives))
