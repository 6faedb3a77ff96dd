"""The columns of a log become arrays in the order of its splits, one at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.api import BagField, Field, Log, Task, VectorField
from mtlbench.api.spilled import ids_of
from mtlbench.data.arrays import Arrays
from mtlbench.data.encoding import encode_bags, encode_bins, encode_ids, encode_vectors, standardise
from mtlbench.data.labels import Labels, clip_labels, labels_of
from mtlbench.data.sessions import index_sessions, no_sessions, owned_sessions
from mtlbench.data.validation import check_ids, check_scores
from mtlbench.data.weights import check_weights, weights_of


class Encoder:
    """Puts the columns of a checked log into arrays.

    Args:
        log: what was logged.
        order: its rows in the order of the splits.
        parts: the splits as ranges of ``order``.
        arrays: takes what is encoded.
        dataset: its name, for messages.
    """

    def __init__(
        self, log: Log, order: NDArray[np.int64], parts: Mapping[str, slice], arrays: Arrays, dataset: str
    ) -> None:
        self._log, self._order, self._parts, self._arrays = log, order, parts, arrays
        self._train = parts["train"].stop
        self._dataset = dataset
        self._uncounted: NDArray[np.bool_] | None = None

    def weights(self) -> None:
        """Sample weights (N,), where the log has them; comes before the labels, which rows of weight 0 lack."""
        weight = weights_of(self._log, self._order)
        if weight is not None:
            check_weights(self._log, weight, self._parts, self._dataset)
            self._arrays.put("weight", weight)
            self._uncounted = weight == 0

    def labels(self) -> dict[str, float]:
        """Labels (N, K), NaN where one is missing, or its task is of other rows alone; where they are cut, as facts."""
        log, limits = self._log, {}
        tasks = {task.name: task for task in log.described_tasks}

        def columns() -> Iterator[Labels]:
            for name, task in tasks.items():
                column = self._label(task)
                if task.within and task.after is not None:
                    column = np.where(self._label(tasks[task.after]) == 1, column, np.float32(np.nan))
                if self._uncounted is not None:
                    column[self._uncounted] = np.nan
                limits[name] = clip_labels(column, self._train, log.clipped.get(name))
                yield column
                del column

        self._arrays.put_columns("labels", columns(), len(tasks), np.float32)
        return {f"clipped_at.{name}": limit for name in log.clipped if (limit := limits[name]) is not None}

    def inputs(self) -> tuple[Field, ...]:
        """Single ids (N, F), the bins of numbers among them, and numbers (N, D); gives the fields of the former."""
        log, fields = self._log, []

        def indices() -> Iterator[NDArray[np.int32]]:
            for name in log.categorical:
                found, cardinality = encode_ids(self._ids(name), self._train, log.min_count)
                fields.append(Field(name, cardinality))
                yield found
                del found
            for name, bins in log.binned.items():
                found, cardinality = encode_bins(self._numbers(name), self._train, bins)
                fields.append(Field(name, cardinality))
                yield found
                del found

        def scores() -> Iterator[NDArray[np.float32]]:
            for name in log.numerical:
                found = standardise(self._numbers(name), self._train)
                check_scores(log, name, found, self._order, self._dataset)
                yield found
                del found

        self._arrays.put_columns("categorical", indices(), len(log.categorical) + len(log.binned), np.int32)
        self._arrays.put_columns("numerical", scores(), len(log.numerical), np.float32)
        return tuple(fields)

    def vectors(self) -> tuple[VectorField, ...]:
        """One array (N, width) for each column of vectors."""
        fields = []
        for number, name in enumerate(self._log.vectors):
            found = encode_vectors(self._column(name), self._train)
            check_scores(self._log, name, found, self._order, self._dataset)
            self._arrays.put(f"vectors{number}", found)
            fields.append(VectorField(name, found.shape[1]))
        return tuple(fields)

    def bags(self) -> tuple[BagField, ...]:
        """Ids (N, L) and lengths (N,) of each bag."""
        log, fields = self._log, []
        for number, bag in enumerate(log.described_bags):
            vocabulary = None if bag.of is None else self._column(bag.of)
            column = self._column(bag.name)
            ids, lengths, cardinality = encode_bags(column, bag.length, self._train, log.min_count, vocabulary)
            check_ids(log, bag, ids, lengths, self._dataset)
            self._arrays.put(f"bag{number}.ids", ids)
            self._arrays.put(f"bag{number}.lengths", lengths)
            fields.append(BagField(bag.name, cardinality, bag.length, bag.pooling, bag.of))
        return tuple(fields)

    def optimum(self) -> None:
        """True means (N, K), where the log has them."""
        names: Sequence[str] = self._log.optimum
        if names:
            columns = (self._column(name).to_numpy(np.float64) for name in names)
            self._arrays.put_columns("optimum", columns, len(names), np.float64)

    def events(self) -> tuple[bool, int]:
        """Times, users and the session index; gives whether there are sessions, and how many ids several users have."""
        log, shared = self._log, 0
        time = self._column(log.timestamp) if log.timestamp else np.arange(len(self._order))
        self._arrays.put("timestamp", np.array(time, dtype=np.int64))
        del time
        user = self._codes(log.user)
        self._arrays.put("user", user)
        session = self._codes(log.session) if log.session and log.timestamp else None
        if session is not None and log.user:
            session, shared = owned_sessions(session, user)
        del user
        for part, rows in self._parts.items():
            index = no_sessions(rows.stop - rows.start) if session is None else index_sessions(session[rows])
            for name, values in vars(index).items():
                self._arrays.put_part(part, name, values)
        return session is not None, shared

    def _column(self, name: str) -> "pd.Series[Any]":
        return self._log.frame[name].iloc[self._order]

    def _ids(self, name: str) -> "pd.Series[Any]":
        return ids_of(self._log.frame, name).iloc[self._order]

    def _numbers(self, name: str) -> NDArray[np.float64]:
        return self._column(name).to_numpy(np.float64, na_value=np.nan)

    def _label(self, task: Task) -> Labels:
        return labels_of(task, self._column(task.name))

    def _codes(self, name: str | None) -> NDArray[np.int64]:
        """Values numbered from 0 as they appear; row numbers where the log has no such column."""
        if name is None:
            return np.arange(len(self._order), dtype=np.int64)
        return pd.factorize(self._ids(name))[0].astype(np.int64, copy=False)
