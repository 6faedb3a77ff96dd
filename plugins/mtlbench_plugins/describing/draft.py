"""The draft of a table's description."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mtlbench_plugins.datasets._table_files import CsvFile, TableFile
from mtlbench_plugins.describing.bags import length_of
from mtlbench_plugins.describing.candidates import Candidate
from mtlbench_plugins.describing.proposals import BINS, is_skewed
from mtlbench_plugins.describing.roles import Roles
from mtlbench_plugins.describing.sample import Sample
from mtlbench_plugins.describing.times import are_days_alone, is_named_as_time

RULE = "user-gap30m"


def draft(
    file: Path,
    folder: Path,
    files: Sequence[TableFile],
    sample: Sample,
    roles: Roles,
    notes: Sequence[str],
    pivot: str | None,
) -> str:
    """The TOML of the description of ``file``, which is to lie in ``folder``.

    Args:
        file: the file or folder described.
        folder: where the description will lie.
        files: the table.
        sample: what it was judged by.
        roles: what its columns seem to be.
        notes: what a reader should know, as comments.
        pivot: lines of Python that make impressions of a log of events.
    """
    lines = ["# A draft: check each line. An input must be known before the outcome is."]
    lines += [f"# {note}" for note in notes]
    lines += [f"#     {line}" for line in (pivot.splitlines() if pivot else ())]
    left = {name: roles.notes.get(name, "") for name in roles.named("left out")}
    lines += [f"# left out: {name} ({note})" for name, note in left.items()]
    lines.append(f"files = {_toml(os.path.relpath(file.resolve(), folder.resolve()))}")
    lines += _tasks(roles)
    for use in ("categorical", "numerical"):
        if names := roles.named(use):
            lines.append(f"{use} = [{', '.join(map(_toml, names))}]")
    if bags := roles.named("bag"):
        lines.append(f"bags = [{', '.join(_bag(name, sample, roles) for name in bags)}]")
    if vectors := roles.named("vector"):
        lines.append(f"vectors = [{', '.join(map(_toml, vectors))}]")
    if skewed := [name for name in roles.named("numerical") if is_skewed(sample.frame[name])]:
        lines.append(
            "# Most values of these lie close together beside a few that are far off. Bins may suit them better:"
        )
        lines.append(
            f"# binned = {{ {', '.join(f'{_toml(name)} = {BINS}' for name in skewed)} }}  # not in `numerical` then"
        )
    if roles.split:
        lines.append(f"split = {{ column = {_toml(roles.split)} }}")
    if roles.weight:
        lines.append(f"weight = {_toml(roles.weight)}  # how much each row counts: in training and in metrics")
    lines += _time(sample, roles)
    delimiter = files[0].delimiter if isinstance(files[0], CsvFile) else ","
    if delimiter != ("\t" if ".tsv" in files[0].path.name else ","):
        lines.append(f"delimiter = {_toml(delimiter)}")
    return "\n".join(line.replace("\r", " ").replace("\n", " ") for line in lines) + "\n"


def _tasks(roles: Roles) -> Iterator[str]:
    for name, why in roles.stages.items():
        if name in roles.tasks:
            yield f"# {name} is a task: it is {why}"
    if roles.others:
        yield "tasks = ["
        yield from (f"  {_task(name, roles)}," for name in roles.tasks)
        yield from (f"  {_candidate(one)},  # {one.why}" for one in roles.others)
        yield "]"
    elif roles.tasks:
        yield f"tasks = [{', '.join(_task(name, roles) for name in roles.tasks)}]"
    elif roles.events:
        yield "tasks = []  # the outcomes, once each has a column"
    elif roles.candidates:
        yield "tasks = ["
        yield from (f"  {_candidate(one)},  # {one.why}" for one in roles.candidates)
        yield "]"
    else:
        yield "tasks = []  # no column looks like an outcome: name columns of 0 and 1, or make them of others:"
        yield '# tasks = [{ name = "long_stay", column = "seconds", at_least = 60 }]'
    if len(roles.tasks) > 1 and not roles.others:
        yield f"relation = {_toml('funnel' if roles.funnel else 'parallel')}"
    if roles.candidates and (roles.tasks or roles.others):
        yield "# These may be tasks as well. Add to `tasks` those that are outcomes, and take them out of the inputs."
        if len(roles.tasks) > 1:
            yield "# Then leave `relation` out, and say a stage that comes after another by `after`."
        yield from (f"#   {_candidate(one)},  # {one.why}" for one in roles.candidates)


def _candidate(one: Candidate) -> str:
    """A candidate as a task of the description."""
    keys = [f"name = {_toml(one.name)}"]
    keys += [f"kind = {_toml(one.kind)}"] if one.kind != "binary" else []
    keys += [f"after = {_toml(one.after)}, within = true"] if one.after else []
    keys += [f"observed = {_toml(one.observed)}"] if one.observed else []
    return f"{{ {', '.join(keys)} }}"


def _bag(name: str, sample: Sample, roles: Roles) -> str:
    """A bag of the description."""
    separator = roles.separators.get(name)
    if separator is None:
        return _toml(name)
    length = length_of(sample.frame[name], separator)
    more = f", length = {length}" if length else ""
    return f"{{ column = {_toml(name)}, separator = {_toml(separator)}{more} }}"


def _time(sample: Sample, roles: Roles) -> Iterator[str]:
    timestamp = roles.timestamp
    if timestamp:
        yield f"timestamp = {_toml(timestamp.name)}"
        if timestamp.unit:
            yield f"timestamp_unit = {_toml(timestamp.unit)}"
        if timestamp.form:
            yield f"timestamp_format = {_toml(timestamp.form)}"
    else:
        yield from _doubtful_time(sample, roles)
    if roles.user:
        yield f"user = {_toml(roles.user)}"
    if roles.session:
        yield f"session = {_toml(roles.session)}"
    elif roles.user and timestamp and are_days_alone(sample, timestamp):
        yield "# The times are days alone, so the order within a day is not known. This takes all rows of a day as one:"
        yield '# session_rule = "user-day"'
    elif roles.user and timestamp:
        yield f"session_rule = {_toml(RULE)}"


def _doubtful_time(sample: Sample, roles: Roles) -> Iterator[str]:
    """How a column that may be the time can be named as such; the split is random otherwise."""
    for name in roles.named("left out"):
        if sample.kinds[name] == "text" and "else the split is random" in roles.notes[name]:
            yield f"# timestamp = {_toml(name)}  # once it can be read in each row; the split is random without it"
        elif sample.kinds[name] == "date" or "cannot be read" in roles.notes[name]:
            yield f"# timestamp = {_toml(name)}"
            yield '# timestamp_format = "%d/%m/%Y %H:%M"  # or "%m/%d/%Y %H:%M", as it is written'
        elif sample.kinds[name] in {"integer", "number"} and is_named_as_time(name):
            yield f"# timestamp = {_toml(name)}"
            yield '# timestamp_unit = "s"'
            yield "# relative_time = true"


def _task(name: str, roles: Roles) -> str:
    """A task of 0 and 1; beside tasks of other kinds, `after` says what `relation` says of a funnel."""
    keys = [f"name = {_toml(name)}"]
    if rule := roles.rules.get(name):
        keys += [f"column = {_toml(rule.column)}", f"{rule.key} = {_toml(rule.value)}"]
    place = roles.tasks.index(name)
    if roles.others and roles.funnel and place:
        keys.append(f"after = {_toml(roles.tasks[place - 1])}")
    return f"{{ {', '.join(keys)} }}" if len(keys) > 1 else _toml(name)


def _toml(value: str | float) -> str:
    """A basic string of TOML, or a number."""
    return json.dumps(value, ensure_ascii=False)
