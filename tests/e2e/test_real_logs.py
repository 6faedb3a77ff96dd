"""Each real log holds what is published of it, gives no label away, and trains."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlbench.api import Dataset
from mtlbench.api.leaks import auc_alone
from mtlbench.cells import PluginSpec
from mtlbench.data import load
from mtlbench.data.folders import presence
from mtlbench.data.verification import checks
from mtlbench.discovery import discover
from studies import finish_here, records

pytestmark = pytest.mark.slow

SETTINGS = ["--preset", "compact", "--seeds", "1", "--quiet"]
EPOCHS = {"anime": 1, "book-crossing": 1}
"""Else 6: the others have fewer than 250 steps an epoch."""
LOGS = ("anime", "book-crossing", "complete-journey", "deskdrop", "hotel-bookings", "retailrocket-pairs")
SAMPLED = {"complete-journey": "complete-journey[households=100]"}
LEAST, MOST = 0.55, 0.985
"""AUC of each binary task. The most is of `rated` of anime, which is nearly a trait of the user."""


@pytest.fixture
def dataset(name: str, data_dir: Path) -> Dataset:
    found: Dataset = discover().create("dataset", PluginSpec(name, {}))
    if presence(found, data_dir) != "yes":
        pytest.skip(f"{name} is not in {data_dir}")
    return found


@pytest.mark.parametrize("name", LOGS)
def test_what_is_published_holds_and_nothing_is_doubtful(
    name: str, dataset: Dataset, data_dir: Path, cache_dir: Path
) -> None:
    splits = load(dataset, data_dir, cache_dir)
    published = [one for one in checks(dataset, splits) if one.published is not None]
    assert len(published) >= 4
    assert [one for one in published if not one.agrees] == []
    assert splits.warnings == ()


@pytest.mark.parametrize("name", LOGS)
def test_every_task_is_learnt_and_none_is_given_away(
    name: str, dataset: Dataset, data_dir: Path, cache_dir: Path, tmp_path: Path
) -> None:
    study = ["--dataset", SAMPLED.get(name, name), "--backbone", "shared-bottom", "--weighting", "constant"]
    study += ["--epochs", str(EPOCHS.get(name, 6))]
    finish_here([*study, "--data-dir", str(data_dir), *SETTINGS], tmp_path / "results")
    [record] = records(tmp_path / "results").values()
    assert record.status == "done"
    test = record.metrics["test"]
    assert len(test) >= 2
    for task, scores in test.items():
        if "auc" in scores:
            assert LEAST < scores["auc"] < MOST, task
        else:
            assert 0 < scores["r2"] < 0.95, task


ALONE = {
    ("hotel-bookings", "agent"): ("cancelled", "changed", "parking", "request", "other_room"),
    ("anime", "User_ID"): ("rated",),
    ("book-crossing", "user"): ("rated",),
}
"""Inputs of which docs/datasets.md says how well they alone predict tasks."""


@pytest.mark.parametrize(("name", "column"), ALONE, ids=lambda one: str(one))
def test_an_input_alone_predicts_as_the_page_of_datasets_says(
    name: str, column: str, dataset: Dataset, data_dir: Path, cache_dir: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    section = " ".join(page.partition(f"\n## {name}\n")[2].partition("\n## ")[0].split())
    splits = load(dataset, data_dir, cache_dir)
    place = [one.name for one in splits.schema.categorical].index(column)
    values, labels = splits.train.categorical.numpy()[:, place].astype(np.int64), splits.train.labels.numpy()
    for task in ALONE[name, column]:
        label = labels[:, splits.schema.task_names.index(task)]
        seen = ~np.isnan(label)
        auc = f"{auc_alone(values[seen], label[seen] == 1):.2f}".removeprefix("0")
        assert f"{auc} ({task})" in section or f"predicts `{task}` with AUC {auc}:" in section


@pytest.mark.parametrize("name", ["anime"])
def test_the_genres_of_an_anime_are_a_bag(name: str, dataset: Dataset, data_dir: Path, cache_dir: Path) -> None:
    splits = load(dataset, data_dir, cache_dir)
    [genre] = splits.schema.bags
    listed = pd.read_csv(data_dir / "anime" / "anime_info.csv.gz")["genre"].dropna().str.split(",").explode()
    assert genre.cardinality == listed.str.strip().nunique() + 1
    lengths = splits.train.bags[0].lengths.double()
    assert lengths.mean() > 2
    assert lengths.max() <= 15
