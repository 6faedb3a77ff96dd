"""What a log must satisfy before it is split and encoded."""

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pandas import isna
from pandas.api import types

from mtlbench.api import DataError, Log, Pooling, Splitting, UsageError, did_you_mean
from mtlbench.api.splitting import PARTS
from mtlbench.data.encoding import flat
from mtlbench.data.labels import Labels, check_labels, kind_of
from mtlbench.data.splitting import how, remedy

MOST_IDS = 10_000
"""Of one bag. The encoded log has as many places for each row."""

BINS = range(2, 10_001)
"""How many bins a column may be cut into."""

MOST_TIMES = 1e15
"""How many times most numbers of a column the largest may be: a float has about as many digits."""


def check_log(log: Log, dataset: str) -> None:
    """Refuse a malformed log.

    Raises:
        DataError: naming the dataset, the column or the task, the value and the remedy.
    """
    try:
        _check_columns(log)
        check_labels(log)
        _check_inputs(log)
        _check_bags(log)
        _check_time_and_ids(log)
        _check_splitting(log)
        _check_optimum(log)
    except UsageError as error:
        raise DataError(f"{_subject(log, dataset)}: {error}") from None


def check_splits(log: Log, order: NDArray[np.int64], labels: Labels, parts: Mapping[str, slice], dataset: str) -> None:
    """Refuse splits on which a task cannot be learnt or scored.

    Raises:
        DataError: a split is empty, holds one value of a task or none, or is later than the next.
    """
    subject = _subject(log, dataset)
    if log.held_out and log.timestamp:
        time = log.frame[log.timestamp].to_numpy(np.int64)[order]
        test = parts["test"].start
        if 0 < test < len(time) and time[:test].max() > time[test]:
            raise DataError(
                f"{subject}: the published test part begins at timestamp {time[test]}, before the training part ends "
                f"({time[:test].max()}): the future would be trained on; leave {log.held_out!r} or the timestamp out"
            )
    for part, rows in parts.items():
        size = rows.stop - rows.start
        if size == 0:
            raise DataError(
                f"{subject}: the {part} split is empty: the log has {len(order)} rows, split {how(log)}; {remedy(log)}"
            )
        for place, task in enumerate(log.described_tasks):
            try:
                kind_of(task).check_split(labels[rows, place], task.name, part)
            except DataError as error:
                raise DataError(f"{subject}: {error}") from None


def check_scores(log: Log, numerical: NDArray[np.float32], order: NDArray[np.int64], dataset: str) -> None:
    """Refuse an input that no network can take, once it is scaled as the training rows are.

    Raises:
        DataError: a number is beyond the range of float32.
    """
    for place, name in enumerate(log.numerical):
        beyond = ~np.isfinite(numerical[:, place])
        if beyond.any():
            row = int(order[beyond.argmax()])
            value = _value(log, name, row)
            raise DataError(
                f"{_subject(log, dataset)}: numerical column {name!r} holds {value!r} in {log.place(row)}, which is "
                "beyond all bounds once scaled by mean and deviation of the training rows: correct it, cap it, or make "
                "it missing"
            )


def check_ids(log: Log, bags: Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]], dataset: str) -> None:
    """Refuse a bag of the ids of another input of which none is one.

    Raises:
        DataError: all encoded ids of a bag are unknown.
    """
    for bag, (ids, lengths) in zip(log.described_bags, bags, strict=True):
        if bag.of is not None and lengths.any() and not ids.any():
            raise DataError(
                f"{_subject(log, dataset)}: no id of the bags {bag.name!r} is one of {bag.of!r}: write both in the "
                "same way, or give the bags embeddings of their own"
            )


def _subject(log: Log, dataset: str) -> str:
    return f"dataset {dataset!r}" + (f" ({log.origin})" if log.origin else "")


def _check_columns(log: Log) -> None:
    if len(log.frame) == 0:
        raise DataError("the log is empty: it has no rows; check the raw files and the filters of the dataset")
    if not log.tasks:
        raise DataError("the log names no task: name at least one label column")
    if not (log.categorical or log.numerical or log.binned):
        raise DataError("the log names no input: name at least one categorical or numerical column, besides bags")
    if log.min_count < 1:
        raise DataError(f"min_count is {log.min_count}: expected 1 or more")
    inputs = [*log.categorical, *log.numerical, *log.binned, *(bag.name for bag in log.described_bags)]
    tasks, split = log.task_names, log.splitting.column
    named = [*tasks, *inputs, *log.optimum, *filter(None, (log.timestamp, log.session, log.user, log.held_out, split))]
    present = log.frame.columns
    for name in named:
        if (present == name).sum() != 1:
            found = "the log has no such column" if name not in present else "the log has several such columns"
            raise DataError(
                f"column {name!r}: {found}; its columns are {', '.join(map(str, present))}; correct the name"
            )
    for name, quantile in log.clipped.items():
        if name not in tasks or not 0 < quantile <= 1:
            raise DataError(
                f"the labels of {name!r} are to be cut at the quantile {quantile}: name a task, and a quantile above 0 "
                "and at most 1"
            )
    for name in log.user_inputs:
        if name not in inputs:
            raise DataError(f"column {name!r} is named as an input of the user, and is no input; correct the name")
    for name in [*inputs, *tasks]:
        if max(inputs.count(name), tasks.count(name)) > 1:
            raise DataError(f"column {name!r} is named twice; name it once")
        if name in inputs and (name in tasks or name in log.optimum):
            raise DataError(f"column {name!r} is an input and a label: that leaks the answer; take it from the inputs")
    if split in (*inputs, *tasks):
        raise DataError(f"column {split!r} says how the log is split, and is an input or a label: take it out there")


