"""What a log must satisfy before it is split and encoded."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pandas.api import types

from mtlbench.api import BagColumn, DataError, Log, Splitting, UsageError
from mtlbench.api.spilled import ids_of
from mtlbench.api.splitting import PARTS
from mtlbench.data.checking_inputs import check_inputs, refuse, value_at
from mtlbench.data.labels import Labels, check_labels, kind_of
from mtlbench.data.splitting import how, remedy
from mtlbench.data.weights import check_weight


def check_log(log: Log, dataset: str) -> None:
    """Refuse a malformed log.

    Raises:
        DataError: naming the dataset, the column or the task, the value and the remedy.
    """
    try:
        _check_columns(log)
        check_labels(log)
        check_inputs(log)
        check_weight(log)
        _check_time_and_ids(log)
        _check_splitting(log)
        _check_optimum(log)
    except UsageError as error:
        raise DataError(f"{_subject(log, dataset)}: {error}") from None


def check_splits(log: Log, order: NDArray[np.int64], labels: Mapping[str, Labels], dataset: str) -> None:
    """Refuse splits on which a task cannot be learnt or scored, given the rows in ``order`` and labels by split.

    Raises:
        DataError: a split is empty, holds one value of a task or none, or is later than the next.
    """
    subject = _subject(log, dataset)
    if log.held_out and log.timestamp:
        time = log.frame[log.timestamp].to_numpy(np.int64)[order]
        test = len(order) - len(labels["test"])
        if 0 < test < len(time) and time[:test].max() > time[test]:
            raise DataError(
                f"{subject}: the published test part begins at timestamp {time[test]}, before the training part ends "
                f"({time[:test].max()}): the future would be trained on; leave {log.held_out!r} or the timestamp out"
            )
    for part, of_part in labels.items():
        if len(of_part) == 0:
            raise DataError(
                f"{subject}: the {part} split is empty: the log has {len(order)} rows, split {how(log)}; {remedy(log)}"
            )
        for place, task in enumerate(log.described_tasks):
            try:
                kind_of(task).check_split(of_part[:, place], task.name, part)
            except DataError as error:
                raise DataError(f"{subject}: {error}") from None


def check_scores(log: Log, name: str, scores: NDArray[np.float32], order: NDArray[np.int64], dataset: str) -> None:
    """Refuse an input that no network can take: ``scores`` (N, ...) are its numbers scaled as the training rows are.

    Raises:
        DataError: a number is beyond the range of float32.
    """
    beyond = ~np.isfinite(scores.reshape(len(order), -1)).all(axis=1)
    if beyond.any():
        row = int(order[beyond.argmax()])
        what = "vector" if name in log.vectors else "numerical"
        value = value_at(log, name, row)
        raise DataError(
            f"{_subject(log, dataset)}: {what} column {name!r} holds {value!r} in {log.place(row)}, which is beyond "
            "all bounds once scaled by mean and deviation of the training rows: correct it, cap it, or make it missing"
        )


def check_ids(log: Log, bag: BagColumn, ids: NDArray[np.int32], lengths: NDArray[np.int32], dataset: str) -> None:
    """Refuse a bag of the ids of another input of which none is one.

    Raises:
        DataError: all encoded ids of the bag are unknown.
    """
    if bag.of is not None and lengths.any() and not ids.any():
        raise DataError(
            f"{_subject(log, dataset)}: no id of the bags {bag.name!r} is one of {bag.of!r}: write both in the same "
            "way, or give the bags embeddings of their own"
        )


def _subject(log: Log, dataset: str) -> str:
    return f"dataset {dataset!r}" + (f" ({log.origin})" if log.origin else "")


def _check_columns(log: Log) -> None:
    if len(log.frame) == 0:
        raise DataError("the log is empty: it has no rows; check the raw files and the filters of the dataset")
    if not log.tasks:
        raise DataError("the log names no task: name at least one label column")
    if not (log.categorical or log.numerical or log.binned):
        raise DataError(
            "the log names no input: name at least one categorical or numerical column, besides bags and vectors"
        )
    if log.min_count < 1:
        raise DataError(f"min_count is {log.min_count}: expected 1 or more")
    inputs = [*log.categorical, *log.numerical, *log.binned, *(bag.name for bag in log.described_bags), *log.vectors]
    tasks, split = log.task_names, log.splitting.column
    roles = (log.timestamp, log.session, log.user, log.held_out, split, log.weight)
    named = [*tasks, *inputs, *log.optimum, *filter(None, roles)]
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
    if log.weight in (*inputs, *tasks, *log.optimum):
        raise DataError(f"column {log.weight!r} gives the weights, and is an input or a label: take it out there")


def _check_splitting(log: Log) -> None:
    if log.held_out and log.splitting != Splitting():
        raise DataError(f"column {log.held_out!r} holds out a test part and `splitting` says another split: keep one")
    has = [role for role in ("timestamp", "user") if getattr(log, role)]
    if reason := log.splitting.contradiction(has):
        raise DataError(reason)
    if name := log.splitting.column:
        named = log.frame[name].isin(PARTS).to_numpy(bool)
        refuse(log, name, ~named, f"column {name!r} of splits", f"write {', '.join(PARTS)} there, or drop the row")


def _check_time_and_ids(log: Log) -> None:
    if log.timestamp:
        column = log.frame[log.timestamp]
        if not types.is_integer_dtype(column):
            raise DataError(
                f"timestamp {log.timestamp!r} is not an integer: it holds {column.iloc[0]!r} ({column.dtype}); give "
                "milliseconds since the epoch as int64"
            )
        refuse(log, log.timestamp, column.isna().to_numpy(), f"timestamp {log.timestamp!r}", "drop these rows")
    if log.held_out and log.frame[log.held_out].dtype != bool:
        raise DataError(f"column {log.held_out!r} of held-out rows is {log.frame[log.held_out].dtype}; give booleans")
    for role, name in (("session", log.session), ("user", log.user)):
        if name:
            missing = ids_of(log.frame, name).isna().to_numpy()
            refuse(log, name, missing, f"{role} column {name!r}", "give every row an id, or drop the row")


def _check_optimum(log: Log) -> None:
    if log.optimum and len(log.optimum) != len(log.tasks):
        raise DataError(f"{len(log.optimum)} columns of true means for {len(log.tasks)} tasks: give one each")
    for name in log.optimum:
        values = log.frame[name].to_numpy(np.float64, na_value=np.nan)
        refuse(log, name, ~np.isfinite(values), f"true mean {name!r}", "give a finite number")
