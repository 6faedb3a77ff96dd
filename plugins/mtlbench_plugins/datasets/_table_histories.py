"""The histories of a log that is read, and how much of its bags is left out."""

from mtlbench import api
from mtlbench_plugins.datasets._table_bags import TableBag, marks
from mtlbench_plugins.datasets._table_schema import TableSchema


def add_histories(frame: api.SpilledFrame, schema: TableSchema) -> None:
    """Put each history of ``schema`` into ``frame``, in place of the columns that say which events count."""
    for one in schema.history:
        where = None if one.where is None else one.mark if one.mark in marks(schema) else one.where.text
        user, time = schema.id_column(str(schema.user)), str(schema.timestamp)
        frame[one.name] = api.history(frame, user, one.of, time, where, one.last)
    for mark in marks(schema):
        del frame[mark]


def refuse_empty(frame: api.SpilledFrame, schema: TableSchema, origin: str) -> None:
    """Refuse a bag or a history that has no id in any row.

    Raises:
        DataError: naming it and the remedy.
    """
    for one in schema.several:
        if frame[one.name].list.len().any():
            continue
        if isinstance(one, TableBag):
            what = f"column {one.name!r} of `bags` has no id in any row: take it out"
        else:
            which = f" for which `{one.where.text}` holds" if one.where else ""
            what = f"{one.name!r} is empty in all rows: no user has an earlier row{which}; correct `where`, or take"
            what += " the history out"
        raise api.DataError(f"{origin}: {what}")


def single_bags(frame: api.SpilledFrame, schema: TableSchema) -> list[str]:
    """Warnings of bags of texts of which none has a second id, as under a separator that is another one."""
    return [
        f"no row of the bags {bag.name!r} has two ids with {bag.separator!r} between them: check the `separator`, or "
        "name the column as categorical"
        for bag in schema.bags
        if bag.separator and frame[bag.name].list.len().max() < 2
    ]


def cut_bags(frame: api.SpilledFrame, schema: TableSchema) -> dict[str, float]:
    """The share of the rows in which a bag of the files has more ids than its length, as facts."""
    shares = {bag.name: float((frame[bag.name].list.len() > bag.length).mean()) for bag in schema.bags}
    return {f"longer_than_length.{name}": share for name, share in shares.items() if share}
