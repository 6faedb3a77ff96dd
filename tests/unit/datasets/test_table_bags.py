"""Bags and histories of a user's own table: what is read is what is written, in each form of file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from own_tables import DESCRIPTION, own_table
from pyarrow import parquet

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets.table import Table

PIPED = 'bags = [{ column = "tags", separator = "|" }]'
VALUES: list[list[str] | None] = [["a", "b"], ["b"], None, [], ["c d", "a", "b"]] * 60


def read(folder: Path, lines: str, name: str = "my_log.csv") -> api.Log:
    """The log of a file under a description with more ``lines``."""
    (folder / "my_log.toml").write_text(f"{DESCRIPTION.replace('my_log.csv', name)}{lines}\n")
    return Table(Table.Params(schema_=folder / "my_log.toml")).load(folder)


def lists(column: "pd.Series[Any]") -> list[list[Any]]:
    return [list(row) for row in column.to_numpy(dtype=object)]


def as_parquet(folder: Path, values: list[Any], kind: pa.DataType) -> str:
    frame = own_table()
    arrays = {name: pa.array(frame[name]) for name in frame} | {"tags": pa.array(values, kind)}
    parquet.write_table(pa.table(arrays), folder / "log.parquet", row_group_size=70)
    return "log.parquet"


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.string()), pa.large_list(pa.large_string()), pa.list_(pa.dictionary(pa.int32(), pa.string()))]
)
def test_lists_and_texts_give_the_same_bags(kind: pa.DataType, tmp_path: Path) -> None:
    of_lists = read(tmp_path, 'bags = ["tags"]', as_parquet(tmp_path, VALUES, kind))
    texts = [" | ".join(row) if row else None for row in VALUES]
    own_table().assign(tags=texts).to_csv(tmp_path / "my_log.csv", index=False)
    of_texts = read(tmp_path, PIPED)
    assert lists(of_lists.frame["tags"]) == lists(of_texts.frame["tags"]) == [row or [] for row in VALUES]
    assert of_lists.described_bags == of_texts.described_bags == (api.BagColumn("tags"),)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([[7, None, 8], None] * 150, pa.list_(pa.int32())),
        ([[7.0, 8.0], []] * 150, pa.list_(pa.float64())),
        ([[7, 8], None] * 150, pa.list_(pa.int64(), 2)),
        (["7|8.0", None] * 150, pa.string()),
        (["7.0||8|", "|"] * 150, pa.string()),
    ],
)
def test_an_id_is_one_however_it_is_stored(values: list[Any], kind: pa.DataType, tmp_path: Path) -> None:
    lines = PIPED if kind == pa.string() else 'bags = ["tags"]'
    assert lists(read(tmp_path, lines, as_parquet(tmp_path, values, kind)).frame["tags"]) == [["7", "8"], []] * 150


def test_a_bag_of_an_input_has_its_indices(tmp_path: Path, cache_dir: Path) -> None:
    frame = own_table()
    frame["item_id"] = frame["item_id"].fillna("d").replace("c, d", "c")
    frame["same"] = frame["item_id"]
    frame.to_csv(tmp_path / "my_log.csv", index=False)
    read(tmp_path, 'bags = [{ column = "same", separator = "|", of = "item_id", pooling = "attention", length = 3 }]')
    splits = load(Table(Table.Params(schema_=tmp_path / "my_log.toml")), tmp_path, cache_dir)
    [field] = splits.schema.bags
    assert (field.of, field.pooling, field.length) == ("item_id", "attention", 3)
    for split in splits.parts().values():
        assert (split.bags[0].lengths == 1).all()
        assert (split.bags[0].ids[:, 0] == split.categorical[:, 1]).all()


def test_how_many_rows_have_more_ids_than_are_read_is_a_fact(tmp_path: Path) -> None:
    own_table().assign(tags=["a|b|c", "a|b", "a", None, "b|b|b|b"] * 60).to_csv(tmp_path / "my_log.csv", index=False)
    facts = read(tmp_path, 'bags = [{ column = "tags", separator = "|", length = 2 }]').facts
    assert facts["longer_than_length.tags"] == 0.4
    assert "longer_than_length.tags" not in read(tmp_path, PIPED).facts


@pytest.mark.parametrize(
    ("where", "counts"),
    [
        (None, lambda frame: frame["price"] == frame["price"]),
        ("purchase", lambda frame: frame["purchase"] == 1),
        ("liked", lambda frame: frame["liked"] == "true"),
        ("price > 0", lambda frame: frame["price"] > 0),
        ("visit != 'v1-0'", lambda frame: frame["visit"] != "v1-0"),
    ],
)
def test_a_history_is_that_of_a_plain_loop(where: str | None, counts: Any, tmp_path: Path) -> None:
    frame = own_table().reset_index(drop=True)
    frame["price"] = frame["price"].fillna(1.0)
    frame["time"] = frame["time"] // 120 * 120  # pairs of the same time
    frame["liked"] = np.where(frame.index % 3 == 0, "true", np.where(frame.index % 3 == 1, "false", ""))
    frame.to_csv(tmp_path / "my_log.csv", index=False)
    line = {"of": "item_id", "last": 4, "column": "before", **({"where": where} if where else {})}
    text = ", ".join(f"{key} = {json.dumps(value)}" for key, value in line.items())
    log = read(tmp_path, f"history = [{{ {text} }}]")
    assert log.described_bags == (api.BagColumn("before", 4, "mean", "item_id"),)
    assert not [name for name in log.frame if "where" in name]
    events = frame[counts(frame) & frame["item_id"].notna()]
    for row, found in enumerate(lists(log.frame["before"])):
        mine = events[(events["user_id"] == frame["user_id"][row]) & (events["time"] < frame["time"][row])]
        latest = mine.sort_values("time", kind="stable").iloc[::-1]
        assert found == latest["item_id"].tolist()[:4]


def test_a_history_has_a_name_of_its_own_and_the_indices_of_its_input(tmp_path: Path, cache_dir: Path) -> None:
    own_table().to_csv(tmp_path / "my_log.csv", index=False)
    log = read(tmp_path, 'history = [{ of = "item_id", where = "click" }, { of = "item_id", pooling = "sum" }]')
    assert [bag.name for bag in log.described_bags] == ["history of item_id where click", "history of item_id"]
    splits = load(Table(Table.Params(schema_=tmp_path / "my_log.toml")), tmp_path, cache_dir)
    assert {field.cardinality for field in splits.schema.bags} == {splits.schema.categorical[1].cardinality}
    assert splits.test.bags[1].lengths.max() == 20


def test_a_description_without_them_has_no_bags(tmp_path: Path) -> None:
    own_table().to_csv(tmp_path / "my_log.csv", index=False)
    log = read(tmp_path, "")
    assert list(log.bags) == []
    assert not [fact for fact in log.facts if "longer" in fact]


@pytest.mark.parametrize(("texts", "warned"), [(["a;b", "b", None], True), (["a|b", "b", None], False)])
def test_a_separator_that_no_row_has_is_warned_of(texts: list[str | None], warned: bool, tmp_path: Path) -> None:
    own_table().assign(tags=texts * 100).to_csv(tmp_path / "my_log.csv", index=False)
    warnings = " ".join(read(tmp_path, PIPED).warnings)
    assert ("no row of the bags 'tags' has two ids with '|' between them" in warnings) == warned
