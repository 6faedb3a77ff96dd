"""From the files of a table to its log."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mtlbench import api
from mtlbench_plugins.datasets import _table_columns
from mtlbench_plugins.datasets._table_file import CATEGORY, TableFile
from mtlbench_plugins.datasets._table_files import open_tables
from mtlbench_plugins.datasets._table_histories import add_histories, judge_bags
from mtlbench_plugins.datasets._table_join import JoinedFile, Lookup, unmatched
from mtlbench_plugins.datasets._table_schema import TableSchema
from mtlbench_plugins.datasets._table_survey import Survey

VERSION = 2
"""Raise it when the same files and description give another log."""
SHOWN_VALUES = 5


def open_log(folder: Path, schema: TableSchema) -> list[TableFile]:
    """The files that ``schema`` names, with what is joined to them; relative paths start at ``folder``.

    Raises:
        DataError: one is not there, or its name tells no kind of table.
    """

    def opened(names: Iterable[str]) -> list[TableFile]:
        return open_tables([folder / Path(name).expanduser() for name in names], schema.delimiter, schema.missing)

    lookups = tuple(Lookup(join, tuple(opened(join.files))) for join in schema.join)
    files = opened(schema.files)
    return [JoinedFile(file.path, file, lookups) for file in files] if lookups else files


def paths_of(files: Sequence[TableFile]) -> list[Path]:
    """Every file that is read, those that are joined last, each once."""
    joined = [path for file in files if isinstance(file, JoinedFile) for path in file.joined]
    return list(dict.fromkeys([*(file.path for file in files), *joined]))


def read_log(files: Sequence[TableFile], schema: TableSchema) -> api.Log:
    """Read ``files`` block by block, check each, and make columns of ids, numbers and labels.

    Raises:
        DataError: a value is wrong; the message names file, column, row and remedy.
    """
    survey = Survey(schema)
    frame = api.SpilledFrame(_table_columns.read(files, schema, survey))
    origin = f"{files[0].path}{f' and {len(files) - 1} more files' if len(files) > 1 else ''}"
    for task in schema.tasks if len(frame) else ():
        if task.observed and frame[task.name].isna().all():
            what = f"no row fulfils {task.observed.text!r}, so task {task.name!r} is observed nowhere"
            raise api.DataError(f"{origin}: {what}: {_values(files[0], task.observed.column)}; correct `observed`")
        if task.equals is not None and not frame[task.name].any():
            what = f"no row has {task.equals!r} in column {task.source!r}, so task {task.name!r} is never 1"
            raise api.DataError(f"{origin}: {what}: {_values(files[0], task.source)}; correct `equals`")
    if len(frame) and (reason := unmatched(schema, frame)):
        raise api.DataError(f"{origin}: {reason}")
    session, user = (name and schema.id_column(name) for name in (schema.session, schema.user))
    if schema.session_rule and len(frame):
        session = "session, by rule"
        frame[session] = api.session_ids(frame[str(user)], frame[str(schema.timestamp)], schema.session_rule)
    shares: dict[str, float] = {}
    doubts: list[str] = []
    if len(frame):
        add_histories(frame, schema)
        shares, doubts = judge_bags(frame, schema, origin)
    return api.Log(
        frame=frame,
        tasks=schema.described_tasks,
        categorical=schema.categorical,
        numerical=schema.numerical,
        binned=schema.binned,
        vectors=schema.vectors,
        timestamp=schema.timestamp,
        session=session,
        user=user,
        user_inputs=schema.user_inputs,
        min_count=schema.min_count,
        origin=origin,
        facts={**survey.facts(), **shares},
        warnings=(*survey.warnings(), *doubts),
        place=survey.place,
        bags=[one.described() for one in schema.several],
        splitting=schema.split.described(schema.timestamp_unit),
        weight=schema.weight,
    )


def _values(file: TableFile, column: str) -> str:
    """Some values of a column, for a message."""
    _, block = next(file.blocks({column: CATEGORY}))
    values = block[column].dictionary.to_pylist()[:SHOWN_VALUES]
    return f"its values are {', '.join(map(repr, values))}{', ...' if len(values) == SHOWN_VALUES else ''}"
