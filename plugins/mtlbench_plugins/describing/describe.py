"""The profile of a table."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlbench.api import Description, Section, session_ids
from mtlbench_plugins.datasets._table_files import CsvFile, TableFile, open_tables
from mtlbench_plugins.datasets._table_schema import MISSING
from mtlbench_plugins.describing.candidates import Candidate
from mtlbench_plugins.describing.draft import RULE, draft
from mtlbench_plugins.describing.events import pivot
from mtlbench_plugins.describing.roles import Roles, Use, guess
from mtlbench_plugins.describing.sample import NOT_UTF_8, Sample, read_sample
from mtlbench_plugins.describing.stages import ones
from mtlbench_plugins.describing.times import are_days_alone, complaint, milliseconds

INPUTS: tuple[Use, ...] = ("categorical", "numerical", "bag", "vector")
DELIMITERS = (",", "\t", ";", "|")
SHOWN = 3
REPEATED = 0.01
"""Share of rows that equal an earlier one from which it is worth a note."""


def describe(file: Path, folder: Path, tasks: Sequence[str] = ()) -> Description:
    """Profile ``file`` and draft its description, to be saved in ``folder``; the user may name the ``tasks``."""
    files = open_tables([file], _delimiter(file), MISSING)
    sample = read_sample(files)
    roles = guess(sample, tasks)
    obstacles = list(_obstacles(files, sample, roles))
    notes = [*obstacles, *_notes(sample, roles)]
    sections = [_columns(file, sample, roles), *_labels(roles), *_time(sample, roles)]
    if roles.candidates:
        rows = [(one.name, one.kind, one.why) for one in roles.candidates]
        sections.append(Section("May be tasks as well", ("column", "kind", "why"), rows))
    if notes:
        sections.append(Section("Before a study", ("note",), [(note,) for note in notes]))
    how = pivot(roles.events, sample, files, _named(roles)) if roles.events and not roles.tasks else None
    return Description(
        sections,
        draft(file, folder, files, sample, roles, notes, how),
        "table[schema={path}]",
        rows=sample.rows,
        tasks=[*roles.tasks, *(one.name for one in roles.others)],
        candidates=[one.name for one in roles.candidates],
        obstacles=obstacles,
    )


def _named(roles: Roles) -> dict[str, str | None]:
    timestamp = roles.timestamp.name if roles.timestamp else None
    return {"user": roles.user, "session": roles.session, "timestamp": timestamp}


def _delimiter(file: Path) -> str | None:
    """The delimiter that cuts the header into most fields; ``None`` for the default."""
    if not file.is_file() or file.suffix not in {".csv", ".tsv"}:
        return None
    with file.open("rb") as stream:
        header = stream.readline(100_000).decode("utf-8", "replace")
    best = max(DELIMITERS, key=header.count)
    return best if header.count(best) else None


def _obstacles(files: Sequence[TableFile], sample: Sample, roles: Roles) -> Iterator[str]:
    """What a study on the table would be refused for."""
    if roles.events and not roles.tasks:
        kinds = ", ".join(map(repr, roles.events.kinds[:5]))
        yield (
            f"this is a log of events: column {roles.events.column!r} says what happened ({kinds}), one event in a "
            "row. A study needs one row per user (or session) and item, with a column for each outcome: pivot it, as "
            "the draft says"
        )
    if broken := [name for name, kind in sample.kinds.items() if kind == NOT_UTF_8]:
        yield f"column {', '.join(map(repr, broken))} is not UTF-8 text: save the file as UTF-8"
    if not any(roles.named(use) for use in INPUTS):
        yield "no column is left for an input: each is a task, or left out for the reason that stands beside it"
    first = 2 if isinstance(files[0], CsvFile) else 1
    if roles.timestamp and (refusal := complaint(sample, roles.timestamp, first)):
        yield refusal


def _notes(sample: Sample, roles: Roles) -> Iterator[str]:
    """What a study on the table would go wrong by."""
    if roles.tasks and roles.guessed:
        after = ", and that each can happen only after the one before" if roles.funnel and len(roles.tasks) > 1 else ""
        yield (
            f"the tasks are a guess, by names and values: {', '.join(roles.tasks)}; check that each is an outcome of "
            f"its row{after}. --task names others"
        )
    for change in sample.changes:
        yield f"the files disagree on a type: {change}"
    if flags := [name for name in roles.named("categorical") if ones(sample.frame[name]) is not None]:
        yield f"inputs of 0 and 1: {', '.join(flags)}; one that is known only afterwards is a task, or no input"
    if not roles.timestamp:
        named = [name for use in ("categorical", "numerical", "bag", "label") for name in roles.named(use)]
        looked_at = named and all(name in sample.frame for name in named)  # lists are not
        repeated = float(sample.frame[named].duplicated().mean()) if looked_at else 0.0
        if repeated >= REPEATED:
            yield (
                f"{repeated:.1%} of the rows equal an earlier row; there is no timestamp, so the split is random, and "
                "they are both trained on and tested: drop duplicates"
            )


def _columns(file: Path, sample: Sample, roles: Roles) -> Section:
    looked = len(sample.frame)
    whose = f" of {len(sample.origins)} files" if len(sample.origins) > 1 else ""
    part = "" if looked == sample.rows else f", judged by the first {looked:,}{whose}"
    title = f"{file}: {sample.rows:,} rows{part}; {len(sample.kinds)} columns"
    rows = [
        (name, kind, *_counts(sample, name), roles.uses[name], roles.notes.get(name) or _values(sample.frame[name]))
        for name, kind in sample.kinds.items()
    ]
    return Section(title, ("column", "type", "distinct", "missing", "use", "note"), rows)


def _counts(sample: Sample, name: str) -> tuple[str, str]:
    """Distinct and missing values of a column, where they were read."""
    if name not in sample.frame:
        return "", ""
    column = sample.frame[name]
    missing = float(column.isna().mean())
    return f"{column.nunique():,}", f"{missing:.2%}" if missing else ""


def _values(column: "pd.Series[Any]") -> str:
    if column.dtype != "category":
        seen = column.dropna()
        return f"{_short(seen.min())} to {_short(seen.max())}" if len(seen) else ""
    frequent = [repr(str(value)) for value in column.value_counts().index[:SHOWN]]
    return ", ".join(text if len(text) <= 24 else f"{text[:20]}...'" for text in frequent)


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def _labels(roles: Roles) -> Iterator[Section]:
    if roles.others:
        others = [(one.name, one.kind, _where(one), one.why) for one in roles.others]
        yield Section("Tasks of other kinds, or with gaps", ("task", "kind", "observed", "values"), others)
    if not roles.tasks:
        return
    truths = roles.rows
    rows = [(_task(task, roles), f"{truth.sum():,}", f"{truth.mean():.4%}", "") for task, truth in truths.items()]
    if roles.funnel:
        for place, (earlier, later) in enumerate(pairwise(roles.tasks), start=1):
            share = truths[later].sum() / max(1, truths[earlier].sum())
            rows[place] = (*rows[place][:3], f"{share:.2%} of {earlier}")
    title = "Task" if len(rows) == 1 else f"Tasks, {'a funnel' if roles.funnel else 'parallel'}"
    yield Section(title, ("task", "ones", "rate", "funnel"), rows)


def _task(name: str, roles: Roles) -> str:
    """A task, with the value that counts as 1 where its name does not say it."""
    rule = roles.rules.get(name)
    return f"{name} (1 where it is {rule.value!r})" if rule and rule.column == name else name


def _where(one: Candidate) -> str:
    """In which rows a task was observed."""
    return one.observed or (f"where {one.after} is 1" if one.after else "in every row")


def _time(sample: Sample, roles: Roles) -> Iterator[Section]:
    rows: list[tuple[str, str]] = []
    times = None
    if roles.timestamp:
        times = milliseconds(sample, roles.timestamp)
        rows += [("from", _moment(times.min())), ("to", _moment(times.max()))]
    if roles.user:
        rows += [("users", f"{sample.frame[roles.user].nunique():,}")]
        rows += [(f"rows per {roles.user}", _quantiles(sample.frame[roles.user].value_counts()))]
    if roles.session:
        owner = [name for name in (roles.user, roles.session) if name]
        lengths = sample.frame.groupby(owner, observed=True).size()
        ids = sample.frame[owner].drop_duplicates()[roles.session]
        shared = ids[ids.duplicated()]
        rows += [(f"sessions ({roles.session})", f"{len(lengths):,}"), ("rows per session", _quantiles(lengths))]
        if len(shared):
            rows += [("session ids of several users", f"{shared.nunique():,}; a session is one user's")]
    elif roles.user and roles.timestamp and are_days_alone(sample, roles.timestamp):
        rows += [("sessions", "none: the times are days alone")]
    elif roles.user and times is not None:
        sessions = session_ids(sample.frame[roles.user], times, RULE)
        lengths = pd.Series(sessions).value_counts()
        rows += [(f"sessions ({RULE})", f"{len(lengths):,}"), ("rows per session", _quantiles(lengths))]
    if rows:
        yield Section("Time, users and sessions", ("measure", "value"), rows)


def _quantiles(counts: "pd.Series[int]") -> str:
    counts = counts[counts > 0]
    middle, high = counts.quantile([0.5, 0.9])
    alone = float((counts == 1).mean())
    return (
        f"mean {counts.mean():.1f}, median {middle:.0f}, 90 % {high:.0f}, most {counts.max():,}; {alone:.0%} have one"
    )


def _moment(milliseconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "beyond the calendar"
