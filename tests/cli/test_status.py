"""``mtlbench status`` while a run goes on, after it, and after its death."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mtlbench.records.event_log import EventLog, read_events

RUN = ["run", "--dataset", "synthetic[rows=2000]", "--backbone", "shared-bottom", "--weighting", "constant"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_of_a_finished_study(mtlbench: Any) -> None:
    mtlbench(*RUN, "--seeds", 2, "--epochs", 1, "--jobs", 1)
    told = json.loads(mtlbench("status", "results", "--json").out)
    assert (told["state"], told["done"], told["total"], told["to_do"]) == ("finished", 2, 2, 0)
    assert "the last run has ended" in mtlbench("status", "results").out


@pytest.mark.slow
def test_from_another_process_while_it_runs_and_after_its_death(mtlbench: Any) -> None:
    slow = ["--seeds", "500", "--epochs", "50", "--patience", "50", "--jobs", "1", "--quiet"]
    process = subprocess.Popen([sys.executable, "-m", "mtlbench", *RUN, *slow])
    try:
        deadline = time.monotonic() + 120
        while not any(event["kind"] == "cell-started" for event in read_events(Path("results"))):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        alive = json.loads(mtlbench("status", "results", "--json").out)
    finally:
        process.kill()
        process.wait()
    assert (alive["state"], len(alive["running"]), alive["total"]) == ("running", 1, 500)
    assert alive["done"] + alive["to_do"] + 1 in {499, 500, 501}  # a cell may finish between two looks
    dead = json.loads(mtlbench("status", "results", "--json").out)
    assert dead["state"] == "died"
    assert dead["running"] == []
    assert len(dead["cut_off"]) == 1
    assert "the last run ended without a message" in mtlbench("status", "results").out


def test_a_last_line_cut_short_is_left_out_and_followed_by_whole_ones() -> None:
    with EventLog(Path()) as log:
        log.write("study-started", total=3, resumed=0)
    log.path.write_bytes(log.path.read_bytes()[:-20])
    assert [event["kind"] for event in read_events(Path())] == ["study-started"]
    with EventLog(Path()) as log:
        log.write("study-started", total=3, resumed=1)
    assert [event["kind"] for event in read_events(Path())] == ["study-started", "study-started", "run-ended"]


def test_a_hostile_title_stays_on_its_line(mtlbench: Any) -> None:
    with EventLog(Path()) as log:
        log.write("study-started", total=1, resumed=0)
        log.write("cell-started", cell="x", title="a\x1b[2J\nb[red]")
        out = mtlbench("status", ".").out
    assert "\x1b" not in out
    assert "a [2J b[red]" in out


def test_a_folder_without_anything_is_refused(mtlbench: Any) -> None:
    result = mtlbench("status", "nothing")
    assert result.code == 2
    assert "holds neither records nor an event log" in result.err
