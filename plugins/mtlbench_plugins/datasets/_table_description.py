"""The description of a user's own table: a TOML file of a few lines, which is validated before any data is read."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mtlbench.api import DataError, Params, did_you_mean
from mtlbench.api.tasks import check_order
from mtlbench_plugins.datasets import _table_bags, _table_join, _table_split, _table_vectors
from mtlbench_plugins.datasets._table_bags import TableBag, TableHistory
from mtlbench_plugins.datasets._table_join import TableJoin
from mtlbench_plugins.datasets._table_schema import TableSchema
from mtlbench_plugins.datasets._table_split import TableSplit
from mtlbench_plugins.datasets._table_tasks import EXAMPLES_OF_TASKS, TableTask
from mtlbench_plugins.datasets._table_times import EXAMPLES as OF_TIME
from mtlbench_plugins.datasets._table_times import contradiction_in_time

EXAMPLES = {
    "files": 'files = "my_log.csv", a file or a folder',
    "tasks": 'tasks = ["click", "purchase"], or { name = "buyer", column = "orders", at_least = 1 } in that list',
    "relation": 'relation = "funnel", or "parallel"',
    "categorical": 'categorical = ["user_id", "item_id"]',
    "numerical": 'numerical = ["price"]',
    "binned": "binned = { price = 20 }",
    **OF_TIME,
    "session": 'session = "session_id"',
    "session_rule": 'session_rule = "user-gap30m", or "user", "user-day"',
    "user": 'user = "user_id"',
    "user_inputs": 'user_inputs = ["user_id", "age"]',
    "delimiter": 'delimiter = ";"',
    "missing": 'missing = ["", "?"]',
    "min_count": "min_count = 2",
    **_table_split.EXAMPLES,
    **_table_bags.EXAMPLES,
    **_table_vectors.EXAMPLES,
    "weight": 'weight = "sample_weight"',
    **_table_join.EXAMPLES,
}
PARTS: dict[str, tuple[str, type[Params]]] = {
    "tasks": ("task", TableTask),
    "split": ("split", TableSplit),
    "bags": ("bag", TableBag),
    "history": ("history", TableHistory),
    "join": ("join", TableJoin),
}
"""What the keys hold that are tables themselves."""
PLAIN = {
    "tuple": "a list in brackets",
    "dictionary": "a table in braces",
    "string": "a text in quotes",
    "boolean": "true or false",
    "integer": "a whole number",
}
"""The types of TOML by the names that pydantic has for Python's."""


