"""What `data describe` makes of columns of several ids: bags, which the description that it drafts reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from own_tables import own_table
from pyarrow import parquet

from mtlbench_plugins.datasets.table import Table

GENRES = np.array(["Drama", "Horror", "Comedy", "War", "Music", "Crime"])


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def joined(separator: str, most: int = 3) -> list[str]:
    """Texts of up to ``most`` genres."""
    random = np.random.default_rng(0)
    return [separator.join(random.choice(GENRES, size=random.integers(1, most + 1))) for _ in range(300)]


def drafted(mtlbench: Any, here: Path, name: str) -> str:
    result = mtlbench("data", "describe", name, "--toml", "log.toml")
    assert result.code == 0, result.err
    return (here / "log.toml").read_text()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([[1, 2], None], pa.list_(pa.int64())),
        ([["a"], []], pa.large_list(pa.string())),
        ([["a", "b"], None], pa.list_(pa.string(), 2)),
    ],
)
def test_a_list_of_ids_is_drafted_as_a_bag(values: list[Any], kind: pa.DataType, mtlbench: Any, here: Path) -> None:
    frame = own_table()
    arrays = {name: pa.array(frame[name]) for name in frame} | {"tags": pa.array(values * 150, kind)}
    parquet.write_table(pa.table(arrays), "log.parquet")
    assert 'bags = ["tags"]\n' in drafted(mtlbench, here, "log.parquet")
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert [bag.name for bag in log.described_bags] == ["tags"]
    lengths = [len(value or []) for value in values * 150]
    assert log.frame["tags"].list.len().tolist() == lengths


@pytest.mark.parametrize("separator", ["|", ";", ", "])
def test_texts_whose_parts_come_again_are_drafted_as_a_bag(separator: str, mtlbench: Any, here: Path) -> None:
    texts = joined(separator)
    own_table().assign(genre=texts).to_csv("log.csv", index=False)
    text = drafted(mtlbench, here, "log.csv")
    assert f'bags = [{{ column = "genre", separator = "{separator.strip()}" }}]\n' in text
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert [list(row) for row in log.frame["genre"]] == [text.split(separator) for text in texts]


def test_bags_longer_than_the_default_get_a_length(mtlbench: Any, here: Path) -> None:
    own_table().assign(genre=joined("|", most=40)).to_csv("log.csv", index=False)
    assert 'separator = "|", length = 40 }' in drafted(mtlbench, here, "log.csv")


@pytest.mark.parametrize(
    "texts",
    [
        [f"Street {number}, City {number % 30}" for number in range(300)],
        ["a", "b", "c, d"] * 100,
        [f"Surname{number}, Name{number}" for number in range(100)] * 3,
    ],
)
def test_a_text_with_a_comma_stays_one_id(texts: list[str], mtlbench: Any, here: Path) -> None:
    own_table().assign(place=texts).to_csv("log.csv", index=False)
    assert "bags" not in drafted(mtlbench, here, "log.csv")


def test_numbers_with_a_decimal_comma_are_no_ids(mtlbench: Any, here: Path) -> None:
    price = [f"{number % 40},{number % 7:02d}" for number in range(300)]
    own_table().assign(price=price).to_csv("log.csv", index=False, sep=";")
    text = drafted(mtlbench, here, "log.csv")
    assert "# left out: price (numbers with a decimal comma: write them with a point" in text
    assert "bags" not in text.split("files =")[1]


def test_a_bag_that_tells_the_label_is_left_out(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    texts = pd.Series(joined("|"), index=frame.index).where(frame["click"] == 1, "Drama|War|Drama")
    frame.assign(genre=texts).to_csv("log.csv", index=False)
    text = drafted(mtlbench, here, "log.csv")
    assert "# left out: genre (leak suspect: alone it predicts click" in text
    assert "bags" not in text


def test_lists_of_unequally_many_numbers_are_left_out(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    arrays = {name: pa.array(frame[name]) for name in frame} | {"scores": pa.array([[0.5], [1.5, 2.0]] * 150)}
    parquet.write_table(pa.table(arrays), "log.parquet")
    assert "# left out: scores (lists of numbers, not equally many in each row" in drafted(
        mtlbench, here, "log.parquet"
    )


def test_lists_in_one_file_and_texts_in_another_are_noted(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    (here / "days").mkdir()
    for name, tags in (("1", [["a"]] * 300), ("2", ["a"] * 300)):
        arrays = {name: pa.array(frame[name]) for name in frame} | {"tags": pa.array(tags)}
        parquet.write_table(pa.table(arrays), f"days/{name}.parquet")
    assert "# the files disagree on a type: tags is list<" in drafted(mtlbench, here, "days")


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.list_(pa.null())])
def test_lists_without_an_id_are_left_out(kind: pa.DataType, mtlbench: Any, here: Path) -> None:
    frame = own_table()
    arrays = {name: pa.array(frame[name]) for name in frame} | {"tags": pa.array([[], None] * 150, kind)}
    parquet.write_table(pa.table(arrays), "log.parquet")
    assert "# left out: tags (lists without an id" in drafted(mtlbench, here, "log.parquet")
    assert len(Table(Table.Params(schema_=Path("log.toml"))).load(here).frame) == 300
