"""Processes that take turns."""

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlbench.benchmarking.interleaved import InterleavedWorker, SimultaneousWorkers
from mtlbench.errors import TrainingError


def write_for_ever(path: Path, pace: Callable[[], None]) -> None:
    while True:
        with path.open("a") as file:
            file.write("x")
        pace()


def fail_in_the_second_step(pace: Callable[[], None]) -> None:
    print("The second step fails.")
    pace()
    raise ValueError("three is too many")


@pytest.mark.slow
def test_it_works_when_told_to_and_waits_otherwise(tmp_path: Path):
    with InterleavedWorker(write_for_ever, tmp_path / "steps") as worker:
        first = worker.take_turn(3)
        assert (tmp_path / "steps").read_text() == "xxx"
        second = worker.take_turn(2)
    assert (tmp_path / "steps").read_text() == "xxxxx"
    assert (len(first.seconds), len(second.seconds)) == (3, 2)
    assert all(seconds > 0 for seconds in second.seconds)
    assert second.peak_memory_mib >= first.peak_memory_mib > 1


def meet(folder: Path, pace: Callable[[], None]) -> None:
    """A step ends when somebody else is in one too."""
    (folder / str(os.getpid())).touch()
    while True:
        while len(list(folder.iterdir())) < 2:
            time.sleep(0.01)
        pace()


@pytest.mark.slow
def test_simultaneous_workers_work_at_the_same_time(tmp_path: Path):
    with SimultaneousWorkers(2, meet, tmp_path) as both:
        turns = both.take_turn(3)
    assert [len(turn.seconds) for turn in turns] == [3, 3]


@pytest.mark.slow
def test_a_failure_and_an_end_are_told(capfd: pytest.CaptureFixture[str]):
    with InterleavedWorker(fail_in_the_second_step) as worker:
        worker.take_turn(1)
        with pytest.raises(TrainingError, match="ValueError: three is too many"):
            worker.take_turn(1)
        for process in multiprocessing.active_children():
            process.join()
        with pytest.raises(TrainingError, match="a process of the benchmark died with exit code 0"):
            worker.take_turn(1)  # nobody is there any more, as when the system has killed it between two turns
    assert capfd.readouterr().out == ""
