"""Ids to indices and numbers to z-scores, both fitted on the training rows alone."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
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


def flat(column: "pd.Series[Any]") -> tuple["pd.Series[Any]", NDArray[np.int64]]:
    """All ids of a column of bags, one after the other, and how many each row has; a missing bag is an empty one.

    Raises:
        pyarrow.ArrowException: a row holds something else than a list, or ids of several types.
        TypeError: a row holds a dictionary, or a list of lists.
    """
    array = pa.array(column, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_null(array.type):
        return pd.Series(dtype=object), np.zeros(len(column), dtype=np.int64)
    if not hasattr(array, "value_lengths") or pa.types.is_nested(array.type.value_type):
        raise TypeError(f"it is {array.type}, and no list of single values")
    lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return array.flatten().to_pandas(), lengths.astype(np.int64)


def encode_bags(
    column: "pd.Series[Any]", length: int, train: int, min_count: int, vocabulary: "pd.Series[Any] | None" = None
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Indices (N, ``length``) of the first ids of each bag, 0 after them; how many there are; the number of indices.

    ``vocabulary`` is the column of single ids whose indices to use. Without it, ids are numbered as
    :func:`encode_ids` does, by those of the first ``train`` bags.
    """
    ids, lengths = flat(column)
    row = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    kept = place < length
    index = np.zeros((len(lengths), length), dtype=np.int32)
    known, cardinality = np.empty(0, dtype=np.int32), 1
    if vocabulary is None and len(ids):
        known, cardinality = encode_ids(ids, int(lengths[:train].sum()), min_count)
    elif vocabulary is not None:
        of_field, cardinality = encode_ids(vocabulary, train, min_count)
        codes, uniques = pd.factorize(vocabulary, use_na_sentinel=False)
        of_code = np.zeros(len(uniques), dtype=np.int32)
        of_code[codes] = of_field
        found = pd.Index(uniques).get_indexer(pd.Index(ids))
        known = np.where(found >= 0, of_code[found], 0).astype(np.int32)
    index[row[kept], place[kept]] = known[kept]
    return index, np.minimum(lengths, length).astype(np.int32), cardinality


def encode_bins(values: NDArray[np.float64], train: int, bins: int) -> tuple[NDArray[np.int32], int]:
    """The bin of each number, and the number of indices.

    The edges are quantiles of the numbers of the first ``train`` rows, each a number that is there, so that no bin is
    empty: there are fewer than ``bins`` where a number is frequent. Bins are numbered from 1 in their order. A missing
    value has the index after them, and 0, the unknown id, where the training rows lack none.
    """
    seen = np.sort(values[:train][~np.isnan(values[:train])])
    edges = np.unique(seen[np.arange(bins) * len(seen) // bins]) if len(seen) else seen
    found = np.searchsorted(edges[1:], values, side="right").astype(np.int32) + np.int32(len(edges) > 0)
    missing_is_known = len(seen) < min(train, len(values))
    found[np.isnan(values)] = len(edges) + 1 if missing_is_known else 0
    return found, len(edges) + 1 + missing_is_known


def encode_vectors(column: "pd.Series[Any]", train: int) -> NDArray[np.float32]:
    """The vectors (N, width) of lists of equally many numbers, each number as :func:`standardise` has it."""
    numbers, lengths = flat(column)
    found = np.zeros((len(lengths), lengths.max(initial=0)), dtype=np.float32)
    parts = numbers.to_numpy(np.float64, na_value=np.nan).reshape(-1, found.shape[1] or 1)
    for place in range(found.shape[1]):
        values = np.full(len(lengths), np.nan)
        values[lengths > 0] = parts[:, place]
        found[:, place] = standardise(values, train)
    return found


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
    seen = seen / largest
    mean, deviation = seen.mean(), seen.std()
    del seen
    with np.errstate(over="ignore"):
        scores = values / largest
        scores -= mean
        scores /= deviation
        found = scores.astype(np.float32)
    found[np.isnan(values)] = 0.0
    return found
