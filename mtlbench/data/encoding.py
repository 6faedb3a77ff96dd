"""Ids to indices and numbers to z-scores, both fitted on the training rows alone."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def encode_ids(column: "pd.Series[Any]", train: int, min_count: int) -> tuple[NDArray[np.int32], int]:
    """Index of each value, and the number of indices.

    Index 0 is the unknown id: values that the first ``train`` rows hold fewer than ``min_count`` times, or never.
    The others are numbered from 1 as they first appear. A missing value is a value like any other.
    """
    codes = pd.factorize(column, use_na_sentinel=False)[0]
    kept = np.bincount(codes[:train], minlength=codes.max() + 1) >= min_count
    index = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return index[codes], int(kept.sum()) + 1


def standardise(values: NDArray[np.float64], train: int) -> NDArray[np.float32]:
    """z-scores under mean and standard deviation of the first ``train`` rows.

    A missing value becomes the mean, 0. A column that is constant over the training rows tells nothing: all zeros. A
    score beyond the range of float32 is infinite.
    """
    seen = values[:train]
    seen = seen[~np.isnan(seen)]
    if seen.size == 0 or seen.min() == seen.max():
        return np.zeros(len(values), dtype=np.float32)
    largest = np.abs(seen).max()  # the squares of very large or small numbers leave the range of a float
    with np.errstate(over="ignore"):
        centred = values / largest - (seen / largest).mean()
        scores: NDArray[np.float32] = (centred / (seen / largest).std()).astype(np.float32)
    scores[np.isnan(values)] = 0.0
    return scores
