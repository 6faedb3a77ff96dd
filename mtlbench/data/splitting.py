"""Which rows are for training, validation and test."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TRAIN, VALIDATION = 0.6, 0.8
"""Shares of the rows at which the training and the validation split end: 6:2:2."""

VALIDATION_OF_TRAIN = 0.25
"""Share of a published training part that becomes validation, its end."""

RANDOM_SPLIT_SEED = 20230430
"""Seed of the split of a log without timestamps: the same for every cell."""


def order_of(
    timestamp: "pd.Series[int] | None", rows: int, held_out: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Row numbers in the order of the splits: by time, ties as in the file; seeded random without a timestamp.

    Rows that are ``held_out`` come last.
    """
    if timestamp is None:
        order = np.random.default_rng(RANDOM_SPLIT_SEED).permutation(rows).astype(np.int64)
    else:
        order = np.argsort(timestamp.to_numpy(dtype=np.int64), kind="stable").astype(np.int64)
    return order if held_out is None else np.concatenate([order[~held_out[order]], order[held_out[order]]])


def boundaries(rows: int, held_out: int | None = None) -> dict[str, slice]:
    """The three splits as ranges of the ordered rows; by time, no row of one is later than a row of the next.

    Args:
        rows: number of rows.
        held_out: number of rows of a published test part; ``None`` where there is none.
    """
    # In integers: 0.6 * 5 and the like round down in floating point on some sizes.
    if held_out is None:
        train, validation = rows * round(TRAIN * 10) // 10, rows * round(VALIDATION * 10) // 10
    else:
        validation = rows - held_out
        train = validation - validation * round(VALIDATION_OF_TRAIN * 100) // 100
    return {
        "train": slice(0, train),
        "validation": slice(train, validation),
        "test": slice(validation, rows),
    }
