"""A real log whose genres are a bag: MyAnimeList, users' lists of anime."""

from pathlib import Path

import pandas as pd
import pytest

from mtlbench.data import load
from mtlbench_plugins.datasets.table import Table
from studies import finish_here, records

pytestmark = pytest.mark.slow

USERS = 300
SETTINGS = ["--preset", "compact", "--epochs", "2", "--seeds", "1", "--quiet"]
DESCRIPTION = """
files = "log.csv"
tasks = [
  { name = "high", column = "rating", at_least = 8 },
  { name = "perfect", column = "rating", at_least = 10 },
]
categorical = ["User_ID", "Anime_ID", "type"]
bags = [{ column = "genre", separator = ",", length = 15 }]
user = "User_ID"
"""


def test_anime_trains_with_its_genres_as_a_bag(data_dir: Path, cache_dir: Path, tmp_path: Path) -> None:
    """No time is published, so the split is random; the community's rating and members hold these rows."""
    lists = pd.read_csv(data_dir / "anime" / "interactions.csv.gz")
    lists = lists[lists["User_ID"] <= USERS]
    items = pd.read_csv(data_dir / "anime" / "anime_info.csv.gz")[["anime_ids", "genre", "type"]]
    log = lists.merge(items, left_on="Anime_ID", right_on="anime_ids", how="left")
    log.to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "log.toml").write_text(DESCRIPTION)
    splits = load(Table(Table.Params(schema=tmp_path / "log.toml")), tmp_path, cache_dir)
    [genre] = splits.schema.bags
    genres = set(log["genre"].dropna().str.split(",").explode().str.strip())
    assert 30 < genre.cardinality <= len(genres) + 1
    lengths = splits.train.bags[0].lengths.double()
    assert lengths.mean() > 2
    assert lengths.max() <= 15
    spec = f"table[schema={tmp_path / 'log.toml'}]"
    study = ["--dataset", spec, "--backbone", "shared-bottom", "--weighting", "constant", *SETTINGS]
    finish_here(study, tmp_path / "results")
    [record] = records(tmp_path / "results").values()
    assert record.status == "done"
    auc = record.scores()["test", "high", "auc"]
    assert auc is not None
    assert 0.6 < auc < 1
