"""Logs of events, in which one column holds the outcomes, and how to make impressions of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mtlbench_plugins.datasets._table_files import CsvFile, TableFile
from mtlbench_plugins.describing.sample import Sample

NAME = r"event|action|behaviou?r|activity|interaction"
KIND_OF_EVENT = r"^(event|action|behaviou?r|activity|interaction)s?(_?(type|name|kind|id|code))?$"
"""Names of columns whose values are kinds of events, even where they are codes."""
EXPOSURE = r"^(pv|ipv|click_?through)$|view|impress|expos|show|display|detail|open|visit"
OUTCOME = (
    r"^(fav|buy|pay)$|click|cart|basket|favou?r|like|collect|wish|bookmark|share|comment|follow|purchas|bought|"
    r"payment|paid|order|transaction|checkout|conver|install|subscri|play|download|rating|rate$"
)
MOST_KINDS = 20
ITEM = r"item|product|video|article|content|sku|asin|movie|book|song|track|doc|listing|offer|(^|_)ad(_|$)"


@dataclass(frozen=True)
class Events:
    """A column that says what happened in each row."""

    column: str
    kinds: Sequence[str]
    """Its values, the most frequent first."""

    @property
    def outcomes(self) -> Sequence[str]:
        """The kinds that are outcomes: all but the exposure, which is the most frequent where none is named as one."""
        exposures = [kind for kind in self.kinds if re.search(EXPOSURE, kind.lower())] or self.kinds[:1]
        return [kind for kind in self.kinds if kind not in exposures] or self.kinds[1:]


def find_events(sample: Sample) -> Events | None:
    """The column of events, where the table is a log of events."""
    for name in sample.readable:
        kind, column = sample.kinds[name], sample.frame[name]
        if kind not in {"text", "integer"} or not 2 <= column.nunique() <= MOST_KINDS:
            continue
        kinds = [str(value) for value in column.value_counts().index]
        words = [one for one in kinds if re.search(f"{EXPOSURE}|{OUTCOME}", one.strip().lower())]
        outcomes = [one for one in words if re.search(OUTCOME, one.strip().lower())]
        named = re.search(NAME, name.lower()) and len(words) > 1 and outcomes
        coded = re.search(KIND_OF_EVENT, name.lower()) and kind == "integer"
        plain = len(words) == len(kinds) and len(outcomes) > 1
        if named or coded or plain:
            return Events(name, kinds)
    return None


def pivot(events: Events, sample: Sample, files: Sequence[TableFile], named: Mapping[str, str | None]) -> str:
    """Lines of Python that make one row of all events of a user, or a session, and an item.

    Args:
        events: the column of events.
        sample: of the table.
        files: the table.
        named: the columns of ``user``, ``session`` and ``timestamp``.
    """
    taken = set(named.values())
    item = next((name for name in sample.readable if name not in taken and re.search(ITEM, name.lower())), None)
    keys = [name for name in dict.fromkeys((named["user"], named["session"], item)) if name]
    file, time = files[0], named["timestamp"]
    read = "read_csv" if isinstance(file, CsvFile) else "read_parquet"
    options = f", sep={file.delimiter!r}" if isinstance(file, CsvFile) and file.delimiter != "," else ""
    is_code = pd.api.types.is_numeric_dtype(sample.frame[events.column])
    outcomes = ", ".join(one if is_code else repr(one) for one in events.outcomes)
    complete = item and len(keys) > 1
    lines = [
        "import pandas as pd",
        f"log = pd.concat([pd.{read}(path{options}) for path in {[str(file.path) for file in files]!r}])",
        *([f"log = log.sort_values({time!r}, kind='stable')"] if time else []),
        f"outcomes = [{outcomes}]",
        "for outcome in outcomes:",
        f"    log[str(outcome)] = (log[{events.column!r}] == outcome).astype(int)",
        f"keys = {keys!r}"
        if complete
        else "keys = ['USER', 'ITEM']  # the columns of users, or sessions, and of items",
        f"how = {{name: 'first' for name in log if name not in [*keys, {events.column!r}]}}",
        "how |= {str(outcome): 'max' for outcome in outcomes}",
        "log.groupby(keys, as_index=False, dropna=False).agg(how).to_csv('impressions.csv', index=False)",
    ]
    return "\n".join(lines)
