"""From a log to encoded splits."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from mtlbench.api import Bag, BagField, DataError, Field, Log, Schema, Split, Splits, Splitting, Task, VectorField
from mtlbench.data.encoding import encode_bags, encode_bins, encode_ids, encode_vectors, standardise
from mtlbench.data.facts import facts_of
from mtlbench.data.hashes import sha256_of_json
from mtlbench.data.labels import clip_labels, labels_of
from mtlbench.data.sessions import index_sessions, no_sessions, owned_sessions
from mtlbench.data.splitting import divide
from mtlbench.data.suspicions import suspicions
from mtlbench.data.ties import settle
from mtlbench.data.validation import check_ids, check_log, check_scores, check_splits
from mtlbench.data.weights import check_weights, weights_of
from mtlbench.tasks.fitted import FittedTasks


def build(log: Log, dataset: str, fingerprint: str) -> Splits:
    """Validate, order, split and encode ``log``, the log of the dataset named ``dataset``.

    Raises:
        DataError: the log is malformed, or cannot be split fairly.
    """
    check_log(log, dataset)
    rows = len(log.frame)
    division = divide(log)
    parts = division.parts
    order, ties = settle(log, division)
    table = _Ordered(log, order, parts["train"].stop)
    tasks = log.described_tasks
    labels = table.labels(tasks)
    weight = weights_of(log, order)
    if weight is not None:
        check_weights(log, weight, parts, dataset)
        labels[weight == 0] = np.nan
    limits = clip_labels(labels, log, parts["train"])
    check_splits(log, order, labels, parts, dataset)
    categorical, fields, numerical = table.inputs()
    bags, bag_fields = table.bags()
    vectors = {name: encode_vectors(table.column(name), parts["train"].stop) for name in log.vectors}
    check_scores(log, numerical, vectors, order, dataset)
    check_ids(log, bags, dataset)
    optimum = table.stack(log.optimum) if log.optimum else None
    timestamp = np.array(table.column(log.timestamp), dtype=np.int64) if log.timestamp else np.arange(rows)
    user = table.codes(log.user)
    has_sessions = bool(log.session and log.timestamp)
    session, shared = table.codes(log.session) if has_sessions else None, 0
    if session is not None and log.user:
        session, shared = owned_sessions(session, user)

    def split(part: slice) -> Split:
        index = no_sessions(part.stop - part.start) if session is None else index_sessions(session[part])
        return Split(
            categorical=torch.from_numpy(categorical[part]),
            numerical=torch.from_numpy(numerical[part]),
            labels=torch.from_numpy(labels[part]),
            timestamp=torch.from_numpy(timestamp[part]),
            user=torch.from_numpy(user[part]),
            session=torch.from_numpy(index.session),
            position=torch.from_numpy(index.position),
            next_row=torch.from_numpy(index.next_row),
            done=torch.from_numpy(index.done),
            bags=tuple(Bag(torch.from_numpy(ids[part]), torch.from_numpy(lengths[part])) for ids, lengths in bags),
            vectors=tuple(torch.from_numpy(values[part]) for values in vectors.values()),
            optimum=None if optimum is None else torch.from_numpy(optimum[part]),
            weight=None if weight is None else torch.from_numpy(weight[part]),
        )

    schema = Schema(
        fields,
        tuple(log.numerical),
        tasks,
        has_sessions,
        users=log.user is not None,
        user_inputs=tuple(log.user_inputs),
        bags=bag_fields,
        vectors=tuple(VectorField(name, values.shape[1]) for name, values in vectors.items()),
    )
    named = {name: split(part) for name, part in parts.items()}
    drawn = not log.timestamp and "test" in division.counted
    found = suspicions(schema, named, drawn)
    settled = bool((order != division.order).any())
    splits = Splits(
        schema,
        named["train"],
        named["validation"],
        named["test"],
        fingerprint=_identity(
            fingerprint,
            ties=settled,
            sessions=shared,
            splitting=asdict(log.splitting) if log.splitting != Splitting() else None,
            binned=dict(log.binned),
            vectors={name: values.shape[1] for name, values in vectors.items()},
            weight={"column": log.weight} if log.weight else None,
            hashed_lists=(settled and (log.bags or log.vectors)) or (drawn and log.bags),
        ),
        facts={**facts_of(log, schema, named, shared, ties), **limits, **found.facts},
        warnings=(*log.warnings, *found.warnings),
    )
    _check_optimum(splits, dataset)
    return splits


def _identity(fingerprint: str, **rules: object) -> str:
    """The fingerprint, another one where a rule gave other tensors that is younger than the version of the encoding.

    A rule that is a choice among several is there with what was chosen.
    """
    applied = [[name, how] if isinstance(how, dict) else name for name, how in rules.items() if how]
    return sha256_of_json({"fingerprint": fingerprint, "rules": applied}) if applied else fingerprint


def _check_optimum(splits: Splits, dataset: str) -> None:
    """Refuse true means outside the range of their kind."""
    for split in splits.parts().values():
        if split.optimum is not None:
            try:
                FittedTasks.of(splits).logits(split.optimum)
            except DataError as error:
                raise DataError(f"dataset {dataset!r}: {error}") from None


class _Ordered:
    """The columns of a log in the order of its splits, taken one at a time to save memory."""

    def __init__(self, log: Log, order: NDArray[np.int64], train: int) -> None:
        self._log, self._order, self._train = log, order, train

    def column(self, name: str) -> "pd.Series[Any]":
        return self._log.frame[name].iloc[self._order]

    def numbers(self, name: str) -> NDArray[np.float64]:
        return self.column(name).to_numpy(np.float64, na_value=np.nan)

    def inputs(self) -> tuple[NDArray[np.int32], tuple[Field, ...], NDArray[np.float32]]:
        """Categorical (N, F) and its fields, numerical (N, D)."""
        log, rows = self._log, len(self._order)
        categorical = np.empty((rows, len(log.categorical) + len(log.binned)), dtype=np.int32)
        fields = []
        for place, name in enumerate(log.categorical):
            categorical[:, place], cardinality = encode_ids(self.column(name), self._train, log.min_count)
            fields.append(Field(name, cardinality))
        for place, (name, bins) in enumerate(log.binned.items(), start=len(log.categorical)):
            categorical[:, place], cardinality = encode_bins(self.numbers(name), self._train, bins)
            fields.append(Field(name, cardinality))
        numerical = np.empty((rows, len(log.numerical)), dtype=np.float32)
        for place, name in enumerate(log.numerical):
            numerical[:, place] = standardise(self.numbers(name), self._train)
        return categorical, tuple(fields), numerical

    def bags(self) -> tuple[list[tuple[NDArray[np.int32], NDArray[np.int32]]], tuple[BagField, ...]]:
        """Ids (N, L) and lengths (N,) of each bag, and its field."""
        arrays, fields = [], []
        for bag in self._log.described_bags:
            vocabulary = None if bag.of is None else self.column(bag.of)
            column = self.column(bag.name)
            ids, lengths, cardinality = encode_bags(column, bag.length, self._train, self._log.min_count, vocabulary)
            arrays.append((ids, lengths))
            fields.append(BagField(bag.name, cardinality, bag.length, bag.pooling, bag.of))
        return arrays, tuple(fields)

    def codes(self, name: str | None) -> NDArray[np.int64]:
        """Values numbered from 0 as they appear; row numbers where the log has no such column."""
        if name is None:
            return np.arange(len(self._order), dtype=np.int64)
        return pd.factorize(self.column(name))[0].astype(np.int64)

    def labels(self, tasks: Sequence[Task]) -> NDArray[np.float32]:
        """(N, K), NaN where a label is missing, or its task is of other rows alone."""
        named = {task.name: labels_of(task, self.column(task.name)) for task in tasks}
        columns = [
            np.where(named[task.after] == 1, named[task.name], np.float32(np.nan))
            if task.within and task.after is not None
            else named[task.name]
            for task in tasks
        ]
        return np.stack(columns, axis=1)

    def stack(self, names: Sequence[str]) -> NDArray[np.float64]:
        return np.stack([self.column(name).to_numpy(np.float64) for name in names], axis=1)
