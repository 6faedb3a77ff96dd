"""What RetailRocket knew of an item at a given time: its properties, and the ancestors of its category."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mtlbench.api import DataError
from mtlbench_plugins.datasets import _files


def read_properties(files: Iterable[Path], names: Iterable[str], items: "pd.Series[int]") -> pd.DataFrame:
    """The history of the named properties of the given items: timestamp, itemid, property, value; ordered by time."""
    names, items = pa.array(names), pa.array(items.unique())

    def wanted(block: pa.RecordBatch) -> pa.Array:
        return pc.and_(pc.is_in(block["property"], names), pc.is_in(block["itemid"], items))

    columns = {
        "timestamp": _files.INTEGER,
        "itemid": _files.INTEGER,
        "property": pa.string(),
        "value": pa.string(),
    }
    history = pd.concat([_files.read(path, columns, keep=wanted) for path in files], ignore_index=True)
    return history.sort_values("timestamp", kind="stable", ignore_index=True)


def as_of(rows: pd.DataFrame, history: pd.DataFrame, name: str) -> "pd.Series[str]":
    """The value of one property of each row's item, as it was last written at or before the row's timestamp.

    Args:
        rows: itemid and timestamp, ordered by timestamp.
        history: from :func:`read_properties`.
        name: name of the property.
    """
    past = history.loc[history["property"] == name, ["timestamp", "itemid", "value"]]
    joined = pd.merge_asof(rows[["timestamp", "itemid"]], past, on="timestamp", by="itemid", direction="backward")
    return joined["value"].set_axis(rows.index)


def ancestors(category: "pd.Series[str]", tree: Path) -> tuple["pd.Series[int]", "pd.Series[int]"]:
    """Parent and root of each category. A root is its own parent and root; a category that is not in the tree has none.

    Args:
        category: ids, missing where unknown.
        tree: ``category_tree.csv`` with the columns categoryid and parentid; parentid is empty at a root.

    Raises:
        DataError: the tree has a cycle.
    """
    columns = {"categoryid": _files.INTEGER, "parentid": _files.INTEGER}
    table = _files.read(tree, columns)
    nodes = pd.Index(pd.concat([table["categoryid"], table["parentid"]]).dropna().astype("int64").unique())
    edges = table.dropna().astype("int64")
    parent = np.arange(len(nodes))
    parent[nodes.get_indexer(edges["categoryid"])] = nodes.get_indexer(edges["parentid"])
    root = parent
    for _ in range(len(nodes).bit_length()):  # each round doubles the distance climbed
        root = root[root]
    if (parent[root] != root).any():
        raise DataError(f"{tree}: category {nodes[root[parent[root] != root]][0]} is its own ancestor; fetch it again")
    place = nodes.get_indexer(pd.to_numeric(category, errors="coerce").fillna(-1).astype("int64"))
    above = pd.DataFrame({"parent": nodes[parent[place]], "root": nodes[root[place]]}, index=category.index)
    above = above.where(pd.Series(place >= 0, index=category.index), axis="index")
    return above["parent"], above["root"]
