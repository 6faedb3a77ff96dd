"""A table with bags and a history trains, under each way to weight: losses, gradients, critics."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import DESCRIPTION, own_table

BAGS = """\
bags = [{ column = "tags", separator = "|", length = 3 }]
history = [{ of = "item_id", where = "click", last = 5, pooling = "attention" }]
user_inputs = ["user_id", "history of item_id where click"]
"""
SETTINGS = ("--epochs", 1, "--seeds", 1, "--jobs", 1, "--quiet")

ANIME = """\
files = "anime.csv"
tasks = [{ name = "liked", column = "rating", at_least = 8, observed = "rating > 0" }]
categorical = ["User_ID", "Anime_ID", "type"]
numerical = ["episodes"]
user = "User_ID"
bags = [{ column = "genre", separator = "," }]
"""


def records() -> list[dict[str, Any]]:
    """The records of the current folder's results."""
    return [json.loads(path.read_text()) for path in Path("results/records").glob("*.json")]


def test_bags_and_a_history_train_under_losses_gradients_and_critics(
    mtlbench: Any, tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tags = np.array(["a|b", "b", None, "c|a|d|b"] * 75, dtype=object)
    own_table().assign(tags=tags).to_csv("my_log.csv", index=False)
    Path("my_log.toml").write_text(DESCRIPTION + BAGS)
    cells = ("--backbone", "shared-bottom,mmoe", "--weighting", "constant,pcgrad,rmtl,rmtl[state=no-user]")
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *cells, *SETTINGS)
    assert result.code == 0, result.err
    found = records()
    trained = {(one["backbone"]["name"], one["weighting"]["name"]) for one in found if one["status"] == "done"}
    assert trained >= {(b, w) for b in ("shared-bottom", "mmoe") for w in ("constant", "pcgrad", "rmtl")}
    assert [one["status"] for one in found] == ["done"] * 8
    assert {one["dataset"]["facts"]["longer_than_length.tags"] for one in found} == {0.25}


@pytest.mark.slow
def test_anime_with_genres_as_a_bag_trains(
    mtlbench: Any, data_dir: Path, tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = data_dir / "anime"
    if not folder.is_dir():
        pytest.skip(f"no anime: {folder} is absent")
    ratings = pd.read_csv(folder / "interactions.csv.gz")
    titles = pd.read_csv(folder / "anime_info.csv.gz").rename(columns={"anime_ids": "Anime_ID"})
    monkeypatch.chdir(tmp_path)
    kept = titles[["Anime_ID", "type", "episodes", "genre"]].assign(
        episodes=pd.to_numeric(titles["episodes"], errors="coerce")
    )
    ratings.merge(kept, on="Anime_ID").to_csv("anime.csv", index=False)
    Path("anime.toml").write_text(ANIME)
    cells = ("--backbone", "shared-bottom", "--weighting", "constant", "--preset", "compact", "--seeds", 1, "--quiet")
    result = mtlbench("run", "--dataset", "table[schema=anime.toml]", *cells, "--epochs", 2)
    assert result.code == 0, result.err
    [record] = records()
    assert record["metrics"]["test"]["liked"]["auc"] > 0.7
