"""What `data describe` makes of a folder of many small files, of sample weights, and of lists written as text."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import own_table

from mtlbench_plugins.datasets.table import Table


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drafted(mtlbench: Any, here: Path, name: str) -> str:
    """The draft that describes ``name``, which the dataset reads as it is."""
    result = mtlbench("data", "describe", name, "--toml", "log.toml")
    assert result.code == 0, result.err
    assert len(Table(Table.Params(schema_=Path("log.toml"))).load(here).frame) == 300
    return (here / "log.toml").read_text()


def save_by_days(frame: pd.DataFrame, sizes: list[int]) -> None:
    """``days/day=N/part.csv`` of so many rows each, the last one of the rest."""
    ends = np.cumsum(sizes)
    for day, part in enumerate(np.split(np.arange(len(frame)), ends)):
        folder = Path("days") / f"day={day}"
        folder.mkdir(parents=True)
        frame.iloc[part].to_csv(folder / "part.csv", index=False)


def test_a_folder_is_judged_by_more_than_its_first_file(mtlbench: Any, here: Path) -> None:
    frame = own_table().sort_values("time")
    save_by_days(frame, [2, 100])
    of_folder = drafted(mtlbench, here, "days").splitlines()
    (here / "log.toml").unlink()
    frame.to_csv("log.csv", index=False)
    of_file = drafted(mtlbench, here, "log.csv").splitlines()
    same = [line for line in of_file if not line.startswith(("files", "categorical"))]
    assert [line for line in same if line not in of_folder] == []
    assert 'categorical = ["user_id", "item_id", "day"]' in of_folder


def test_a_wrong_time_is_named_with_its_own_file(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    frame.iloc[104, frame.columns.get_loc("time")] = 0
    save_by_days(frame, [2, 100])
    result = mtlbench("data", "describe", "days", "--toml", "log.toml")
    note = next(line for line in Path("log.toml").read_text().splitlines() if "'time'" in line)
    assert result.code == 0
    assert "day=2/part.csv" in note
    assert "row 4" in note


def test_sample_weights_are_drafted_and_read(mtlbench: Any, here: Path) -> None:
    weights = np.where(own_table()["click"] == 1, 1.0, 10.0)
    own_table().assign(sample_weight=weights, ips=np.arange(300) / 7).to_csv("log.csv", index=False)
    text = drafted(mtlbench, here, "log.csv")
    assert 'weight = "sample_weight"' in text
    assert 'numerical = ["price"]' in text
    assert "# left out: ips (a sample weight by its name, as sample_weight is: a log has one)" in text


@pytest.mark.parametrize("values", [["heavy", "light", "light"], [-1.0, 2.0, 3.0], [1.0, None, 2.0]])
def test_what_can_be_no_weight_is_drafted_otherwise(values: list[Any], mtlbench: Any, here: Path) -> None:
    own_table().assign(row_weight=values * 100).to_csv("log.csv", index=False)
    assert "weight = " not in drafted(mtlbench, here, "log.csv")


def test_lists_written_as_text_are_left_out_with_the_remedy(mtlbench: Any, here: Path) -> None:
    texts = [f"[{place % 7}, 0.5]" for place in range(300)]
    own_table().assign(embedding=texts).to_csv("log.csv", index=False)
    text = drafted(mtlbench, here, "log.csv")
    assert "# left out: embedding (lists written as text: write them to Parquet or JSON Lines as lists" in text
    assert 'categorical = ["user_id", "item_id"]' in text
