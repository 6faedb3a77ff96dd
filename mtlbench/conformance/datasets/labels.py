"""The label-leak probe, first part: no input alone tells a label."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from mtlbench.api import Split, Splits
from mtlbench.conformance.datasets.log import splits_of
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import broken, rule
from mtlbench.tasks.metrics.order import xauc

MOST = 0.98
"""XAUC of one column above which it is taken for the label itself. The best honest column that we know, the household
status in census data, tells at 0.977 who never married."""

FEWEST = 20
"""Rows with another label than the most frequent one, without which an XAUC says too little."""

BINS = 100


@rule("dataset")
def no_input_tells_a_label(plugin: PluginUnderTest) -> None:
    """No input column alone predicts a label nearly without error, on rows later than those it is fitted on.

    For each column and task the training rows give the mean label of every id, or of every bin of numbers, with bins
    of its own for values that are frequent, as those that stand for a missing one. An id that the training rows lack
    gets the mean of the ids seen once. Later tasks of a funnel are also probed where the one before happened. Rows are
    probed whose label was observed, by XAUC, which is AUC where labels are 0 and 1.
    """
    splits = splits_of(plugin)
    for task, name in enumerate(splits.schema.task_names):
        for where, rows in _rows(splits, task):
            for column, codes in _columns(splits):
                fitted, found = (split[chosen] for split, chosen in zip(codes, rows, strict=True))
                labels = [split[chosen] for split, chosen in zip(_labels(splits, task), rows, strict=True)]
                score = _xauc(fitted, labels[0], found, labels[1])
                if score > MOST:
                    broken(
                        f"column {column!r} alone predicts {name!r}{where} with an XAUC of {score:.3f}",
                        "take it from the inputs if it is written down with or after the event: an outcome, a "
                        "duration, an id or a field that only such rows have",
                    )


def _rows(splits: Splits, task: int) -> Iterator[tuple[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]]:
    """What is probed: all rows, and those on which the task before happened; of the fitted rows and the later ones."""
    observed = tuple(~np.isnan(labels) for labels in _labels(splits, task))
    yield "", (observed[0], observed[1])
    earlier = splits.schema.tasks[task].after
    if earlier is not None:
        place = splits.schema.task_names.index(earlier)
        before = tuple((labels == 1) & seen for labels, seen in zip(_labels(splits, place), observed, strict=True))
        yield f" where {earlier!r} is 1", (before[0], before[1])


def _columns(splits: Splits) -> Iterator[tuple[str, list[NDArray[np.int64]]]]:
    """Each input as codes, of the fitted rows and the later ones."""
    for place, field in enumerate(splits.schema.categorical):
        yield field.name, [part.astype(np.int64) for part in _parts(splits, "categorical", place)]
    for place, name in enumerate(splits.schema.numerical):
        fitted, later = _parts(splits, "numerical", place)
        edges = np.unique(np.quantile(fitted, np.linspace(0, 1, BINS + 1)))
        # A value that is an edge is frequent, or extreme: a bin of its own.
        yield name, [2 * np.searchsorted(edges, part) + np.isin(part, edges) for part in (fitted, later)]


def _parts(splits: Splits, name: str, place: int) -> list[NDArray[np.float64]]:
    def column(split: Split) -> NDArray[np.float64]:
        values: NDArray[np.float64] = getattr(split, name)[:, place].numpy()
        return values

    return [column(splits.train), np.concatenate([column(splits.validation), column(splits.test)])]


def _labels(splits: Splits, task: int) -> list[NDArray[np.float64]]:
    return _parts(splits, "labels", task)


def _xauc(
    codes: NDArray[np.int64], labels: NDArray[np.float64], later: NDArray[np.int64], truth: NDArray[np.float64]
) -> float:
    """XAUC on the later rows of the mean label of each code; 0.5 where there is too little to say."""
    if len(codes) == 0 or len(truth) - np.unique(truth, return_counts=True)[1].max(initial=0) < FEWEST:
        return 0.5
    size = int(max(codes.max(), later.max())) + 1
    counts, sums = np.bincount(codes, minlength=size), np.bincount(codes, labels, minlength=size)
    once = counts == 1
    unseen = sums[once].mean() if once.any() else labels.mean()
    means = np.where(counts > 0, sums / np.maximum(counts, 1), unseen)
    return xauc(torch.from_numpy(means[later]), torch.from_numpy(truth))
