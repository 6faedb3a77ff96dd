"""Which rows are for training, validation and test."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TRAIN, VALIDATION = 0.6, 0.8
"""Shares of the rows at which the training and the validation split end: 6:2:2."""

RANDOM_SPLIT_SEED = 20230430
"""Seed of the split of a log without timestamps: the same for every cell."""


def order_of(timestamp: "pd.Series[int] | None", rows: int) -> NDArray[np.int64]:
    """Row numbers in the order of the splits: by time, ties as in the file; seeded random without a timestamp."""
    if timestamp is None:
        return np.random.default_rng(RANDOM_SPLIT_SEED).permutation(rows).astype(np.int64)
    return np.argsort(timestamp.to_numpy(dtype=np.int64), kind="stable").astype(np.int64)


def boundaries(rows: int) -> dict[str, slice]:
    """The three splits as ranges of the ordered rows; by time, no row of one is later than a row of the next."""
    # In integers: 0.6 * 5 and the like round down in floating point on some sizes.
    train, validation = rows * round(TRAIN * 10) // 10, rows * round(VALIDATION * 10) // 10
    return {
        "train": slice(0, train),
        "validation": slice(train, validation),
        "test": slice(validation, rows),
    }
