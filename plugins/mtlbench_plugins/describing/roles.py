"""A guess at what each column is: time, session, user, label, id, number, or nothing to learn from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mtlbench_plugins.datasets._table_columns import MS, PLAUSIBLE
from mtlbench_plugins.datasets._table_schema import TRUTHS
from mtlbench_plugins.describing.leaks import SUSPECT, alone
from mtlbench_plugins.describing.sample import Sample

FEW_VALUES = 50
"""Distinct integers up to which a column is taken as a code, not a quantity."""

FEWEST_IDS = 10
"""A column of users or sessions has at least this many distinct values."""
DATES = (19_900_101, 21_000_101)
"""Dates written as one number."""

TIME = r"time|date|stamp|(^|_)(ts|at)$"
SESSION = r"session|visit(_?id)?$|search_?id"
USER = r"user|visitor|customer|client|uid$"
LABEL = (
    r"click|view|conver|purchas|buy|bought|paid|pay$|order|cart|like|follow|share|forward|comment|hate|install|"
    r"subscri|churn|income|label|target|outcome"
)
ID = r"id$|code|zip"

Use = Literal["timestamp", "session", "user", "label", "categorical", "numerical", "left out"]


@dataclass
class Roles:
    """What each column seems to be."""

    timestamp: str | None = None
    unit: str | None = None
    """Of a timestamp that is a number."""
    session: str | None = None
    user: str | None = None
    tasks: list[str] = field(default_factory=list)
    equals: dict[str, str] = field(default_factory=dict)
    """Task -> the value that counts as 1, for columns that hold words."""
    funnel: bool = True
    uses: dict[str, Use] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    """Why a column is left out, or what else a reader should know of it."""

    def named(self, use: Use) -> list[str]:
        """The columns of one use, in the order of the file."""
        return [name for name, its in self.uses.items() if its == use]


def guess(sample: Sample) -> Roles:
    """The roles of all columns of ``sample``."""
    roles = Roles()
    roles.timestamp, roles.unit = next(_clocks(sample), (None, None))
    free = [name for name in sample.kinds if name != roles.timestamp]
    roles.session = next((name for name in free if _matches(SESSION, name) and _is_id(sample, name)), None)
    roles.user = next(
        (name for name in free if _matches(USER, name) and _is_id(sample, name) and name != roles.session), None
    )
    labels = _labels(sample, roles, free)
    _order(roles, labels)
    for name in sample.kinds:
        roles.uses[name] = _use(name, sample, roles, set(labels))
    _suspect(sample, roles, labels)
    return roles


def _clocks(sample: Sample) -> Iterator[tuple[str, str | None]]:
    for name, kind in sample.kinds.items():
        if kind == "time":
            yield name, None
    for name, kind in sample.kinds.items():
        if kind in {"integer", "number"} and _matches(TIME, name):
            typical = sample.frame[name].median()
            for unit, factor in MS.items():
                if PLAUSIBLE[0] <= typical * factor < PLAUSIBLE[1]:
                    yield name, unit


def _is_id(sample: Sample, name: str) -> bool:
    return sample.kinds[name] in {"text", "integer"} and sample.frame[name].nunique() >= FEWEST_IDS


def _labels(sample: Sample, roles: Roles, free: list[str]) -> dict[str, NDArray[np.bool_]]:
    """Columns with the name of an outcome and two values, and the rows in which they are 1."""
    labels = {}
    for name in free:
        if name in {roles.session, roles.user} or not _matches(LABEL, name):
            continue
        column = sample.frame[name]
        values = column.dropna().unique()
        if column.isna().any() or len(values) != 2:
            continue
        texts = sorted(map(str, values))
        if all(text.lower() in TRUTHS for text in texts):
            labels[name] = column.map(lambda value: TRUTHS[str(value).lower()]).to_numpy(bool)
        elif sample.kinds[name] == "text":
            rarer = str(column.value_counts().index[-1])
            roles.equals[name] = rarer.strip()
            labels[name] = (column == rarer).to_numpy(bool)
    return labels


def _order(roles: Roles, labels: Mapping[str, NDArray[np.bool_]]) -> None:
    """Make tasks of the longest chain of labels that each imply the one before; parallel if there is no such chain."""
    by_rate = sorted(labels, key=lambda name: -labels[name].mean())
    chain = by_rate[:1]
    for name in by_rate[1:]:
        if not (labels[name] & ~labels[chain[-1]]).any() and labels[name].any():
            chain.append(name)
    roles.funnel = len(chain) > 1 or len(by_rate) < 2
    roles.tasks = chain if roles.funnel else by_rate
    for earlier, later in pairwise(roles.tasks if roles.funnel else []):
        roles.notes[later] = f"only where {earlier}"


def _use(name: str, sample: Sample, roles: Roles, labels: set[str]) -> Use:
    column, kind = sample.frame[name], sample.kinds[name]
    distinct = column.nunique(dropna=False)
    if name == roles.timestamp:
        return "timestamp"
    if name == roles.session:
        return "session"
    if name in roles.tasks:
        return "label"
    if name in labels:
        roles.notes[name] = "another outcome: not known at the impression"
        return "left out"
    if re.fullmatch(r"__index_level_\d+__|Unnamed: 0", name):
        roles.notes[name] = "the row number, as pandas writes it"
        return "left out"
    if distinct < 2:
        roles.notes[name] = "one value alone"
        return "left out"
    if kind == "time" or (kind == "integer" and _matches(TIME, name) and column.between(*DATES).all()):
        roles.notes[name] = "a date: later ones are all new"
        return "left out"
    if kind == "text" and distinct == len(column) and name != roles.user:
        roles.notes[name] = "a value of its own in each row"
        return "left out"
    if kind in {"text", "truth"} or name == roles.user:
        return "categorical"
    whole = kind == "integer" or bool(
        (column.dropna() % 1 == 0).all()
    )  # integers with gaps in them are read as numbers
    return "categorical" if whole and (distinct <= FEW_VALUES or _matches(ID, name)) else "numerical"


def _suspect(sample: Sample, roles: Roles, labels: Mapping[str, NDArray[np.bool_]]) -> None:
    """Leave out the columns that predict a task on their own."""
    for name in [*roles.named("categorical"), *roles.named("numerical")]:
        scores = {task: alone(sample.frame[name], labels[task]) for task in roles.tasks}
        task, score = max(scores.items(), key=lambda item: item[1], default=("", 0.0))
        if score >= SUSPECT:
            roles.uses[name] = "left out"
            roles.notes[name] = f"leak suspect: alone it predicts {task} with AUC {score:.3f}"


def _matches(pattern: str, name: str) -> bool:
    return re.search(pattern, name.lower()) is not None
