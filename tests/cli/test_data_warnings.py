"""What whoever reads results on a dataset must know is said once, on stderr, by whatever trains on it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from case_logs import describe, visits

RUN = ("--backbone", "shared-bottom", "--weighting", "constant,rlw", "--seeds", 2, "--epochs", 1, "--out", "out")


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def warned(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("warning: ")]


def leaky() -> pd.DataFrame:
    """A log in which an input and a task give the click away."""
    frame = visits()
    frame["dwell"] = np.where(frame["click"] == 1, 5 + frame["price"], 0)
    frame["again"] = frame["click"]
    return frame


@pytest.mark.slow
def test_run_warns_once_of_leaks_and_copies_with_the_figure(here: Path) -> None:
    describe(here, leaky(), tasks=["click", "again"], numerical=["price", "dwell"])
    command = [sys.executable, "-m", "mtlbench", "run", "--dataset", "table[schema=log.toml]", *map(str, RUN)]
    done = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    leaks, copies = warned(done.stderr)  # of all processes
    said = "warning: dataset 'table': an input alone gives a label away: 'dwell' predicts 'click' with AUC 1.0000"
    assert leaks.startswith(said)
    assert "'again' equals 'click' in 100.00% of the rows" in copies
    assert "DataWarning" not in done.stderr
    page = " ".join((here / "out" / "leaderboard.md").read_text().split())
    assert "auc alone (dwell click 1" in page
    assert "same label (again click 1)" in page


def test_a_second_run_which_reads_the_cache_warns_too(mtlbench: Any, here: Path) -> None:
    describe(here, leaky(), numerical=["price", "dwell"])
    one, two = (mtlbench("run", "--dataset", "table[schema=log.toml]", *RUN, "--dry-run").err for _ in range(2))
    assert warned(one) == warned(two) != []


def test_each_dataset_warns_of_its_own(mtlbench: Any, here: Path) -> None:
    describe(here, leaky(), numerical=["price", "dwell"])
    (here / "log.toml").rename(here / "leaky.toml")
    twice = pd.concat([visits(), visits()[:600]])
    describe(here, None, files="twice.csv", timestamp=None, timestamp_unit=None, session_rule=None)
    twice.to_csv(here / "twice.csv", index=False)
    specs = "table[schema=leaky.toml],table[schema=log.toml]"
    leaks, repeats = warned(mtlbench("run", "--dataset", specs, *RUN, "--dry-run").err)
    assert "'dwell'" in leaks
    assert "of the test rows equal a training row" in repeats


def test_data_verify_warns_too(mtlbench: Any, here: Path) -> None:
    describe(here, leaky(), numerical=["price", "dwell"])
    assert len(warned(mtlbench("data", "verify", "table[schema=log.toml]").err)) == 1


def test_a_sound_log_is_run_without_a_warning(mtlbench: Any, here: Path) -> None:
    describe(here, visits())
    result = mtlbench("run", "--dataset", "table[schema=log.toml]", *RUN, "--dry-run")
    assert (result.code, warned(result.err)) == (0, [])


def test_a_damaged_cache_is_said_in_one_line_and_not_trained_on(mtlbench: Any, here: Path, cache_dir: Path) -> None:
    describe(here, visits())
    run = ("run", "--dataset", "table[schema=log.toml]", *RUN, "--jobs", 1)
    assert mtlbench(*run).code == 0
    [labels] = cache_dir.glob("table-*/train.labels.npy")
    array = np.load(labels)
    np.save(labels, 1 - array)
    result = mtlbench(*run, "--overwrite", "always")
    [warning] = warned(result.err)
    assert "is damaged, train.labels.npy is not what was written: it is not used, and built anew" in warning
    assert (np.load(labels) == array).all()
