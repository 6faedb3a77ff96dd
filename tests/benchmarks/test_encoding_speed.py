"""Rows per second from a CSV file to encoded splits: ours, cold and warm, against pandas-and-apply code.

Run with ``OMP_NUM_THREADS=1 pytest tests/benchmarks/test_encoding_speed.py --benchmark-only -s``, which prints the
rates; they stand among the extra information of ``--benchmark-json`` too.

The comparison is written as public recommender code often is: ``LabelEncoder`` per column, ``apply`` row by row for
what spans columns, a loop over groups for sessions. It does less than ours: it fits on all rows, checks nothing, and
writes no cache.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sklearn.preprocessing import LabelEncoder, StandardScaler

from mtlbench.data import load
from mtlbench_plugins.datasets.table import Table

ROWS = 200_000
CATEGORICAL = ["user_id", "item_id", "city", "brand", "page", "device"]
NUMERICAL = ["price", "age", "rank"]
DESCRIPTION = f"""files = "log.csv"
tasks = ["click", "purchase"]
categorical = {CATEGORICAL}
numerical = {NUMERICAL}
timestamp = "time"
timestamp_unit = "s"
user = "user_id"
session_rule = "user-gap30m"
""".replace("'", '"')


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated log of ROWS impressions, and its description."""
    folder = tmp_path_factory.mktemp("log")
    random = np.random.default_rng(0)
    click = random.random(ROWS) < 0.3
    frame = pd.DataFrame(
        {
            "user_id": random.integers(20_000, size=ROWS),
            "item_id": random.integers(5000, size=ROWS),
            "city": [f"city {number}" for number in random.integers(300, size=ROWS)],
            "brand": random.integers(500, size=ROWS),
            "page": random.choice(["home", "search", "cart"], size=ROWS),
            "device": random.integers(5, size=ROWS),
            **{name: random.normal(size=ROWS).round(4) for name in NUMERICAL},
            "time": 1_700_000_000 + np.sort(random.integers(14 * 86_400, size=ROWS)),
            "click": click.astype(int),
            "purchase": (click & (random.random(ROWS) < 0.1)).astype(int),
        }
    )
    frame.sample(frac=1, random_state=0).to_csv(folder / "log.csv", index=False)
    (folder / "log.toml").write_text(DESCRIPTION)
    return folder / "log.toml"


def report(benchmark: BenchmarkFixture) -> None:
    rate = ROWS / benchmark.stats.stats.min
    benchmark.extra_info.update(rows=ROWS, rows_per_second=rate)
    print(f"\n{benchmark.name}: {rate:,.0f} rows/s")


def test_ours_cold(benchmark: BenchmarkFixture, description: Path, tmp_path: Path) -> None:
    caches = (tmp_path / f"cache{number}" for number in itertools.count())
    dataset = Table(Table.Params(schema_=description))
    benchmark.pedantic(lambda cache: load(dataset, Path(), cache), setup=lambda: ((next(caches),), {}), rounds=3)
    report(benchmark)


def test_ours_warm(benchmark: BenchmarkFixture, description: Path, tmp_path: Path) -> None:
    dataset = Table(Table.Params(schema_=description))
    load(dataset, Path(), tmp_path)
    benchmark.pedantic(lambda: load(dataset, Path(), tmp_path), rounds=5)
    report(benchmark)


def test_pandas_and_apply(benchmark: BenchmarkFixture, description: Path) -> None:
    benchmark.pedantic(lambda: in_the_public_style(description.with_suffix(".csv")), rounds=1)
    report(benchmark)


def in_the_public_style(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, labels and the next row of each row's session."""
    frame = pd.read_csv(path).sort_values("time").reset_index(drop=True)
    for name in CATEGORICAL:
        frame[name] = LabelEncoder().fit_transform(frame[name].astype(str))
    frame[NUMERICAL] = StandardScaler().fit_transform(frame[NUMERICAL])
    frame["label"] = frame.apply(lambda row: [row["click"], row["click"] * row["purchase"]], axis=1)
    next_row = np.arange(len(frame))
    for _, group in frame.groupby("user_id"):
        last_time, last_row = None, None
        for row, time in zip(group.index, group["time"], strict=True):
            if last_row is not None and time - last_time <= 1800:
                next_row[last_row] = row
            last_time, last_row = time, row
    labels = np.array(frame["label"].tolist())
    return frame[CATEGORICAL].to_numpy(), frame[NUMERICAL].to_numpy(np.float32), labels, next_row
