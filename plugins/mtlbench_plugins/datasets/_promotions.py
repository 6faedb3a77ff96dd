"""Where the shop promoted each product in each week: 21 million rows, of which a log needs few."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import parquet

from mtlbench.api import DataError

KEY = ("product_id", "store_id", "week")
PLACES = ("display_location", "mailer_location")
ROWS = 1 << 20
"""Rows that are looked at together."""
STORES, WEEKS = 1_000_000, 100
"""Numbers of stores and weeks are below these."""


def add_promotions(frame: pd.DataFrame, week: "pd.Series[int]", promotions: Path) -> None:
    """Add to ``frame`` where its products were displayed in its stores and mailed in ``week``, missing where nowhere.

    Args:
        frame: with product_id and store_id.
        week: of each row.
        promotions: file of product_id, store_id, week and the two places; of several rows of one key the last counts.

    Raises:
        DataError: a store or a week is no number that a key can hold.
    """
    keys = _keys((frame["product_id"], frame["store_id"], week))
    wanted = keys.unique()
    found = {name: np.full(len(wanted), None, dtype=object) for name in PLACES}
    with parquet.ParquetFile(promotions, pre_buffer=False) as file:
        for block in file.iter_batches(ROWS, columns=[*KEY, *PLACES]):
            place = wanted.get_indexer(_keys(block[name].to_pandas() for name in KEY))
            hit = place >= 0
            for name in PLACES:
                found[name][place[hit]] = block[name].filter(hit).to_pandas().to_numpy()
    rows = wanted.get_indexer(keys)
    for name in PLACES:
        frame[name] = pd.Categorical(found[name][rows])


def _keys(columns: "Iterable[pd.Series[Any]]") -> "pd.Index[Any]":
    """One number for each product, store and week."""
    product, store, week = columns
    for column, bound in ((store, STORES), (week, WEEKS)):
        if len(column) and not 0 <= column.min() <= column.max() < bound:
            raise DataError(
                f"{column.name} {column.max()} of the receipts or promotions is out of range: install the package again"
            )
    return pd.Index((product * STORES + store) * WEEKS + week)
