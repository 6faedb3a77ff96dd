"""The profile of a table and the draft of its description."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlbench.api import Description, Section, session_ids
from mtlbench_plugins.datasets._table_columns import MS
from mtlbench_plugins.datasets._table_files import CsvFile, TableFile, open_tables
from mtlbench_plugins.datasets._table_schema import MISSING
from mtlbench_plugins.describing.roles import Roles, guess
from mtlbench_plugins.describing.sample import Sample, read_sample

DELIMITERS = (",", "\t", ";", "|")
RULE = "user-gap30m"
SHOWN = 3


def describe(file: Path, folder: Path) -> Description:
    """Profile ``file`` and draft its description, which will be saved in ``folder``."""
    files = open_tables([file], _delimiter(file), MISSING)
    sample = read_sample(files)
    roles = guess(sample)
    sections = [_columns(file, sample, roles), *_labels(sample, roles), *_time(sample, roles)]
    return Description(sections, _draft(file, folder, files, sample, roles), "table[schema={path}]")


def _delimiter(file: Path) -> str | None:
    """The delimiter that cuts the header into most fields; ``None`` for the default."""
    if not file.is_file() or file.suffix not in {".csv", ".tsv"}:
        return None
    with file.open("rb") as stream:
        header = stream.readline(100_000).decode("utf-8", "replace")
    best = max(DELIMITERS, key=header.count)
    return best if header.count(best) else None


def _columns(file: Path, sample: Sample, roles: Roles) -> Section:
    looked = len(sample.frame)
    part = "" if looked == sample.rows else f", judged by the first {looked:,}"
    title = f"{file}: {sample.rows:,} rows{part}; {len(sample.kinds)} columns"
    rows = []
    for name, kind in sample.kinds.items():
        column = sample.frame[name]
        missing = float(column.isna().mean())
        rows.append(
            (
                name,
                kind,
                f"{column.nunique():,}",
                f"{missing:.2%}" if missing else "",
                roles.uses[name],
                roles.notes.get(name) or _values(column),
            )
        )
    return Section(title, ("column", "type", "distinct", "missing", "use", "note"), rows)


def _values(column: "pd.Series[Any]") -> str:
    if column.dtype != "category":
        seen = column.dropna()
        return f"{_short(seen.min())} to {_short(seen.max())}" if len(seen) else ""
    frequent = [repr(str(value)) for value in column.value_counts().index[:SHOWN]]
    return ", ".join(text if len(text) <= 24 else f"{text[:20]}...'" for text in frequent)


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def _labels(sample: Sample, roles: Roles) -> Iterator[Section]:
    if not roles.tasks:
        return
    truths = {task: _truth(sample.frame[task], roles.equals.get(task)) for task in roles.tasks}
    rows = [(task, f"{truth.sum():,}", f"{truth.mean():.4%}", "") for task, truth in truths.items()]
    if roles.funnel:
        for place, (earlier, later) in enumerate(pairwise(roles.tasks), start=1):
            share = truths[later].sum() / max(1, truths[earlier].sum())
            rows[place] = (*rows[place][:3], f"{share:.2%} of {earlier}")
    title = "Task" if len(rows) == 1 else f"Tasks, {'a funnel' if roles.funnel else 'parallel'}"
    yield Section(title, ("task", "ones", "rate", "funnel"), rows)


def _truth(column: "pd.Series[Any]", equals: str | None) -> "pd.Series[bool]":
    words = (equals,) if equals else ("1", "1.0", "true")
    texts = column.astype("str").str.strip()
    return (texts if equals else texts.str.lower()).isin(words)


def _time(sample: Sample, roles: Roles) -> Iterator[Section]:
    rows: list[tuple[str, str]] = []
    milliseconds = None
    if roles.timestamp:
        milliseconds = _milliseconds(sample.frame[roles.timestamp], roles.unit)
        rows += [("from", _moment(milliseconds.min())), ("to", _moment(milliseconds.max()))]
    if roles.user:
        rows += [("users", f"{sample.frame[roles.user].nunique():,}")]
        rows += [(f"rows per {roles.user}", _quantiles(sample.frame[roles.user].value_counts()))]
    if roles.session:
        lengths = sample.frame[roles.session].value_counts()
        rows += [(f"sessions ({roles.session})", f"{len(lengths):,}"), ("rows per session", _quantiles(lengths))]
    elif roles.user and milliseconds is not None:
        sessions = session_ids(sample.frame[roles.user], milliseconds, RULE)
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


def _milliseconds(column: "pd.Series[Any]", unit: str | None) -> "pd.Series[int]":
    seen = column.dropna()
    scaled = seen.astype("int64") // 1_000_000 if unit is None else (seen * MS[unit]).astype("int64")
    return scaled.reindex(column.index, fill_value=scaled.min())


def _moment(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _draft(file: Path, folder: Path, files: Sequence[TableFile], sample: Sample, roles: Roles) -> str:
    lines = ["# A draft: check each line. An input must be known before the outcome is."]
    left = {name: roles.notes.get(name, "") for name in roles.named("left out")}
    lines += [f"# left out: {name} ({note})" for name, note in left.items()]
    lines.append(f"files = {_toml(os.path.relpath(file.resolve(), folder.resolve()))}")
    if roles.tasks:
        lines.append(f"tasks = [{', '.join(_task(name, roles) for name in roles.tasks)}]")
    else:
        lines.append("tasks = []  # no column looks like an outcome: name columns of 0 and 1, or make them of others:")
        lines.append('# tasks = [{ name = "purchase", column = "event", equals = "bought" }]')
    if len(roles.tasks) > 1:
        lines.append(f"relation = {_toml('funnel' if roles.funnel else 'parallel')}")
    for use in ("categorical", "numerical"):
        if names := roles.named(use):
            lines.append(f"{use} = [{', '.join(map(_toml, names))}]")
    if roles.timestamp:
        lines.append(f"timestamp = {_toml(roles.timestamp)}")
    if roles.unit:
        lines.append(f"timestamp_unit = {_toml(roles.unit)}")
    if roles.user:
        lines.append(f"user = {_toml(roles.user)}")
    if roles.session:
        lines.append(f"session = {_toml(roles.session)}")
    elif roles.user and roles.timestamp:
        lines.append(f"session_rule = {_toml(RULE)}")
    delimiter = files[0].delimiter if isinstance(files[0], CsvFile) else ","
    if delimiter != ("\t" if ".tsv" in files[0].path.name else ","):
        lines.append(f"delimiter = {_toml(delimiter)}")
    return "\n".join(lines) + "\n"


def _task(name: str, roles: Roles) -> str:
    if name not in roles.equals:
        return _toml(name)
    return f"{{ name = {_toml(name)}, column = {_toml(name)}, equals = {_toml(roles.equals[name])} }}"


def _toml(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False)
