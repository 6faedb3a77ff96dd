"""The label-leak probe, second part: no input is made of what happens at or after the event."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from mtlbench.api import Log
from mtlbench.conformance.datasets.log import log_of
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import broken, rule
from mtlbench.data.sessions import owned_sessions
from mtlbench.data.splitting import divide, order_of

SAME = 0.999
"""Correlation above which two columns are taken for one."""

ROWS = 20_000
"""Rows that correlations are computed on, of larger logs."""

FEWEST_VALUES = 3

Vector = NDArray[np.float64]
Quantity = tuple[str, Vector, Vector | None]
"""Name, values over the whole log, and values over the training rows where that makes sense."""


@rule("dataset")
def no_input_knows_the_future(plugin: PluginUnderTest) -> None:
    """No numerical or binned input is a quantity that is known only after the event.

    Such quantities are computed from the log itself: for each session, user and id the mean of every label and the
    number of rows over the whole log, the row itself and all later ones included; and the time to the next row of the
    session or user. An input that correlates with one of them as with itself, and more than with the same quantity
    over the training rows, was computed from it. Statistics over the training rows, or over earlier rows, pass.
    """
    log = log_of(plugin)
    order = order_of(log.frame[log.timestamp] if log.timestamp else None, len(log.frame))
    frame = pd.DataFrame({name: log.frame[name].array[order] for name in log.frame.columns})
    division = divide(log)
    train = np.isin(order, division.order[division.parts["train"]])
    if log.session and log.user:
        session, user = (pd.factorize(frame[name])[0].astype(np.int64) for name in (log.session, log.user))
        frame[log.session] = owned_sessions(session, user)[0]
    sample = np.sort(np.random.default_rng(0).permutation(len(frame))[:ROWS])
    inputs = {name: _numbers(frame[name])[sample] for name in (*log.numerical, *log.binned)}
    if not inputs:
        return
    for what, known_later, honest in _quantities(log, frame, train, sample):
        for name, values in inputs.items():
            likeness = _likeness(values, known_later)
            if likeness > SAME and (honest is None or likeness > _likeness(values, honest)):
                broken(
                    f"column {name!r} correlates at {likeness:.4f} with {what}",
                    "compute it from rows that are earlier than the row itself, or from the training rows alone",
                )


def _quantities(
    log: Log, frame: pd.DataFrame, train: NDArray[np.bool_], sample: NDArray[np.int64]
) -> Iterator[tuple[str, Vector, Vector | None]]:
    """What is known later, of the rows of the sample; ``train`` says which rows of the frame are training rows."""
    groups = dict.fromkeys([*filter(None, (log.session, log.user)), *log.categorical])
    for group in groups:
        codes = pd.factorize(frame[group], use_na_sentinel=False)[0]
        size = int(codes.max()) + 1
        counts = np.bincount(codes, minlength=size).astype(np.float64)
        early = np.bincount(codes[train], minlength=size).astype(np.float64)
        yield f"the number of rows of its {group!r} in the whole log", counts[codes][sample], early[codes][sample]
        for task in log.task_names:
            labels = frame[task].to_numpy(np.float64, na_value=np.nan)
            whole = _means(codes, labels, size)[codes][sample]
            honest = _means(codes[train], labels[train], size)[codes][sample]
            yield f"the mean of {task!r} over all rows of its {group!r}, later ones included", whole, honest
    if log.timestamp:
        for group in filter(None, (log.session, log.user)):
            following = frame.groupby(group, sort=False)[log.timestamp].shift(-1)
            wait = (following - frame[log.timestamp]).to_numpy(np.float64)[sample]
            yield f"the time to the next row of its {group!r}", wait, None


def _means(codes: NDArray[np.int64], labels: Vector, size: int) -> Vector:
    """Mean observed label of each of ``size`` codes; 0 where there is none."""
    seen = ~np.isnan(labels)
    sums = np.bincount(codes[seen], labels[seen], minlength=size)
    means: Vector = sums / np.maximum(np.bincount(codes[seen], minlength=size), 1)
    return means


def _numbers(column: "pd.Series[Any]") -> Vector:
    values: Vector = column.to_numpy(np.float64, na_value=np.nan)
    return values


def _likeness(one: Vector, other: Vector) -> float:
    """The larger of the absolute Pearson and rank correlations over rows that have both; 0 where they say nothing."""
    both = np.isfinite(one) & np.isfinite(other)
    one, other = one[both], other[both]
    if len(np.unique(other)) < FEWEST_VALUES or len(np.unique(one)) < 2:
        return 0.0
    of_values, of_ranks = (abs(np.corrcoef(as_(one), as_(other))[0, 1]) for as_ in (np.asarray, rankdata))
    return float(max(of_values, of_ranks))
