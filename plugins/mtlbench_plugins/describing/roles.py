"""A guess at what each column is: time, session, user, label, id, number, or nothing to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench_plugins.datasets._table_tasks import TRUTHS
from mtlbench_plugins.describing.bags import separator_of
from mtlbench_plugins.describing.candidates import Candidate, find_candidates
from mtlbench_plugins.describing.events import Events, find_events
from mtlbench_plugins.describing.leaks import SUSPECT, alone, counts_of, same
from mtlbench_plugins.describing.named import Rule, named_tasks
from mtlbench_plugins.describing.proposals import is_split, is_weight
from mtlbench_plugins.describing.reasons import FREE_TEXT, ID, LABEL, OWN_VALUES, Labels, matches, reason_against
from mtlbench_plugins.describing.sample import BAG, VECTOR, Sample, is_large
from mtlbench_plugins.describing.stages import find_stages
from mtlbench_plugins.describing.times import Timestamp, find_timestamps

FEW_VALUES = 50
"""Distinct integers up to which a column is taken as a code, not a quantity."""

FEWEST_IDS = 10
"""Distinct values from which a column can be one of users or sessions."""

SESSION = r"session|visit(_?id)?$|search_?id"
SESSION_NUMBER = r"(session|visit)(_?(id|no|nr|num|number|index|idx))?$"
"""Names of columns that number sessions and measure nothing of them."""
USER = r"user|visitor|customer|client|uid$|person"

Use = Literal[
    "timestamp", "session", "user", "label", "categorical", "numerical", "bag", "vector", "split", "weight", "left out"
]


@dataclass
class Roles:
    """What each column seems to be."""

    timestamp: Timestamp | None = None
    times: set[str] = field(default_factory=set)
    """All columns of times."""
    session: str | None = None
    user: str | None = None
    split: str | None = None
    """The column that says in which split each row is."""
    weight: str | None = None
    """The column that says how much each row counts."""
    events: Events | None = None
    tasks: list[str] = field(default_factory=list)
    rows: Labels = field(default_factory=dict)
    """Task -> the rows in which it is 1."""
    rules: dict[str, Rule] = field(default_factory=dict)
    """Task -> how its 0 and 1 are made of a column that holds others."""
    others: list[Candidate] = field(default_factory=list)
    """Tasks that the user named and that are of another kind, or were not observed in each row."""
    guessed: bool = True
    """Whether nobody has named the tasks."""
    funnel: bool = True
    uses: dict[str, Use] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    """What may be a task beside ``tasks``, and is no input."""
    stages: dict[str, str] = field(default_factory=dict)
    """Task -> why it is one, where its name does not say so."""
    separators: dict[str, str] = field(default_factory=dict)
    """Of the bags that are texts, what stands between the ids."""
    notes: dict[str, str] = field(default_factory=dict)
    """Why a column is left out, or what else a reader should know of it."""

    def named(self, use: Use) -> list[str]:
        """The columns of one use, in the order of the file."""
        return [name for name, its in self.uses.items() if its == use]


def guess(sample: Sample, named: Sequence[str] = ()) -> Roles:
    """The roles of all columns of ``sample``; its tasks are those ``named``, where there are any."""
    binary, others = named_tasks(named, sample)
    taken = {task.column for task in binary} | {task.name for task in others}
    times = [time for time in find_timestamps(sample) if time.name not in taken]
    roles = Roles(timestamp=times[0] if times else None, times={time.name for time in times}, others=others)
    roles.guessed = not named
    free = [name for name in sample.readable if name not in taken]
    free = [name for name in free if roles.timestamp is None or name != roles.timestamp.name]
    roles.split = next((name for name in free if is_split(name, sample.frame[name])), None)
    roles.weight = next((name for name in free if is_weight(name, sample.frame[name])), None)
    roles.user, roles.session = _owners(sample, free)
    named_rows = {task.name: task.rows for task in binary}
    labels = {**_labels(sample, roles, free), **named_rows}
    rest = [name for name in free if name not in {*labels, roles.session, roles.user, roles.weight}]
    for name, (rows, why) in find_stages(sample, rest, labels).items():
        labels[name], roles.stages[name] = rows, why
    roles.rules |= {task.name: task.rule for task in binary if task.rule}
    _order(roles, named_rows if named else _without_copies(labels, roles), whole=bool(named))
    roles.events = find_events(sample)
    for name in sample.kinds:
        roles.uses[name] = _use(name, sample, roles, labels)
    _suspect(sample, roles)
    _leave_out_infinite(sample, roles)
    _propose(sample, roles)
    return roles


def _owners(sample: Sample, free: list[str]) -> tuple[str | None, str | None]:
    """The columns of users and of sessions; session numbers may begin anew for each user, and be few then."""
    ids = [name for name in free if _is_id(sample, name)]
    session = next((name for name in ids if matches(SESSION, name)), None)
    user = next((name for name in ids if matches(USER, name) and name != session), None)
    if session is None and user is not None:
        whole = [
            name for name in free if sample.kinds[name] in {"text", "integer"} and sample.frame[name].nunique() > 1
        ]
        session = next((name for name in whole if matches(SESSION_NUMBER, name)), None)
    return user, session


def _is_id(sample: Sample, name: str) -> bool:
    return sample.kinds[name] in {"text", "integer"} and sample.frame[name].nunique() >= FEWEST_IDS


def _labels(sample: Sample, roles: Roles, free: list[str]) -> dict[str, NDArray[np.bool_]]:
    """Columns with the name of an outcome and two values, and the rows in which they are 1."""
    labels = {}
    for name in free:
        if name in {roles.session, roles.user} or not matches(LABEL, name):
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
            roles.rules[name] = Rule(name, "equals", rarer.strip())
            labels[name] = (column == rarer).to_numpy(bool)
    return labels


def _propose(sample: Sample, roles: Roles) -> None:
    """Name what may be a task beside those that were found, and take it from the inputs."""
    told = [name for name in roles.named("left out") if roles.notes[name].startswith("leak suspect: alone")]
    gaps = [name for name in roles.named("left out") if "not observed in" in roles.notes[name]]
    numbers = [*roles.named("categorical"), *roles.named("numerical"), *told]
    numbers = [name for name in sample.kinds if name in numbers and name != roles.user]
    roles.candidates = find_candidates(sample, numbers, gaps, roles.tasks)
    for one in (*roles.others, *roles.candidates):
        notes = {one.name: f"may be a task: {one.why}"}
        if one.flag:
            notes[one.flag] = f"says where {one.name} was observed"
        for name, note in notes.items() if one.is_outcome else ():
            if roles.uses[name] not in {"left out", "label"}:
                roles.uses[name], roles.notes[name] = "left out", note


def _without_copies(labels: Labels, roles: Roles) -> Labels:
    """The labels of which no earlier one is the same; a copy is noted."""
    for one, other in combinations(labels, 2):
        share = same(labels[one], labels[other])
        if share is not None and one not in roles.notes:
            what = "a copy" if share > 0.5 else "the opposite"
            roles.notes[other] = f"{what} of {one}: equal in {share:.2%} of the rows"
    return {name: label for name, label in labels.items() if name not in roles.notes}


def _order(roles: Roles, labels: Labels, whole: bool) -> None:
    """Tasks as the longest chain of labels that each imply the one before; parallel where there is no chain.

    Args:
        roles: gets the tasks.
        labels: may become tasks.
        whole: all of them are tasks, so that a chain without some of them is none.
    """
    by_rate = sorted(labels, key=lambda name: -labels[name].mean())
    chain = by_rate[:1]
    for name in by_rate[1:]:
        if not (labels[name] & ~labels[chain[-1]]).any() and labels[name].any():
            chain.append(name)
    roles.funnel = len(chain) == len(by_rate) or (len(chain) > 1 and not whole)
    roles.tasks = chain if roles.funnel else by_rate
    roles.rows = {name: labels[name] for name in roles.tasks}
    for earlier, later in pairwise(roles.tasks if roles.funnel else []):
        roles.notes[later] = f"only where {earlier}"


def _use(name: str, sample: Sample, roles: Roles, labels: Labels) -> Use:
    if roles.timestamp and name == roles.timestamp.name:
        return "timestamp"
    if name == roles.session:
        return "session"
    made = [task for task in roles.tasks if task in roles.rules and roles.rules[task].column == name]
    if name in roles.tasks or made or any(name == task.name for task in roles.others):
        if made and name not in roles.tasks:
            roles.notes[name] = f"gives {', '.join(made)}"
        return "label"
    if name == roles.split:
        roles.notes[name] = "says train, validation or test in each row"
        return "split"
    if name == roles.weight:
        roles.notes[name] = "how much each row counts, by its name"
        return "weight"
    if sample.kinds[name] == VECTOR:
        roles.notes[name] = "as many numbers in each row: check that it was known before the outcome"
        return "vector"
    if sample.kinds[name] == BAG:
        roles.notes[name] = "several ids in a row: check that each was known before the outcome"
        return "bag"
    reason = reason_against(name, sample, roles, labels)
    may_be_bag = reason in {None, OWN_VALUES, FREE_TEXT} and name != roles.user and sample.kinds[name] == "text"
    if may_be_bag and (separator := separator_of(sample.frame[name])):
        roles.separators[name], roles.notes[name] = separator, f"several ids in a row, with {separator!r} between them"
        return "bag"
    if reason is not None:
        roles.notes[name] = reason
        return "left out"
    column, kind = sample.frame[name], sample.kinds[name]
    if name == roles.user or not pd.api.types.is_numeric_dtype(column) or (kind == "integer" and is_large(column)):
        return "categorical"
    is_code = column.nunique(dropna=False) <= FEW_VALUES or matches(ID, name)
    return "categorical" if kind == "integer" and is_code else "numerical"


def _leave_out_infinite(sample: Sample, roles: Roles) -> None:
    """Leave out numbers that a study would refuse."""
    for name in roles.named("numerical"):
        numbers = sample.frame[name].to_numpy(np.float64, na_value=np.nan)
        if rows := int(np.isinf(numbers).sum()):
            roles.uses[name] = "left out"
            roles.notes[name] = f"infinite in {rows:,} of {len(numbers):,} rows: make it finite, or add it to `missing`"


def _suspect(sample: Sample, roles: Roles) -> None:
    """Leave out what alone tells a task."""
    for name in [*roles.named("categorical"), *roles.named("numerical"), *roles.separators]:
        column = sample.frame[name]
        scores = {task: alone(column, rows) for task, rows in roles.rows.items()}
        task, score = max(scores.items(), key=lambda item: item[1], default=("", 0.0))
        if score >= SUSPECT:
            roles.uses[name] = "left out"
            roles.notes[name] = f"leak suspect: alone it predicts {task} with AUC {score:.3f}"
        elif roles.user and name != roles.user and pd.api.types.is_numeric_dtype(column):
            owner = sample.frame[roles.user]
            counted = [task for task, rows in roles.rows.items() if counts_of(column, owner, rows)]
            if counted:
                roles.uses[name] = "left out"
                roles.notes[name] = f"leak suspect: it counts {counted[0]} over all rows of its {roles.user}"
