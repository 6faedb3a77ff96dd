"""The histories of a log that is read, and what is to be said of its bags."""

from mtlbench import api
from mtlbench_plugins.datasets._table_bags import TableBag, TableHistory, marks
from mtlbench_plugins.datasets._table_schema import TableSchema


def add_histories(frame: api.SpilledFrame, schema: TableSchema) -> None:
    """Put each history of ``schema`` into ``frame``, in place of the columns that say which events count."""
    for one in schema.history:
        where = None if one.where is None else one.mark if one.mark in marks(schema) else one.where.text
        user, time = schema.id_column(str(schema.user)), str(schema.timestamp)
        frame[one.name] = api.history(frame, user, one.of, time, where, one.last)
    for mark in marks(schema):
        del frame[mark]


def judge_bags(frame: api.SpilledFrame, schema: TableSchema, origin: str) -> tuple[dict[str, float], list[str]]:
    """What is to be said of the bags of ``schema``, as facts and as warnings.

    The facts are the shares of the rows in which a bag of the files has more ids than its length. The warnings are of
    texts of which none has a second id, as under a separator that is another one.

    Raises:
        DataError: a bag or a history has no id in any row; naming it and the remedy.
    """
    facts, warnings = {}, []
    for one in schema.several:
        lengths = frame[one.name].list.len()
        if not lengths.any():
            raise api.DataError(f"{origin}: {_without_ids(one)}")
        if isinstance(one, TableHistory):
            continue
        if share := float((lengths > one.length).mean()):
            facts[f"longer_than_length.{one.name}"] = share
        if one.separator and lengths.max() < 2:
            warnings.append(
                f"no row of the bags {one.name!r} has two ids with {one.separator!r} between them: check the "
                "`separator`, or name the column as categorical"
            )
    return facts, warnings


def _without_ids(one: TableBag | TableHistory) -> str:
    if isinstance(one, TableBag):
        return f"column {one.name!r} of `bags` has no id in any row: take it out"
    which = f" for which `{one.where.text}` holds; correct `where`, or" if one.where else ";"
    return f"{one.name!r} is empty in all rows: no user has an earlier row{which} take the history out"