def _check_splitting(log: Log) -> None:
    if log.held_out and log.splitting != Splitting():
        raise DataError(f"column {log.held_out!r} holds out a test part and `splitting` says another split: keep one")
    has = [role for role in ("timestamp", "user") if getattr(log, role)]
    if reason := log.splitting.contradiction(has):
        raise DataError(reason)
    if name := log.splitting.column:
        named = log.frame[name].isin(PARTS).to_numpy(bool)
        _refuse(log, name, ~named, f"column {name!r} of splits", f"write {', '.join(PARTS)} there, or drop the row")


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
        scalar = column.map(lambda one: types.is_scalar(one) and not isna(one)).to_numpy(bool)
        _refuse(log, bag.name, scalar, f"bags {bag.name!r}", "give a list of ids in each row, or nothing")
        try:
            flat(column)
        except (pa.ArrowException, TypeError) as error:
            raise DataError(f"bags {bag.name!r} cannot be read: {error}; give ids of one type in all rows") from error


def _check_inputs(log: Log) -> None:
    for name, bins in log.binned.items():
        if bins not in BINS:
            raise DataError(f"column {name!r} is to be cut into {bins} bins: give {BINS[0]} to {BINS[-1]}")
    for name in (*log.numerical, *log.binned):
        column = log.frame[name]
        if not types.is_numeric_dtype(column) or types.is_complex_dtype(column):
            raise DataError(
                f"numerical column {name!r} is not numeric: it holds {column.iloc[0]!r} ({column.dtype}); convert it, "
                "or name it as categorical"
            )
        values = column.to_numpy(np.float64, na_value=np.nan)
        remedy = "make it missing, or a finite number"
        _refuse(log, name, np.isinf(values), f"numerical column {name!r}", remedy)
        if name not in log.binned:
            _check_size(log, name, np.abs(values))


def _check_size(log: Log, name: str, sizes: NDArray[np.float64]) -> None:
    """Refuse a number beside which most others vanish: scaled together with it they would all be the same."""
    largest = float(np.nanmax(sizes, initial=0.0))
    small = (sizes > 0) & (sizes < largest / MOST_TIMES)
    if small.sum() > (sizes > 0).sum() / 2:
        what = f"numerical column {name!r}"
        remedy = f"most of its numbers are over {MOST_TIMES:.0e} times smaller: correct it, or make it missing"
        _refuse(log, name, sizes >= largest / MOST_TIMES, what, remedy)


def _check_time_and_ids(log: Log) -> None:
    if log.timestamp:
        column = log.frame[log.timestamp]
        if not types.is_integer_dtype(column):
            raise DataError(
                f"timestamp {log.timestamp!r} is not an integer: it holds {column.iloc[0]!r} ({column.dtype}); give "
                "milliseconds since the epoch as int64"
            )
        _refuse(log, log.timestamp, column.isna().to_numpy(), f"timestamp {log.timestamp!r}", "drop these rows")
    if log.held_out and log.frame[log.held_out].dtype != bool:
        raise DataError(f"column {log.held_out!r} of held-out rows is {log.frame[log.held_out].dtype}; give booleans")
    for role, name in (("session", log.session), ("user", log.user)):
        if name:
            missing = log.frame[name].isna().to_numpy()
            _refuse(log, name, missing, f"{role} column {name!r}", "give every row an id, or drop the row")


def _check_optimum(log: Log) -> None:
    if log.optimum and len(log.optimum) != len(log.tasks):
        raise DataError(f"{len(log.optimum)} columns of true means for {len(log.tasks)} tasks: give one each")
    for name in log.optimum:
        values = log.frame[name].to_numpy(np.float64, na_value=np.nan)
        _refuse(log, name, ~np.isfinite(values), f"true mean {name!r}", "give a finite number")


def _refuse(log: Log, column: str, bad: NDArray[np.bool_], what: str, remedy: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        value = _value(log, column, row)
        raise DataError(f"{what} holds {value!r} in {log.place(row)} (and {bad.sum() - 1} more rows); {remedy}")


def _value(log: Log, column: str, row: int) -> object:
    """What the log holds there, as Python shows it."""
    value = log.frame[column].iloc[row]
    return value.item() if isinstance(value, np.generic) else value
