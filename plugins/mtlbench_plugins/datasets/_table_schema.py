"""What the columns of a user's own table mean: the keys of its description."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints

from mtlbench.api import Params, Task, funnel
from mtlbench.api.sessions import SESSION_RULE
from mtlbench_plugins.datasets import _table_bags
from mtlbench_plugins.datasets._table_bags import TableBag, TableHistory, as_bag
from mtlbench_plugins.datasets._table_join import TableJoin, as_joins
from mtlbench_plugins.datasets._table_split import TableSplit
from mtlbench_plugins.datasets._table_tasks import TableTask, Text, as_task

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", r"\N")
"""Fields of a CSV file that count as missing, unless the description says otherwise."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[Text, ...], BeforeValidator(_listed)]


class TableSchema(Params):
    """What the columns of a table mean. Every field is a key of the description."""

    files: Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1)]
    """Files and folders, relative to the description."""
    tasks: Annotated[
        tuple[Annotated[TableTask, BeforeValidator(as_task)], ...], BeforeValidator(_listed), Field(min_length=1)
    ]
    """Labels, in the order of the funnel where they form one."""
    relation: Literal["funnel", "parallel"] | None = None
    """Of plain tasks; ``None`` is a funnel of them."""
    categorical: Names = ()
    numerical: Names = ()
    binned: dict[Text, Annotated[int, Field(ge=2, le=10_000, strict=True)]] = Field(default_factory=dict)
    """Numbers that are cut into bins, and into how many."""
    timestamp: Text | None = None
    timestamp_unit: Literal["s", "ms", "us", "ns"] | None = None
    """Of timestamps that are numbers."""
    timestamp_format: Text | None = None
    """Of timestamps that are written as dates, in the codes of ``strptime``, where it cannot be told by itself."""
    relative_time: StrictBool = False
    """Whether timestamps that are numbers count from a start of their own, so that 0 is a time like any other."""
    session: Text | None = None
    """Column of session ids."""
    session_rule: Annotated[str, Field(pattern=f"^({SESSION_RULE})$")] | None = None
    """Sessions from ``user`` and ``timestamp``, for a log without session ids."""
    user: Text | None = None
    user_inputs: Names = ()
    """The inputs that describe the user. Some methods leave them out of a state."""
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    missing: Annotated[tuple[str, ...], BeforeValidator(_listed)] = MISSING
    min_count: Annotated[int, Field(ge=1, strict=True)] = 1
    split: TableSplit = TableSplit()
    """How the log is split."""
    bags: Annotated[tuple[Annotated[TableBag, BeforeValidator(as_bag)], ...], BeforeValidator(_listed)] = ()
    """Columns of several ids in a row."""
    vectors: Names = ()
    """Columns of lists of equally many numbers."""
    history: tuple[TableHistory, ...] = ()
    """What the user did before each row."""
    weight: Text | None = None
    """Column of sample weights."""
    join: Annotated[tuple[TableJoin, ...], BeforeValidator(as_joins)] = ()
    """Files that say more of the ids of a column, such as the features of the items."""

    def columns(self) -> list[str]:
        """Every column that is read, each once."""
        sources = [name for task in self.tasks for name in task.columns]
        rest = filter(None, (self.timestamp, self.session, self.user, self.split.column, self.weight))
        bags = [bag.column for bag in self.bags]
        marks = [condition.column for condition in _table_bags.marks(self).values()]
        inputs = (*self.categorical, *self.numerical, *self.binned, *self.vectors, *bags)
        return list(dict.fromkeys([*sources, *inputs, *rest, *marks]))

    @property
    def several(self) -> tuple[TableBag | TableHistory, ...]:
        """The inputs of several ids in a row."""
        return (*self.bags, *self.history)

    @property
    def funnel(self) -> bool:
        """Whether each task happens only where the one before it did."""
        return self.relation != "parallel" and all(task.is_plain for task in self.tasks)

    @property
    def described_tasks(self) -> tuple[Task, ...]:
        """The tasks of the log."""
        return (
            funnel(*(task.name for task in self.tasks)) if self.funnel else tuple(map(TableTask.described, self.tasks))
        )

    def id_column(self, name: str) -> str:
        """What the ids of a column are called: a column that is a number too stands twice in the log."""
        return f"{name}, as an id" if name in (*self.numerical, *self.binned) else name