def read_schema(path: Path) -> TableSchema:
    """The validated description in the TOML file ``path``.

    Raises:
        DataError: it cannot be read, or a key or value makes no sense; the message says what to write.
    """
    return check_schema(read_toml(path), str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """What the TOML file ``path`` holds.

    Raises:
        DataError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot read the description of the table: {error.strerror}; a relative path starts at the "
            "current folder; `mtlbench data describe FILE` drafts one"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no TOML: it is not UTF-8 text; save it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DataError(f"{path} is no TOML: {error}; texts stand in double quotes, lists in brackets") from error


def check_schema(given: Mapping[str, Any], where: str) -> TableSchema:
    """The description ``given``, validated.

    Raises:
        DataError: a key or value makes no sense; the message begins with ``where`` and says what to write.
    """
    try:
        schema = TableSchema.model_validate(given)
    except ValidationError as error:
        raise DataError(f"{where}: {_complaint(error)}") from error
    if reason := _contradiction(schema):
        raise DataError(f"{where}: {reason}")
    return schema


def _complaint(error: ValidationError) -> str:
    """The first thing that is wrong. Unknown keys come first: a missing key may be one of them, misspelt."""
    details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    detail = details[0]
    key, *inner = (str(part) for part in detail["loc"])
    example = f"write {EXAMPLES[key]}" if key in EXAMPLES else ""
    if detail["type"] == "extra_forbidden":
        what, part = PARTS[key] if inner else ("", TableSchema)
        unknown, of = str(detail["loc"][-1]), f" of a {what}" if inner else ""
        return f"unknown key {unknown!r}{of}: {did_you_mean(unknown, list(part.model_fields))}"
    if detail["type"] == "missing":
        return f"the key {(inner or [key])[-1]!r} is missing{f' in `{key}`' if inner else ''}: {example}"
    reason = detail["msg"].removeprefix("Value error, ").replace("Input should", "it should", 1)
    for word, plain in PLAIN.items():
        reason = reason.replace(f"be a valid {word}", f"be {plain}")
    if detail["type"] == "model_type":
        bare = "the name of a column, or " if key in ("tasks", "bags") else ""
        reason = f"a {PARTS[key][0]} is {bare}a table in braces"
    if key == "tasks" and inner and inner[-1] in EXAMPLES_OF_TASKS:
        key, example = inner[-1], f"write {EXAMPLES_OF_TASKS[inner[-1]]}"
    return f"`{key}` holds {detail['input']!r}: {reason[:1].lower()}{reason[1:]}; {example}"


def _contradiction(schema: TableSchema) -> str | None:
    """What is wrong only when keys are taken together, with the remedy."""
    inputs = [*schema.categorical, *schema.numerical, *schema.binned, *schema.vectors]
    names = [task.name for task in schema.tasks]
    if not (schema.categorical or schema.numerical or schema.binned):
        return f"no input is named: {EXAMPLES['categorical']} or {EXAMPLES['numerical']}"
    for name in [*inputs, *names]:
        if inputs.count(name) > 1:
            return f"column {name!r} stands twice among the lists of inputs: name it once"
        if names.count(name) > 1:
            return f"task {name!r} stands twice in `tasks`: name it once"
    every = [*inputs, *(one.name for one in schema.several)]
    for name in schema.user_inputs:
        if name not in every:
            return f"`user_inputs` names {name!r}, which is no input: {did_you_mean(name, every)}"
    for task in schema.tasks:
        for name in {task.name, task.source} & set(inputs):
            return f"column {name!r} is an input and gives the label {task.name!r}, which leaks the answer: take it out"
        if task.observed and task.observed.column in inputs:
            return (
                f"column {task.observed.column!r} is an input and says where {task.name!r} was observed, which leaks "
                "the answer: take it out of the inputs, or copy it under another name if it is known before the outcome"
            )
    return (
        _contradiction_of_tasks(schema)
        or contradiction_in_time(schema)
        or _table_split.contradiction(schema)
        or _table_bags.contradiction(schema)
        or _table_vectors.contradiction(schema)
        or _table_join.contradiction(schema)
        or _contradiction_of_weight(schema)
    )


def _contradiction_of_weight(schema: TableSchema) -> str | None:
    """What else the column of weights is, with the remedy."""
    inputs = [*schema.categorical, *schema.numerical, *schema.binned, *schema.vectors]
    roles = (schema.timestamp, schema.session, schema.user, schema.split.column)
    if schema.weight in (*inputs, *(one.name for one in schema.several), *filter(None, roles)):
        return f"column {schema.weight!r} gives the weights, and is used otherwise too: name it in `weight` alone"
    for task in schema.tasks:
        if schema.weight in (task.name, *task.columns):
            return f"column {schema.weight!r} gives the weights and the label {task.name!r}: name another"
    return None


def _contradiction_of_tasks(schema: TableSchema) -> str | None:
    for task in schema.tasks:
        if reason := task.contradiction():
            return reason
        if schema.relation and (task.after is not None or (schema.relation == "funnel" and not task.is_plain)):
            return (
                f"`relation = {schema.relation!r}` is for plain tasks of 0 and 1 alone, and task {task.name!r} has "
                "`after`, `observed` or a `kind`: leave `relation` out, and say `after` of each later stage"
            )
    try:
        check_order(schema.described_tasks)
    except DataError as error:
        return str(error)
    return None
