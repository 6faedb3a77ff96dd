"""The histories of a log that is read, and how much of its bags is left out."""

from mtlbench import api
from mtlbench_plugins.datasets._table_bags import marks
from mtlbench_plugins.datasets._table_schema import TableSchema


def add_histories(frame: api.SpilledFrame, schema: TableSchema) -> None:
    """Put each history of ``schema`` into ``frame``, in place of the columns that say which events count."""
    for one in schema.history:
        where = None if one.where is None else one.mark if one.mark in marks(schema) else one.where.text
        user, time = schema.id_column(str(schema.user)), str(schema.timestamp)
        frame[one.name] = api.history(frame, user, one.of, time, where, one.last)
    for mark in marks(schema):
        del frame[mark]


def cut_bags(frame: api.SpilledFrame, schema: TableSchema) -> dict[str, float]:
    """The share of the rows in which a bag of the files has more ids than its length, as facts."""
    shares = {bag.name: float((frame[bag.name].list.len() > bag.length).mean()) for bag in schema.bags}
    return {f"longer_than_length.{name}": share for name, share in shares.items() if share}
