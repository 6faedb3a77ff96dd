"""A log that may be larger than memory: 20 inputs, encoded and trained on for an epoch, in a bounded memory.

``pytest tests/benchmarks/test_large_table.py -m '' --benchmark-only -s`` takes 5 million rows, as CSV and as Parquet.
``-m slow`` takes 20 million (some minutes, 10 GB of disk below the temporary folder). ``MTLBENCH_LARGE_ROWS=100000000``
names another number; 100 million need 45 GB of disk and, on one core, most of an hour.

What is limited is the process's own memory, RssAnon and RssShmem. Pages of the encoded files that are mapped count as
resident too, but the system takes them back whenever it needs room; the peak with them is printed beside.
"""

import os
from pathlib import Path

import large_log
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

ROWS = 5_000_000
MANY_ROWS = int(os.environ.get("MTLBENCH_LARGE_ROWS", 20_000_000))
LIMIT_GIB = 6


def measure(folder: Path, name: str, rows: int) -> dict[str, dict[str, float]]:
    """What encoding and training take."""
    description = large_log.write(folder / name, rows)
    found = {}
    for step in ("encode", "train"):
        found[step] = took = large_log.measure(step, description, folder / "cache")
        assert took["rows"] == rows
        assert took["own_gib"] < LIMIT_GIB
        rate = f"{took['seconds']:.0f} s ({rows / took['seconds']:,.0f} rows/s), {took['cpu']:.0f} s of processor"
        memory = f"own memory {took['own_gib']:.2f} GiB, resident {took['resident_gib']:.2f} GiB"
        print(f"\n{name}, {rows:,} rows, {step}: {rate}, {memory}")
    return found


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_five_million_rows(
    benchmark: BenchmarkFixture, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path / "cache"))
    found = benchmark.pedantic(lambda: measure(tmp_path, name, ROWS), rounds=1)
    benchmark.extra_info.update(found)


@pytest.mark.slow
def test_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path / "cache"))
    measure(tmp_path, "log.parquet", MANY_ROWS)
