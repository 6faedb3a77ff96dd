"""Time and memory of planning, running, storing and tabulating many cells, without training; growth is linear.

Run with ``pytest tests/benchmarks/test_scale.py -m '' --benchmark-only -s``: about ten minutes, and 3 GB of disk below
the temporary folder. The table that it prints has wall-clock, processor time and peak memory of each step, in a process
of its own, imports included.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import many_records
import pytest
import scale_steps
from tabulate import tabulate

pytestmark = pytest.mark.slow

COUNTS = [10_000, 30_000, 100_000]
SYNCED = [500, 1_500]
"""Fewer where each waits for the disk."""
HEADS = ["step", "cells", "wall s", "CPU s", "CPU ms per cell", "peak MiB"]

Usage = dict[str, float]


@pytest.fixture(scope="module")
def figures() -> Iterator[list[tuple[Any, ...]]]:
    """The lines of the table that is printed at the end."""
    used("expanding", 1, Path("unused"))  # encodes the dataset, where that was not done before
    lines: list[tuple[Any, ...]] = []
    yield lines
    print("\n\n" + tabulate(lines, HEADS, tablefmt="pipe", floatfmt=("", "", ".1f", ".1f", ".2f", "")))


def used(step: str, count: int, folder: Path) -> Usage:
    script = Path(scale_steps.__file__)
    path = os.pathsep.join([str(Path(many_records.__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(script), step, str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path})
    return json.loads(done.stdout.splitlines()[-1])


def measure(step: str, count: int, folder: Path, benchmark: Any, figures: list[tuple[Any, ...]]) -> Usage:
    found = benchmark.pedantic(used, (step, count, folder), rounds=1, warmup_rounds=0)
    benchmark.extra_info.update(found)
    cells, cpu = int(found["cells"]), found["cpu"]
    figures.append((step.replace("_", " "), f"{cells:,}", found["seconds"], cpu, 1000 * cpu / cells, found["peak"]))
    assert cells >= count
    return found


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("step", ["expanding", "dry_run"])
def test_planning(step: str, count: int, tmp_path: Path, benchmark: Any, figures: list[tuple[Any, ...]]) -> None:
    measure(step, count, tmp_path, benchmark, figures)


@pytest.mark.parametrize(
    ("step", "count"), [*(("storing", n) for n in SYNCED), *(("storing_unsynced", n) for n in COUNTS)]
)
def test_storing(step: str, count: int, tmp_path: Path, benchmark: Any, figures: list[tuple[Any, ...]]) -> None:
    measure(step, count, tmp_path, benchmark, figures)


@pytest.mark.parametrize("count", COUNTS)
def test_building_a_leaderboard(count: int, tmp_path: Path, benchmark: Any, figures: list[tuple[Any, ...]]) -> None:
    many_records.write_many(tmp_path, count)
    assert measure("building", count, tmp_path, benchmark, figures)["peak"] < 1024


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """For each count the results folder of a run."""
    return {count: tmp_path_factory.mktemp(f"run-{count}") for count in COUNTS}


@pytest.mark.parametrize("step", ["scheduling", "resuming"])
@pytest.mark.parametrize("count", COUNTS)
def test_running(step: str, count: int, runs: dict[int, Path], benchmark: Any, figures: list[tuple[Any, ...]]) -> None:
    assert measure(step, count, runs[count], benchmark, figures)["peak"] < 1024
