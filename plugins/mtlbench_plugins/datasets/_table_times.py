"""The keys of a description that are of time and sessions: what they look like, and what contradicts what."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlbench_plugins.datasets._table_schema import TableSchema

EXAMPLES = {
    "timestamp": 'timestamp = "time"',
    "timestamp_unit": 'timestamp_unit = "s", or "ms", "us", "ns"',
    "timestamp_format": 'timestamp_format = "%d/%m/%Y %H:%M"',
    "relative_time": "relative_time = true",
}
EXAMPLE_TIME = datetime(2024, 5, 31, 13, 45)


def contradiction_in_time(schema: "TableSchema") -> str | None:
    """What is wrong only when keys of time are taken together, with the remedy."""
    sources = {name: task.name for task in schema.tasks for name in (task.name, *task.columns)}
    for role, name in (("timestamp", schema.timestamp), ("session", schema.session), ("user", schema.user)):
        if name in sources:
            return f"column {name!r} is the {role} and gives the label {sources[name]!r}: name another {role}"
    if schema.session and schema.session_rule:
        return "`session` and `session_rule` exclude each other: keep the column, or the rule"
    if schema.session_rule and not (schema.user and schema.timestamp):
        return f'`session_rule` needs `user` and `timestamp`: user = "user_id", {EXAMPLES["timestamp"]}'
    for key in ("timestamp_unit", "timestamp_format", "relative_time"):
        if getattr(schema, key) and not schema.timestamp:
            return f"`{key}` without `timestamp`: {EXAMPLES['timestamp']}, or leave `{key}` out"
    if schema.timestamp in (*schema.categorical, *schema.numerical, *schema.binned):
        return f"column {schema.timestamp!r} is the timestamp and an input: later times are all new; take it out there"
    if schema.timestamp and schema.timestamp in (schema.session, schema.user):
        return f"column {schema.timestamp!r} is the timestamp and an id: name another column for one of them"
    if schema.timestamp_unit and schema.timestamp_format:
        return "`timestamp_unit` is for numbers and `timestamp_format` for dates: keep one"
    if schema.relative_time and not schema.timestamp_unit:
        return f"`relative_time` is for times that are numbers: {EXAMPLES['timestamp_unit']}"
    return _contradiction_in_format(schema.timestamp_format)


def _contradiction_in_format(form: str | None) -> str | None:
    if form is None:
        return None
    try:
        dates_read = datetime.strptime(EXAMPLE_TIME.strftime(form), form).date() == EXAMPLE_TIME.date()
    except ValueError as error:
        return f"`timestamp_format` is {form!r}: {error}; {EXAMPLES['timestamp_format']}"
    if not dates_read:
        return f"`timestamp_format` is {form!r}, which has no year, month or day: {EXAMPLES['timestamp_format']}"
    return None
