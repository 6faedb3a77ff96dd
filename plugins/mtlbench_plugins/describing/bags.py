"""Columns of several ids in a row: lists, and texts with something between the ids."""

import re
from typing import Any

import pandas as pd
import pyarrow as pa

from mtlbench_plugins.datasets._table_file import is_list

SEPARATORS = ("|", ";", ",")
FEWEST_TEXTS = 3
"""Distinct texts with a separator from which a column may be one of bags."""
LEAST_SHARE = 0.2
"""Share of the distinct texts that have the separator."""
WORDS, FEWEST_SENTENCES = 4, 20
"""Words from which a text is a sentence, and different ones from which a column may be one of free text."""
DEFAULT_LENGTH, MOST_IDS = 20, 200
"""Most ids of a bag that are read unless the description says otherwise, and the most that a draft says."""


def is_bag(found: pa.DataType) -> bool:
    """Whether a column holds lists of ids: not of numbers with a fraction, which are vectors."""
    return is_list(found) and not (pa.types.is_floating(found.value_type) or pa.types.is_temporal(found.value_type))


def is_list_as_text(column: "pd.Series[Any]") -> bool:
    """Whether the texts of a column are lists in brackets, as a CSV file that pandas wrote holds them."""
    texts = column.dropna().astype("str").drop_duplicates()
    return len(texts) > 0 and bool(texts.str.fullmatch(r"\s*\[.*\]\s*", flags=re.DOTALL).all())


def has_decimal_comma(column: "pd.Series[Any]") -> bool:
    """Whether the texts of a column are numbers such as 12,50 or 1.234,5, or as they are, and some have the comma."""
    texts = column.dropna().astype("str").drop_duplicates()
    several = texts.str.contains(",", regex=False).any()
    return bool(several and texts.str.fullmatch(r"\s*[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?\s*").all())


def is_free_text(column: "pd.Series[Any]") -> bool:
    """Whether a column holds sentences that hardly ever come again."""
    texts = column.dropna()
    different = texts.astype("str").drop_duplicates()
    if len(different) < FEWEST_SENTENCES or len(different) < len(texts) / 2:
        return False
    return bool((different.str.count(r"\s+") >= WORDS - 1).mean() > 0.5)


def separator_of(column: "pd.Series[Any]") -> str | None:
    """What stands between the ids of a column of texts; ``None`` where each text seems to be one id.

    A text is taken apart where the parts come again in other texts: there are fewer distinct parts than texts.
    """
    texts = column.dropna().astype("str").drop_duplicates()
    for separator in SEPARATORS:
        several = texts[texts.str.contains(separator, regex=False)]
        if len(several) < max(FEWEST_TEXTS, LEAST_SHARE * len(texts)):
            continue
        parts = texts.str.split(separator, regex=False).explode().str.strip()
        if parts.nunique() < len(texts):
            return separator
    return None


def length_of(column: "pd.Series[Any]", separator: str) -> int | None:
    """The largest number of ids of a text, where it is more than are read by default."""
    most = int(column.dropna().astype("str").str.count(f"[{separator}]").max()) + 1
    return min(most, MOST_IDS) if most > DEFAULT_LENGTH else None
