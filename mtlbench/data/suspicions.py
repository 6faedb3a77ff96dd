"""What makes good scores doubtful: an input or a label that gives the answer, and test rows that were trained on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.api import Schema, Split
from mtlbench.api.leaks import auc_alone, binned

TELLS = 0.99
"""AUC of one input alone from which a warning is due: after the event everything is easy to know."""
PROBED = 2000
"""Training rows of each class that an input is judged on. The AUC does not depend on how many there are of each."""
FEWEST = 20
"""Rows of a class below which an AUC says too little."""

COPIED = 0.001
"""Share of rows on which two labels may differ and still be copies."""
COPIED_RARE = 0.1
"""The same as a share of the rarer class, so that two rare events are no copies for being rare."""

SCALED = 0.999999
"""Correlation from which a label is another one in another unit."""

REPEATED = 0.01
"""Share of test rows that equal a training row from which a warning is due."""
HASHED = 1 << 18
"""Rows that are hashed at once."""
LISTED = 5
"""Columns that a warning names."""

Column = NDArray[np.float32] | NDArray[np.int32]


@dataclass
class Suspicions:
    """Facts, by dotted name, and warnings, as sentences with their figures."""

    facts: dict[str, float | int | str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def suspicions(schema: Schema, splits: Mapping[str, Split], drawn: bool) -> Suspicions:
    """What is doubtful about ``splits``.

    Args:
        schema: names of inputs and tasks.
        splits: by name.
        drawn: whether the splits were drawn at random from the rows.
    """
    found = Suspicions()
    _leaks(schema, splits["train"], found)
    _copies(schema, splits, found)
    if drawn:
        _repeats(splits, schema.users, found)
    _future(splits, found)
    _gaps(schema, splits, found)
    return found


def _future(splits: Mapping[str, Split], found: Suspicions) -> None:
    """Training rows that are later than a test row, as in a split by users."""
    later = splits["train"].timestamp > splits["test"].timestamp[0]
    share = int(later.sum()) / len(later)
    if share:
        found.facts["train_rows_after_the_first_test_row"] = share
        found.warnings.append(
            f"{share:.1%} of the training rows are later than the first test row: scores say how well gaps in the past "
            "are filled, not how well the future is predicted"
        )


def _gaps(schema: Schema, splits: Mapping[str, Split], found: Suspicions) -> None:
    """Labels that are missing without a word why: a gap in a table is often no label that was not observed."""
    counted = [split.labels if split.weight is None else split.labels[split.weight > 0] for split in splits.values()]
    missing = np.concatenate([labels.isnan().numpy() for labels in counted]).mean(0)
    named = [
        f"{task.name!r} in {share:.1%}"
        for task, share in zip(schema.tasks, missing, strict=True)
        if share and not (task.within or task.observed)
    ]
    if named:
        found.warnings.append(
            f"labels are missing, {_listed(named)} of the rows: they count as not observed, and such a row trains the "
            "other tasks alone; drop these rows if they should train none"
        )


def _leaks(schema: Schema, train: Split, found: Suspicions) -> None:
    named = []
    for place, task in enumerate(schema.task_names):
        labels = train.labels.numpy()[:, place]
        middle = 0.5 if schema.tasks[place].kind == "binary" else float(np.nanmedian(labels))
        rows = np.concatenate([_some(labels > middle), _some(labels <= middle)])
        label = labels[rows] > middle
        if min(label.sum(), (~label).sum()) < FEWEST:
            continue
        for name, codes in _inputs(schema, train, rows):
            auc = auc_alone(codes, label)
            if auc >= TELLS:
                found.facts[f"auc_alone.{name}.{task}"] = auc
                named.append(f"{name!r} predicts {task!r} with AUC {auc:.4f}")
    if named:
        found.warnings.append(
            f"an input alone gives a label away: {_listed(named)}; leave out what is written down with the event or "
            "after it"
        )


def _some(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Up to ``PROBED`` of the chosen rows, from all over the split."""
    rows = np.flatnonzero(chosen)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), PROBED)).astype(np.int64)]


