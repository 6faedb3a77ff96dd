"""What the inputs of a log must satisfy: numbers, bags and vectors."""

from typing import get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pandas import ArrowDtype, isna
from pandas.api import types

from mtlbench.api import DataError, Log, Pooling, did_you_mean
from mtlbench.api.spilled import take
from mtlbench.data.encoding import flat

MOST_IDS = 10_000
"""Of one bag. The encoded log has as many places for each row."""

BINS = range(2, 10_001)
"""How many bins a column may be cut into."""

TO_VECTORS = (
    "a vector is a list of numbers: turn a text into one by a pretrained model (an embedding), write it as a list in a "
    "column of its own, and name that in `vectors`"
)
"""What to do with what is no vector."""

NOT_A_NUMBER = (
    "name it in `categorical` if it is an id, in `bags` if it holds several in a row, or turn a text into a vector by "
    "a pretrained model and name that in `vectors`"
)
"""What to do with a text in place of a number."""

LONGEST = 120
"""Characters of a value that a message shows."""

MOST_TIMES = 1e15
"""How many times most numbers of a column the largest may be: a float has about as many digits."""


def check_inputs(log: Log) -> None:
    """Refuse inputs that cannot be encoded.

    Raises:
        DataError: naming the column, the row, the value and the remedy.
    """
    _check_numbers(log)
    _check_bags(log)
    _check_vectors(log)


def _check_numbers(log: Log) -> None:
    for name, bins in log.binned.items():
        if not isinstance(bins, int | np.integer) or bins not in BINS:
            raise DataError(f"column {name!r} is to be cut into {bins} bins: give {BINS[0]} to {BINS[-1]}")
    for name in (*log.numerical, *log.binned):
        column = log.frame[name]
        if not types.is_numeric_dtype(column) or types.is_complex_dtype(column):
            raise DataError(
                f"numerical column {name!r} is not numeric: it holds {column.iloc[0]!r} ({column.dtype}); convert it, "
                f"or {NOT_A_NUMBER}"
            )
        values = column.to_numpy(np.float64, na_value=np.nan)
        remedy = "make it missing, or a finite number"
        refuse(log, name, np.isinf(values), f"numerical column {name!r}", remedy)
        if name not in log.binned:
            _check_size(log, name, f"numerical column {name!r}", np.abs(values))


def _check_size(log: Log, name: str, what: str, sizes: NDArray[np.float64]) -> None:
    """Refuse a number beside which most others vanish: scaled together with it they would all be the same."""
    largest = float(np.nanmax(sizes, initial=0.0))
    small = (sizes > 0) & (sizes < largest / MOST_TIMES)
    if small.sum() > (sizes > 0).sum() / 2:
        remedy = f"most of its numbers are over {MOST_TIMES:.0e} times smaller: correct it, or make it missing"
        refuse(log, name, sizes >= largest / MOST_TIMES, what, remedy)


def _check_bags(log: Log) -> None:
    for bag in log.described_bags:
        if not 1 <= bag.length <= MOST_IDS:
            raise DataError(f"bags {bag.name!r} of up to {bag.length} ids: give a length from 1 to {MOST_IDS}")
        if bag.of is not None and bag.of not in log.categorical:
            raise DataError(f"bags {bag.name!r} are of the ids of {bag.of!r}, which is no categorical input; name one")
        if bag.pooling not in get_args(Pooling):
            raise DataError(f"bags {bag.name!r}: unknown pooling {did_you_mean(bag.pooling, list(get_args(Pooling)))}")
        if bag.pooling == "attention" and bag.of is None:
            raise DataError(
                f"bags {bag.name!r}: attention compares their ids with the row's own; name its column by `of`, or "
                "take mean or sum"
            )
        column = log.frame[bag.name]
        _refuse_scalars(log, bag.name, f"bags {bag.name!r}", "give a list of ids in each row, or nothing")
        try:
            flat(column)
        except (pa.ArrowException, TypeError) as error:
            raise DataError(f"bags {bag.name!r} cannot be read: {error}; give ids of one type in all rows") from error


def _check_vectors(log: Log) -> None:
    for name in log.vectors:
        column, what = log.frame[name], f"column {name!r} of vectors"
        _refuse_scalars(log, name, what, TO_VECTORS)
        try:
            numbers, lengths = flat(column)
            values = numbers.to_numpy(np.float64, na_value=np.nan)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{what} cannot be read: {error}; give lists of numbers") from error
        width = lengths[lengths > 0][0] if lengths.any() else 0
        if width == 0:
            raise DataError(f"{what} holds no vector at all: take it out, or give lists of numbers")
        refuse(
            log,
            name,
            (lengths > 0) & (lengths != width),
            what,
            f"the first vector has {width} numbers: give all as many",
        )
        sizes = np.full((len(lengths), width), np.nan)
        sizes[lengths > 0] = np.abs(values).reshape(-1, width)
        refuse(
            log, name, np.asarray(np.isinf(sizes).any(axis=1)), what, "make its numbers finite, or leave the vector out"
        )
        for place in range(width):
            _check_size(log, name, what, sizes[:, place])


def _refuse_scalars(log: Log, name: str, what: str, remedy: str) -> None:
    """Refuse single values in a column of lists. A column whose type is that of lists has none."""
    column = log.frame[name]
    if not (isinstance(column.dtype, ArrowDtype) and pa.types.is_nested(column.dtype.pyarrow_dtype)):
        scalar = column.map(lambda one: types.is_scalar(one) and not isna(one)).to_numpy(bool)
        refuse(log, name, scalar, what, remedy)


def refuse(log: Log, column: str, bad: NDArray[np.bool_], what: str, remedy: str) -> None:
    """Refuse the rows that are ``bad``, if any; ``what`` is the subject of the sentence."""
    if bad.any():
        row = int(bad.argmax())
        held = repr(value_at(log, column, row))
        held = held if len(held) <= LONGEST else f"{held[:LONGEST]}..."
        raise DataError(f"{what} holds {held} in {log.place(row)} (and {bad.sum() - 1} more rows); {remedy}")


def value_at(log: Log, column: str, row: int) -> object:
    """What the log holds there, as Python shows it."""
    value = take(log.frame, column, np.array([row])).iloc[0]
    return value.item() if isinstance(value, np.generic) else value
