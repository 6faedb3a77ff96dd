"""``mtlbench data describe``: the profile, the draft, and that the draft runs as it is."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import own_table

from mtlbench_plugins.datasets.table import Table
from mtlbench_plugins.describing.leaks import alone

DRAFT = """\
# A draft: check each line. An input must be known before the outcome is.
files = "my_log.csv"
tasks = ["click", "purchase"]
relation = "funnel"
categorical = ["user_id", "item_id"]
numerical = ["price"]
timestamp = "time"
timestamp_unit = "s"
user = "user_id"
session = "visit"
"""


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def save(frame: pd.DataFrame, name: str = "my_log.csv") -> Path:
    frame.to_csv(name, index=False)
    return Path(name)


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_draft_of_a_plain_log_is_what_one_would_write(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", save(own_table()))
    assert result.code == 0
    assert result.out.endswith(DRAFT)


def test_the_profile_has_rows_missing_values_rates_funnel_and_session_lengths(mtlbench: Any, here: Path) -> None:
    text = words(mtlbench("data", "describe", save(own_table())).out)
    frame = own_table()
    assert "my_log.csv: 300 rows; 7 columns" in text
    assert f"item_id text 3 {frame['item_id'].isna().mean():.2%} categorical" in text
    assert "price number 290 0.33% numerical -3.899 to 2.119" in text
    assert "click 100 33.3333%" in text
    assert "purchase 50 16.6667% 50.00% of click" in text
    assert "from 2023-11-14 22:13:20 UTC to 2023-11-15 03:12:20 UTC" in text
    lengths = frame["visit"].value_counts()
    assert f"sessions (visit) {len(lengths)}" in text
    assert f"mean {lengths.mean():.1f}, median {lengths.median():.0f}" in text
    assert f"most {lengths.max()}; {(lengths == 1).mean():.0%} have one" in text


def test_the_draft_is_written_once_and_runs_as_it_is(mtlbench: Any, here: Path) -> None:
    (here / "data").mkdir()
    (here / "about").mkdir()
    save(own_table(), "data/my_log.csv")
    result = mtlbench("data", "describe", "data/my_log.csv", "--toml", "about/my_log.toml")
    assert result.code == 0
    assert 'files = "../data/my_log.csv"' in (here / "about/my_log.toml").read_text()
    assert "mtlbench run --dataset 'table[schema=about/my_log.toml]'" in result.err
    study = ("--dataset", "table[schema=about/my_log.toml]", "--backbone", "ple", "--seeds", 1, "--epochs", 1)
    assert mtlbench("run", *study, "--jobs", 1, "--quiet").code == 0
    again = mtlbench("data", "describe", "data/my_log.csv", "--toml", "about/my_log.toml")
    assert again.code == 2
    assert "exists already" in again.err
    assert again.out == ""


def as_tsv() -> str:
    own_table().to_csv("log.tsv", index=False, sep="\t")
    return "log.tsv"


def as_semicolons() -> str:
    own_table().to_csv("log.csv", index=False, sep=";")
    return "log.csv"


def as_gzip() -> str:
    Path("log.csv.gz").write_bytes(gzip.compress(own_table().to_csv(index=False).encode()))
    return "log.csv.gz"


def as_parquet() -> str:
    own_table().to_parquet("log.parquet")
    return "log.parquet"


def as_folder() -> str:
    Path("days").mkdir()
    own_table()[:150].to_csv("days/1.csv", index=False)
    own_table()[150:].to_csv("days/2.csv", index=False)
    return "days"


@pytest.mark.parametrize("write", [as_tsv, as_semicolons, as_gzip, as_parquet, as_folder])
def test_every_form_of_a_table_is_described_and_the_draft_reads_it(
    write: Callable[[], str], mtlbench: Any, here: Path
) -> None:
    name = write()
    result = mtlbench("data", "describe", name, "--toml", "log.toml")
    assert result.code == 0, result.err
    assert f"{name}: 300 rows" in result.out
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert len(log.frame) == 300
    assert [*log.task_names, *log.categorical, *log.numerical] == ["click", "purchase", "user_id", "item_id", "price"]


def test_what_alone_predicts_a_label_is_left_out_and_called_a_suspect(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    random = np.random.default_rng(1)
    frame["seconds_watched"] = np.where(frame["click"] == 1, random.gamma(3, 10, size=300), 0).round(2)
    frame["order_number"] = np.where(frame["purchase"] == 1, np.arange(300), np.nan)
    result = mtlbench("data", "describe", save(frame))
    text = words(result.out)
    assert "seconds_watched (leak suspect: alone it predicts click with AUC 1.000)" in text
    assert "order_number (leak suspect: alone it predicts purchase" in text
    assert 'numerical = ["price"]' in result.out


def test_a_column_that_says_little_is_no_suspect() -> None:
    random = np.random.default_rng(0)
    label = random.random(20_000) < 0.1
    noise = pd.Series(random.integers(5000, size=20_000))
    assert abs(alone(noise, label) - 0.5) < 0.05
    shifted = pd.Series(random.normal(size=20_000) + label)
    assert 0.7 < alone(shifted, label) < 0.8
    assert alone(pd.Series(np.where(label, "a", "b")), label) == 1
    assert alone(pd.Series(np.zeros(20_000)), label) == pytest.approx(0.5)


def test_what_teaches_nothing_is_left_out_with_the_reason(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    frame["constant"], frame["request"] = "x", [f"r{number}" for number in range(300)]
    frame["day"] = pd.to_datetime(frame["time"], unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    text = words(mtlbench("data", "describe", save(frame)).out)
    assert "# left out: constant (one value alone)" in text
    assert "# left out: request (a value of its own in each row)" in text
    assert 'timestamp = "day"' in text


def test_labels_that_form_no_funnel_are_parallel_and_words_become_a_rule(mtlbench: Any, here: Path) -> None:
    frame = own_table().drop(columns=["purchase", "time", "visit"])
    frame["income"] = np.where(np.arange(300) % 7 == 0, ">50K", "<=50K")
    result = mtlbench("data", "describe", save(frame))
    assert 'tasks = ["click", { name = "income", column = "income", equals = ">50K" }]' in result.out
    assert 'relation = "parallel"' in result.out
    assert "timestamp" not in result.out


def test_a_log_without_outcomes_gets_a_hint(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", save(own_table().drop(columns=["click", "purchase"])))
    assert result.code == 0
    assert "tasks = []  # no column looks like an outcome" in result.out


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Path("absent.csv"), "absent.csv is not there"),
        (lambda: Path("notes.txt").write_text("hello") and Path("notes.txt"), "notes.txt is no table by its name"),
        (lambda: save(own_table()[:0]), "no rows"),
    ],
)
def test_what_cannot_be_described_exits_2(make: Callable[[], Path], message: str, mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", make(), "--toml", "new.toml")
    assert result.code == 2
    assert message in result.err
    assert result.out == ""
    assert not (here / "new.toml").exists()