def _inputs(schema: Schema, train: Split, rows: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    categorical, numerical = train.categorical.numpy()[rows], train.numerical.numpy()[rows]
    for place, one in enumerate(schema.categorical):
        codes = categorical[:, place].astype(np.int64)
        yield one.name, codes if one.cardinality <= len(rows) else pd.factorize(codes)[0].astype(np.int64)
    for place, name in enumerate(schema.numerical):
        yield name, binned(numerical[:, place].astype(np.float64))


def _copies(schema: Schema, splits: Mapping[str, Split], found: Suspicions) -> None:
    labels = [split.labels.numpy() for split in splits.values()]
    named = []
    for one, other in combinations(range(len(schema.tasks)), 2):
        binary = {schema.tasks[one].kind, schema.tasks[other].kind} == {"binary"}
        rates = _rates(labels, one, other)
        if rates is None or (binary and min(abs(rates[0] - rates[1]), abs(1 - rates.sum())) > COPIED):
            continue
        both = np.concatenate([*_pairs(labels, one, other)])
        equal = float((both[:, 0] == both[:, 1]).mean())
        # The share of all values but the most frequent: two labels that are nearly always 0 are no copies.
        rare = min(1 - float(np.unique(column, return_counts=True)[1].max()) / len(both) for column in both.T)
        unlike = min(equal, 1 - equal) if binary else 1 - equal
        if unlike <= min(COPIED, COPIED_RARE * rare):
            first, second = schema.task_names[one], schema.task_names[other]
            found.facts[f"same_label.{second}.{first}"] = equal
            opposite = "" if equal > 0.5 else ", and is its opposite in the others"
            named.append(f"{second!r} equals {first!r} in {equal:.2%} of the rows{opposite}")
        elif not binary and rare > 0 and abs(alike := _correlation(both)) > SCALED:
            first, second = schema.task_names[one], schema.task_names[other]
            found.facts[f"correlation.{second}.{first}"] = alike
            named.append(f"{second!r} is {first!r} in another unit (correlation {alike:.6f})")
    if named:
        found.warnings.append(f"a label is the copy of another: {_listed(named)}; name each task once")


def _pairs(labels: Iterable[NDArray[np.float32]], one: int, other: int) -> Iterator[NDArray[np.float32]]:
    """Two columns of the labels of each split, where both are observed."""
    for part in labels:
        pair = part[:, [one, other]]
        yield pair[~np.isnan(pair).any(1)]


def _rates(labels: Iterable[NDArray[np.float32]], one: int, other: int) -> NDArray[np.float64] | None:
    """Means of two columns where both are observed; ``None`` where no row has both."""
    rows, sums = 0, np.zeros(2)
    for pair in _pairs(labels, one, other):
        rows += len(pair)
        sums += pair.sum(0, dtype=np.float64)
    return sums / rows if rows else None


def _correlation(both: NDArray[np.float32]) -> float:
    """Of two columns."""
    matrix: NDArray[np.float64] = np.asarray(np.corrcoef(both.astype(np.float64), rowvar=False))
    return float(matrix[0, 1])


def _repeats(splits: Mapping[str, Split], users: bool, found: Suspicions) -> None:
    train, test = (_hashes(splits[name], users) for name in ("train", "test"))
    share = float(pd.Series(test).isin(train).mean())
    if share:
        found.facts["test_rows_in_training"] = share
    if share >= REPEATED:
        found.warnings.append(
            f"{share:.1%} of the test rows equal a training row in all inputs and labels: a model can remember them; "
            "drop duplicates, or name a timestamp, so that the split is by time"
        )


def _hashes(split: Split, users: bool) -> NDArray[np.uint64]:
    """A hash of all that is known of each row."""
    blocks = (slice(first, first + HASHED) for first in range(0, len(split), HASHED))
    return np.concatenate([_hashes_of(split, users, rows) for rows in blocks])


def _hashes_of(split: Split, users: bool, rows: slice) -> NDArray[np.uint64]:
    columns = [*split.categorical[rows].numpy().T, *split.numerical[rows].numpy().view(np.int32).T]
    columns += [column for vectors in split.vectors for column in vectors[rows].numpy().view(np.int32).T]
    for bag in split.bags:  # what stands after the ids of a row is 0
        columns += [bag.lengths[rows].numpy(), *bag.ids[rows].numpy().T]
    columns += [*split.labels[rows].numpy().view(np.int32).T, *([split.user[rows].numpy()] if users else ())]
    hashes = np.zeros(len(split.labels[rows]), dtype=np.uint64)
    for column in columns:
        hashes ^= hashes >> np.uint64(29)
        hashes *= np.uint64(0xBF58476D1CE4E5B9)
        hashes += column.astype(np.int64).view(np.uint64) + np.uint64(1)
    return hashes


def _listed(texts: list[str]) -> str:
    more = f", and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return ", ".join(texts[:LISTED]) + more
