"""A user's own log: CSV or Parquet files, and a description of their columns."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets._described import described
from mtlbench_plugins.datasets._table_description import read_schema
from mtlbench_plugins.datasets._table_file import TableFile
from mtlbench_plugins.datasets._table_log import VERSION, open_log, paths_of, read_log
from mtlbench_plugins.datasets._table_schema import TableSchema


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

    ``join = { files = "items.csv", on = "item_id", columns = ["genre", "price"] }`` brings columns of another file,
    which has a row for each id of ``on``; ``key`` is its column of ids where that has another name. Name the columns
    as inputs too.

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
    version = VERSION
    needs_parameters = True

    class Params(api.Params):
        """Parameters of ``table``."""

        schema_: Path | None = Field(None, alias="schema", description="TOML file that describes the table")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The description and the files it names; ``root`` is not read."""
        return [self._path(), *paths_of(self._open(self._schema()))]

    def load(self, root: Path) -> api.Log:
        """Read the files block by block, check each, and make columns of ids, numbers and labels."""
        schema = self._schema()
        return read_log(self._open(schema), schema)

    @classmethod
    def describe(cls, file: Path, folder: Path, tasks: Sequence[str] = ()) -> api.Description:
        """A profile of ``file`` and a draft of its description; tasks are columns, or rules such as ``rating>=8``."""
        from mtlbench_plugins.describing import describe  # which reads files the way that this dataset does

        return describe(file, folder, tasks)

    @classmethod
    def from_description(cls, file: Path) -> type[api.Dataset]:
        """A public log whose columns are described as those of a user's own table."""
        return described(file)

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
        return open_log(self._path().parent, schema)
