"""A user's own log: CSV or Parquet files, and a description of their columns."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets import _table_columns
from mtlbench_plugins.datasets._table_files import CATEGORY, TableFile, open_tables
from mtlbench_plugins.datasets._table_histories import add_histories, judge_bags
from mtlbench_plugins.datasets._table_schema import TableSchema, read_schema
from mtlbench_plugins.datasets._table_survey import Survey

SHOWN_VALUES = 5


class Table(api.Dataset):
    """Your own log: a CSV or Parquet file, or a folder of them, described by a TOML file of a few lines.

    ``mtlbench data describe my_log.csv`` drafts the description, and the page "Your own log" of the documentation
    explains one. The path in ``schema`` starts at the current folder, in a study file at the folder of that file. The
    paths inside the TOML file start at its own folder::

        files = "my_log.csv"
        tasks = ["click", "purchase"]
        categorical = ["user_id", "item_id", "city"]
        numerical = ["price"]
        timestamp = "time"
        timestamp_unit = "s"
        user = "user_id"
        session_rule = "user-gap30m"

    Rows: one per impression, in any order. The files of a folder are read one after the other, by name: ``.csv``,
    ``.csv.gz``, ``.tsv``, ``.tsv.gz`` (UTF-8, with a header; ``delimiter``, ``missing``), ``.jsonl``, ``.jsonl.gz`` or
    ``.parquet``. Folders ``key=value`` give a column ``key``. A field ``b`` of a struct ``a`` is the column ``a.b``.

    Tasks: columns of 0 and 1 (or true and false) in the order of the funnel, or in any order with
    ``relation = "parallel"``. A task can also be a rule over a column, with ``at_least`` or ``equals``:
    ``{ name = "long_view", column = "seconds", at_least = 20 }``, or of another ``kind``, with its ``params``:
    ``{ name = "watch", column = "seconds", kind = "nonnegative", after = "click", within = true }``. ``observed`` says
    where a label is known: ``"rated"`` (a column of 0 and 1), ``"rated == 1"`` (one comparison of a column with a
    number, truth or text), or ``"rating is given"``. A label that is missing elsewhere is refused. A column that gives
    a label, or says where it is known, cannot be an input. You must leave out whatever else became known after the
    impression, because only you know that.

    Inputs: ``categorical`` columns are ids, compared as text ("07" is not "7"), where a whole float is the integer
    ("7.0" is "7") and NaN is missing; ``numerical`` columns are numbers. Missing values are allowed in both.
    ``binned = { price = 20 }`` cuts a column of numbers into so many quantile bins, each with an embedding.
    ``min_count``: ids rarer than this in training are unknown. ``user_inputs`` says which of them describe the user,
    for critics whose state leaves those out.

    ``bags`` are columns of several ids in a row: lists (Parquet), or texts with a ``separator``, as in
    ``bags = ["tags", { column = "genre", separator = "|", length = 20, pooling = "mean" }]``. ``of`` names the
    categorical input whose ids they are. ``history = [{ of = "item_id", where = "click", last = 20 }]`` makes one of
    the user's earlier rows.

    ``vectors = ["embedding"]`` names columns of lists of equally many numbers (Parquet), such as pretrained embeddings
    of a text. Each becomes one vector.

    Time: ``timestamp`` is a date and time in any form that leaves no doubt (``timestamp_format`` says the form where
    it does; UTC where it names no zone), or a number in ``timestamp_unit``. All values are judged: a zero for a
    missing time, two units, dates written as one number and what is no date of our time are refused, unless
    ``relative_time`` says that times count from a start of their own. Without a timestamp the split is random with a
    fixed seed. Sessions: ``session`` names a column of ids, each of one ``user`` where that is named, or
    ``session_rule`` makes them of ``user`` and ``timestamp`` (``user-gapNm``, ``user-day`` in UTC, ``user``). Without
    timestamps or sessions there is no session MDP, and what needs one is not applicable.

    Weights: ``weight = "sample_weight"`` names a column of numbers >= 0 that say how much a row counts in training and
    in metrics. Only their ratios matter.

    Split: 6:2:2 by time, unless ``split`` says ``{ fractions = [0.8, 0.1, 0.1] }``, ``{ by_user = true, seed = 1 }``
    (all rows of a user in one split), ``{ validation_from = 2024-05-20, test_from = 2024-05-27 }`` (UTC; or numbers
    in ``timestamp_unit``) or ``{ column = "part" }`` (train, validation or test in each row).
    """

    name, label = "table", "Table"
    version = 2
    needs_parameters = True

    class Params(api.Params):
        """Parameters of ``table``."""

        schema_: Path | None = Field(None, alias="schema", description="TOML file that describes the table")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The description and the files it names; ``root`` is not read."""
        return [self._path(), *(file.path for file in self._open(self._schema()))]

    def load(self, root: Path) -> api.Log:
        """Read the files block by block, check each, and make columns of ids, numbers and labels."""
        schema = self._schema()
        files = self._open(schema)
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

    @classmethod
    def describe(cls, file: Path, folder: Path, tasks: Sequence[str] = ()) -> api.Description:
        """A profile of ``file`` and a draft of its description; tasks are columns, or rules such as ``rating>=8``."""
        from mtlbench_plugins.describing import describe  # which reads files the way that this dataset does

        return describe(file, folder, tasks)

    def _path(self) -> Path:
        if self.params.schema_ is None:
            raise api.UsageError(
                "dataset 'table' needs the description of your log: --dataset 'table[schema=my_log.toml]'; "
                "`mtlbench data describe my_log.csv` drafts one"
            )
        return self.base / self.params.schema_.expanduser()

    def _schema(self) -> TableSchema:
        return read_schema(self._path())

    def _open(self, schema: TableSchema) -> list[TableFile]:
        folder = self._path().parent
        paths = [folder / Path(name).expanduser() for name in schema.files]
        return open_tables(paths, schema.delimiter, schema.missing)


def _values(file: TableFile, column: str) -> str:
    """Some values of a column, for a message."""
    _, block = next(file.blocks({column: CATEGORY}))
    values = block[column].dictionary.to_pylist()[:SHOWN_VALUES]
    return f"its values are {', '.join(map(repr, values))}{', ...' if len(values) == SHOWN_VALUES else ''}"
