"""Why a column is no input of a draft."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mtlbench_plugins.datasets._table_tasks import TRUTHS
from mtlbench_plugins.describing.bags import has_decimal_comma, is_free_text, is_list_as_text
from mtlbench_plugins.describing.proposals import is_weight
from mtlbench_plugins.describing.sample import EMPTY_BAG, NOT_UTF_8, NUMBERS, UNREADABLE, Sample, is_large
from mtlbench_plugins.describing.times import is_named_as_time, is_unread_time, without_a_time

if TYPE_CHECKING:
    from mtlbench_plugins.describing.roles import Roles

LABEL = (
    r"click|view|conver|purchas|buy|bought|paid|pay$|order|cart|like|follow|share|forward|comment|hate|install|"
    r"subscri|churn|cancel|income|label|target|outcome|bookmark|basket|favou?r|wish|collect|transaction|checkout|download"
)
ID = (
    r"id$|code|zip|^(item|product|article|video|movie|book|song|track|document|listing|offer|ad|sku|agent|company|brand|"
    r"shop|store|seller|category)$"
)
OWN_VALUES = "a value of its own in each row"
FREE_TEXT = "free text: make vectors of it by a pretrained model, in a column of their own, for `vectors`"

Labels = Mapping[str, NDArray[np.bool_]]
"""The rows in which each label is 1."""


def reason_against(name: str, sample: Sample, roles: "Roles", labels: Labels) -> str | None:
    """Why a column is no input; ``None`` where it may be one."""
    kind = sample.kinds[name]
    if kind == EMPTY_BAG:
        return "lists without an id in any of the rows that were looked at"
    if kind == NUMBERS:
        return "lists of numbers, not equally many in each row: `vectors` need two or more, `bags` take them as ids"
    if kind == NOT_UTF_8:
        return "no UTF-8 text in the first rows: save the file as UTF-8"
    if kind in UNREADABLE:
        what = {"list": "a list or struct", "bytes": "bytes"}.get(kind, f"a {kind}")
        return f"{what}: write its values into columns of their own"
    column = sample.frame[name]
    distinct = column.nunique(dropna=False)
    if name in labels:
        return roles.notes.get(name, "another outcome: not known at the impression")
    if roles.events and name == roles.events.column:
        return "what happened, one event in a row" if not roles.tasks else "what happened: not known at the impression"
    if matches(LABEL, name) and column.nunique() == 2 and not column.isna().any():
        values = " and ".join(sorted(map(str, column.unique())))
        return f"an outcome by its name, of {values}: to use it, name it as a task with a rule"
    if matches(LABEL, name) and column.isna().any() and set(map(str, column.dropna().unique())) <= set(TRUTHS):
        missing = int(column.isna().sum())
        return f"an outcome by its name, not observed in {missing:,} rows: to use it, name it as a task with `observed`"
    counts_rows = name == "" and kind == "integer" and distinct == len(column)
    if counts_rows or re.fullmatch(r"__index_level_\d+__|Unnamed: 0", name):
        return "the row number, as pandas writes it"
    if distinct < 2 and sample.keys.get(name, 1) < 2:  # a block of one file has one value of its folders' keys
        return "one value alone"
    if kind == "date":
        return "dates whose day and month cannot be told apart: as the time of a row it needs `timestamp_format`"
    if kind == "time of day":
        return "a time of day: join it with its date to the time of the row, or write its hour into a column"
    if kind == "text" and is_unread_time(name, column):
        if unread := without_a_time(column):
            rows = f"{unread[0]:,} of {len(column):,} rows, such as {unread[1][:20]!r}"
            return f"a time that cannot be read in {rows}: correct or drop them, else the split is random"
        return "a time that cannot be read in every row: as the time of a row it needs `timestamp_format`"
    if name in roles.times:
        return "a time: later ones are all new"
    if roles.timestamp is None and kind in {"integer", "number"} and is_named_as_time(name):
        return "a time by its name, and no date of our time: if it counts from a start of its own, name it as timestamp"
    if is_weight(name, column):
        return f"a sample weight by its name, as {roles.weight} is: a log has one"
    if kind == "text" and has_decimal_comma(column):
        return "numbers with a decimal comma: write them with a point; or ids, two in a row: name it in `bags`"
    if kind == "text" and is_list_as_text(column):
        return "lists written as text: write them to Parquet or JSON Lines as lists, for `bags` or `vectors`"
    is_id = kind == "text" or (kind == "integer" and (matches(ID, name) or is_large(column)))
    if kind == "text" and is_free_text(column):
        return FREE_TEXT
    if distinct == len(column) and name != roles.user and is_id:
        return OWN_VALUES
    return None


def matches(pattern: str, name: str) -> bool:
    """Whether a name has ``pattern`` in it."""
    return re.search(pattern, name.lower()) is not None
