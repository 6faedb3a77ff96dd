"""Tables as JSON Lines, in hive-partitioned folders, and with columns of every type of Parquet."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from own_tables import DESCRIPTION, own_table, write_own_table
from pyarrow import parquet

from mtlbench import api
from mtlbench.data.building import build
from mtlbench_plugins.datasets import _table_json
from mtlbench_plugins.datasets.table import Table

NOWHERE = Path("not read")


def described(folder: Path, text: str) -> Table:
    (folder / "my_log.toml").write_text(text)
    return Table(Table.Params(schema_=folder / "my_log.toml"))


def as_json_lines(folder: Path) -> str:
    own_table().to_json(folder / "log.jsonl", orient="records", lines=True)
    return "log.jsonl"


def as_json_lines_gzipped(folder: Path) -> str:
    text = own_table().to_json(orient="records", lines=True)
    (folder / "log.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return "log.jsonl.gz"


def as_hive_folders(folder: Path) -> str:
    for (user, item), part in own_table().groupby(["user_id", "item_id"], dropna=False):
        name = "__HIVE_DEFAULT_PARTITION__" if pd.isna(item) else item.replace(", ", "%2C%20")
        path = folder / "parts" / f"user_id={user}" / f"item_id={name}"
        path.mkdir(parents=True)
        part.drop(columns=["user_id", "item_id"]).to_parquet(path / "part.parquet", index=False)
        part[:0].drop(columns=["user_id", "item_id"]).to_parquet(path / "none.parquet", index=False)
    (folder / "parts" / "user_id=99").mkdir()
    return "parts"


@pytest.mark.parametrize("write", [as_json_lines, as_json_lines_gzipped, as_hive_folders])
def test_the_rows_are_those_of_the_same_table_as_csv(
    write: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_table_json, "JSON_BLOCK", 1000)  # of some lines
    write_own_table(tmp_path)
    expected = build(described(tmp_path, DESCRIPTION).load(NOWHERE), "table", "key")
    splits = build(described(tmp_path, DESCRIPTION.replace("my_log.csv", write(tmp_path))).load(NOWHERE), "table", "")
    assert splits.schema == expected.schema
    for name, part in splits.parts().items():
        wanted = expected.parts()[name]
        assert part.labels.equal(wanted.labels)
        assert part.categorical.equal(wanted.categorical)
        assert part.numerical.equal(wanted.numerical)
        assert part.session.equal(wanted.session)


def test_a_column_that_begins_in_a_later_block_of_json_lines_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_table_json, "JSON_BLOCK", 100)
    frame = own_table().reset_index(drop=True)
    frame["price"] = frame["price"].where(frame.index > 200)
    lines = [row.dropna().to_json() for _, row in frame.iterrows()]
    (tmp_path / "log.jsonl").write_text("\n\n".join(lines))
    log = described(tmp_path, DESCRIPTION.replace("my_log.csv", "log.jsonl")).load(NOWHERE)
    np.testing.assert_array_equal(log.frame["price"], frame["price"])


def typed(folder: Path, description: str, **columns: pa.Array) -> api.Log:
    frame = own_table()
    arrays = {name: pa.array(frame[name], from_pandas=True) for name in frame} | columns
    parquet.write_table(pa.table(arrays), folder / "log.parquet")
    return described(folder, description.replace("my_log.csv", "log.parquet")).load(NOWHERE)


def test_decimals_are_exact_as_ids_and_rounded_with_a_warning_as_numbers(tmp_path: Path) -> None:
    rows = len(own_table())
    ids = pa.array([Decimal(10**20 + place) for place in range(rows)], pa.decimal128(38, 0))
    prices = pa.array([Decimal(place) / 4 for place in range(rows)], pa.decimal128(20, 2))
    log = typed(tmp_path, DESCRIPTION, item_id=ids, price=prices)
    assert log.frame["item_id"].astype(str).tolist() == [str(10**20 + place) for place in range(rows)]
    assert log.frame["price"].tolist() == [place / 4 for place in range(rows)]
    [warning] = log.warnings
    assert "'price' is decimal128(20, 2)" in warning
    assert "after the first 15 is lost" in warning


def test_dictionaries_are_their_values_and_times_of_day_are_ids(tmp_path: Path) -> None:
    frame = own_table()
    price = pa.array(frame["price"], from_pandas=True)
    item = pa.array(range(len(frame)), pa.int32()).cast(pa.time32("ms"))
    log = typed(tmp_path, DESCRIPTION, price=price.dictionary_encode(), item_id=item)
    np.testing.assert_array_equal(log.frame["price"], frame["price"])
    assert log.frame["item_id"].astype(str).tolist()[:2] == ["00:00:00.000", "00:00:00.001"]


def test_fields_of_structs_are_columns_and_missing_where_the_struct_is(tmp_path: Path) -> None:
    frame = own_table()
    values = [{"id": place % 7, "deep": {"price": place / 2}} if place % 5 else None for place in range(len(frame))]
    text = DESCRIPTION.replace('"item_id"', '"item.id"').replace('"price"', '"item.deep.price"')
    log = typed(tmp_path, text, item=pa.array(values))
    wanted = [None if value is None else value["id"] for value in values]
    assert [None if pd.isna(one) else int(one) for one in log.frame["item.id"]] == wanted
    prices = [np.nan if value is None else value["deep"]["price"] for value in values]
    np.testing.assert_array_equal(log.frame["item.deep.price"], prices)


def test_a_date_in_the_names_of_folders_can_be_the_time(tmp_path: Path) -> None:
    for day in range(1, 11):
        path = tmp_path / "days" / f"dt=2024-05-{day:02}"
        path.mkdir(parents=True)
        own_table()[day - 1 :: 10].to_csv(path / "part.csv", index=False)
    text = DESCRIPTION.replace("my_log.csv", "days").replace('"time"', '"dt"').replace('timestamp_unit = "s"\n', "")
    log = described(tmp_path, text).load(NOWHERE)
    assert sorted(set(log.frame["dt"])) == [1_714_521_600_000 + day * 86_400_000 for day in range(10)]
