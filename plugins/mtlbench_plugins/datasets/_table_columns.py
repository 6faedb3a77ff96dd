"""The files of a user's table, block by block: what type each column is read as, and what no file may lack."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_bags import check_lists, marks, type_of
from mtlbench_plugins.datasets._table_block import CheckedBlock
from mtlbench_plugins.datasets._table_clock import date_format
from mtlbench_plugins.datasets._table_files import CATEGORY, NUMBER, TableFile, require
from mtlbench_plugins.datasets._table_forms import NUMBER as A_NUMBER
from mtlbench_plugins.datasets._table_forms import form_of
from mtlbench_plugins.datasets._table_schema import TableSchema
from mtlbench_plugins.datasets._table_survey import Survey
from mtlbench_plugins.datasets._table_vectors import VECTOR, check_vectors


def read(files: Sequence[TableFile], schema: TableSchema, survey: Survey) -> Iterator[pa.RecordBatch]:
    """The blocks of ``files``: labels by task name, inputs, session and user, and the timestamp in milliseconds.

    Raises:
        DataError: a value is wrong; the message names file, column, row and remedy.
    """
    present = [file.schema() for file in files]
    for file, found in zip(files, present, strict=True):
        _refuse_events(file, schema, found)
        require(file, schema.columns(), found.names)
        check_lists(file, schema, found)
        check_vectors(file, schema, found)
        survey.see_file(file.path, found)
    types = [{name: _type(name, schema, found) for name in schema.columns()} for found in present]
    form = None
    if schema.timestamp:
        for file, found, wanted in zip(files, present, types, strict=True):
            _require_unit(file, schema, found.field(schema.timestamp).type, wanted[schema.timestamp])
        texts = [file for file, wanted in zip(files, types, strict=True) if wanted[schema.timestamp] == CATEGORY]
        form = form_of(texts, schema.timestamp) if texts and not schema.timestamp_format else None
        if form and (form == A_NUMBER) != bool(schema.timestamp_unit):
            problem = IS_A_NUMBER if form == A_NUMBER else IS_A_DATE.format(schema.timestamp_unit)
            raise DataError(f"{texts[0].path}: timestamp {schema.timestamp!r} {problem}")
    for file, wanted in zip(files, types, strict=True):
        for first, block in file.blocks(wanted):
            if len(block):
                survey.see_block(file.path, first, len(block))
                yield CheckedBlock(file.path, first, block, schema, survey, form).batch()
    survey.clock.check()


IS_A_DATE = "is a date already, and `timestamp_unit` is set to {!r}: take it out"
IS_A_NUMBER = 'is a number: say `timestamp_unit = "s"` for seconds, "ms", "us" or "ns"'


def _refuse_events(file: TableFile, schema: TableSchema, present: pa.Schema) -> None:
    """Refuse a log of events, in which a column holds as a value what a task takes for a column."""
    absent = [task.source for task in schema.tasks if task.source not in present.names]
    texts = [field.name for field in present if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)]
    for name in texts if absent else ():
        _, block = next(file.blocks({name: CATEGORY}), (0, None))
        values = block[name].dictionary.to_pylist() if block is not None else []
        if absent[0] in values and len(values) <= MOST_KINDS_OF_EVENTS:
            raise DataError(
                f"{file.path}: there is no column {absent[0]!r}; column {name!r} holds {absent[0]!r} as a value, so "
                "this is a log of events, with a row for each: pivot it to one row per user (or session) and item, "
                "with a column for each outcome; `mtlbench data describe` says how"
            )


MOST_KINDS_OF_EVENTS = 100


def _type(name: str, schema: TableSchema, present: pa.Schema) -> pa.DataType:
    if name == schema.timestamp:
        found = present.field(name).type
        if schema.timestamp_format:
            return CATEGORY
        if pa.types.is_temporal(found):
            return pa.timestamp("ns", tz=getattr(found, "tz", None))
        if pa.types.is_integer(found):
            return pa.int64()
        return NUMBER if pa.types.is_floating(found) or pa.types.is_null(found) else CATEGORY
    if name in schema.vectors:
        return VECTOR
    if any(bag.column == name for bag in schema.bags):
        return type_of(present.field(name).type)
    uses = [task.is_of_numbers for task in schema.tasks if task.source == name]
    uses += [task.observed.is_of_numbers for task in schema.tasks if task.observed and task.observed.column == name]
    uses += [where.is_of_numbers for where in marks(schema).values() if where.column == name]
    is_id = name in schema.categorical or name in (schema.session, schema.user, schema.split.column)
    return NUMBER if all(uses) and not is_id else CATEGORY


def _require_unit(file: TableFile, schema: TableSchema, found: pa.DataType, wanted: pa.DataType) -> None:
    name, unit = str(schema.timestamp), schema.timestamp_unit
    problem = None
    if pa.types.is_time(found) or pa.types.is_duration(found):
        problem = (
            f"is a {'time of day' if pa.types.is_time(found) else 'duration'} without a date: name a column with both"
        )
    elif pa.types.is_temporal(found) and unit:
        problem = IS_A_DATE.format(unit)
    elif wanted in (pa.int64(), NUMBER) and not unit:
        problem = _without_unit(file, name, wanted)
    if problem:
        raise DataError(f"{file.path}: timestamp {name!r} {problem}")


def _without_unit(file: TableFile, name: str, wanted: pa.DataType) -> str:
    """What to say of a number whose unit is not known; the first block shows whether it is a date."""
    for first, block in file.blocks({name: wanted}):
        raw = np.nan_to_num(block[name].to_numpy(zero_copy_only=False))
        form, dates = date_format(raw) or ("", np.zeros(1, dtype=bool))
        if dates.mean() > 0.5:
            place = int(dates.argmax())
            held = f"holds {raw[place]:.0f} in row {first + place}"
            return f'{held}, which is a date written as a number: say `timestamp_format = "{form}"`'
        break
    return IS_A_NUMBER
