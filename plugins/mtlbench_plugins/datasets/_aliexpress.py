"""The two forms in which AliExpress is published, read into the same columns."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from mtlbench.api import DataError
from mtlbench_plugins.datasets import _files

SEARCH = "search_id"
CATEGORICAL = tuple(f"categorical_{number}" for number in range(1, 17))
NUMERICAL = tuple(f"numerical_{number}" for number in range(1, 64))
LABELS = ("click", "conversion")
ID, FLOAT = pa.float64(), pa.float32()
"""Some copies of the files write ids as 7.0."""
LAST_EXACT = 2**53
"""From here on a float does not tell neighbouring integers apart."""

USER = tuple(f"user_{number}" for number in range(1, 34))
ITEM = tuple(f"item_{number}" for number in range(1, 50))
"""Columns of the raw files, which have no header. The first of each is the search; the last of an item is its label."""
ITEM_IDS = tuple(f"item_{number}" for number in (19, 34, 35, 36, 40, 41, 42))
IDS = (*USER[1:8], *USER[31:33], *ITEM_IDS)
NUMBERS = (*USER[8:31], *(name for name in ITEM[1:48] if name not in ITEM_IDS))
"""Raw columns in the order of ``CATEGORICAL`` and ``NUMERICAL``."""


def read_processed(path: Path) -> pd.DataFrame:
    """Read a ``train.csv`` or ``test.csv``. The first column is the search if its header says so; else it is ignored.

    Raises:
        DataError: the file is malformed.
    """
    types = {
        **dict.fromkeys(CATEGORICAL, ID),
        **dict.fromkeys(NUMERICAL, FLOAT),
        **dict.fromkeys(LABELS, _files.INTEGER),
    }
    if _files.header(path)[0] == SEARCH:
        types = {SEARCH: ID, **types}
    return _exact(_files.read(path, types, complete=LABELS), path)


def read_raw(users: Path, items: Path) -> tuple[pd.DataFrame, int]:
    """Read the published pair of files of one part: a row for each item of a search that is in both, ordered by search.

    Returns:
        the rows, and how many items are left out, because their search is not in ``users``.

    Raises:
        DataError: a file is malformed, or an item's label is not 0, 1 (clicked) or 2 (bought).
    """
    seen = _exact(_files.read(users, _raw_types(USER), complete=USER[:1], names=USER), users)
    shown = _exact(_files.read(items, _raw_types(ITEM), complete=(ITEM[0], ITEM[-1]), names=ITEM), items)
    stage = shown.pop(ITEM[-1])
    if not stage.isin((0, 1, 2)).all():
        line = int((~stage.isin((0, 1, 2))).to_numpy().argmax())
        raise DataError(
            f"{items} holds the label {stage[line]} on line {line + 1}: expected 0, 1 (clicked) or 2 (bought); fetch "
            "the file again"
        )
    left = pd.DataFrame({SEARCH: seen[USER[0]], "user": np.arange(len(seen))})
    right = pd.DataFrame({SEARCH: shown[ITEM[0]], "item": np.arange(len(shown))})
    pairs = left.merge(right, on=SEARCH)  # in the order of the users' file, then of the items'
    rows = {"user": pairs.pop("user").to_numpy(), "item": pairs.pop("item").to_numpy()}
    names = dict(zip(IDS + NUMBERS, CATEGORICAL + NUMERICAL, strict=True))
    columns = {SEARCH: pairs[SEARCH]}
    for raw, name in names.items():
        table = seen if raw in seen else shown
        columns[name] = table.pop(raw).to_numpy()[rows[raw.partition("_")[0]]]
    reached = stage.to_numpy()[rows["item"]]
    columns |= {"click": reached >= 1, "conversion": reached == 2}
    return pd.DataFrame(columns, copy=False), len(stage) - np.unique(rows["item"]).size


def _exact(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows of a file, once no id of them is too large for the float that it was read as."""
    for name in frame.columns[frame.dtypes == np.float64]:
        if frame[name].abs().max() >= LAST_EXACT:
            raise DataError(
                f"{path} holds ids from {LAST_EXACT} on in column {name}, which floats do not tell apart; number them "
                "anew, or name the file as a table of your own"
            )
    return frame


def _raw_types(names: tuple[str, ...]) -> dict[str, pa.DataType]:
    whole = {*IDS, USER[0], ITEM[0], ITEM[-1]}
    return {name: ID if name in whole else FLOAT for name in names}
