"""The order of cells, and what becomes of them when pools break, with a pool that trains nothing."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import pytest
from record_factory import record

from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments.expand import expand
from mtlbench.experiments.job import Job
from mtlbench.experiments.recorder import Recorder
from mtlbench.experiments.schedule import OutOfTime, Schedule
from mtlbench.locks import Locks
from mtlbench.records import Record, RecordStore
from mtlbench.training.journal import Entry, Journal

CATALOGUE = discover()
Answer = Callable[[Job], Record]


def trained(job: Job) -> Record:
    return record().model_copy(update={"cell": job.cell.id})


class FakePools:
    """Pools of two places that answer at once; what they are asked is kept."""

    width = 2

    def __init__(self, answer: Answer = trained) -> None:
        self.answer = answer
        self.asked: list[Job] = []

    def pool(self, cells: int, hear: object) -> "FakePools":
        return self

    def submit(self, job: Job) -> "Future[Record]":
        self.asked.append(job)
        future: Future[Record] = Future()
        try:
            future.set_result(self.answer(job))
        except KilledError as error:
            future.set_exception(error)
        return future

    def stop(self) -> None:
        pass


class KilledError(BrokenExecutor):
    """A worker died while it ran the cell."""


def scheduled(tmp_path: Path, pools: FakePools, **study: object) -> tuple[list[Job], Recorder]:
    plan = Study(datasets=("synthetic[rows=2000]",), out=tmp_path, **study).resolve(CATALOGUE)
    jobs = expand(plan, CATALOGUE)
    recorder = Recorder(CATALOGUE, RecordStore(tmp_path), lambda event: None, {}, lambda summary: True, lambda: None)
    locks = Locks(tmp_path / "locks")
    Schedule(jobs, pools, recorder, locks).run()
    locks.close()
    assert not (tmp_path / "locks").exists()
    assert recorder.summaries.keys() == {job.cell.id for job in jobs}
    return jobs, recorder


def test_cells_run_once_in_the_order_of_the_study_where_nothing_waits(tmp_path: Path) -> None:
    pools = FakePools()
    jobs, _ = scheduled(tmp_path, pools, backbones=("mmoe", "ple"), weightings=("constant", "dwa"), seeds=3)
    assert [job.cell.id for job in pools.asked] == [job.cell.id for job in jobs]


def test_a_cell_runs_as_soon_as_those_that_it_builds_on_have_their_records(tmp_path: Path) -> None:
    pools = FakePools()
    jobs, _ = scheduled(tmp_path, pools, backbones=("mmoe",), weightings=("rmtl",), seeds=3)
    # Each seed's constant weights, then RMTL from there; with two places the next seed begins beside them.
    names = [(job.cell.weighting.name, job.cell.seed) for job in pools.asked]
    assert names == [
        ("constant", 0),
        ("constant", 1),
        ("rmtl", 0),
        ("rmtl", 1),
        ("constant", 2),
        ("rmtl", 2),
    ]
    assert len(jobs) == 6


def test_what_builds_on_a_failed_cell_fails_with_its_reason(tmp_path: Path) -> None:
    def fails(job: Job) -> Record:
        return record(status="failed", reason="out of luck").model_copy(update={"cell": job.cell.id})

    pools = FakePools(fails)
    jobs, recorder = scheduled(tmp_path, pools, backbones=("mmoe",), weightings=("rmtl",), seeds=1)
    assert [job.cell.weighting.name for job in pools.asked] == ["constant"]
    failure = recorder.summaries[jobs[-1].cell.id].failure
    assert failure is not None
    assert failure.reason.endswith("which it builds on, has no result: out of luck")


def test_a_cell_that_kills_its_worker_twice_fails_and_the_others_are_done(tmp_path: Path) -> None:
    def deadly(job: Job) -> Record:
        if job.cell.seed == 1:
            raise KilledError
        return trained(job)

    pools = FakePools(deadly)
    jobs, recorder = scheduled(tmp_path, pools, backbones=("mmoe",), weightings=("constant",), seeds=4)
    assert [recorder.summaries[job.cell.id].status for job in jobs] == ["done", "failed", "done", "done"]
    assert [job.cell.seed for job in pools.asked].count(1) == 2


def test_what_is_done_when_a_pool_breaks_is_not_run_again(tmp_path: Path) -> None:
    left = [KilledError()]

    def deadly_once(job: Job) -> Record:
        if job.cell.seed == 1 and left:
            raise left.pop()
        return trained(job)

    pools = FakePools(deadly_once)
    pools.width = 8
    scheduled(tmp_path, pools, backbones=("mmoe",), weightings=("constant",), seeds=8)
    assert sorted(job.cell.seed for job in pools.asked) == [0, 1, 1, 2, 3, 4, 5, 6, 7]


def test_a_cell_that_gets_further_each_time_is_tried_until_it_is_done_and_one_that_does_not_is_not(
    tmp_path: Path,
) -> None:
    lives = {0: [10, 20, 30, 40], 1: [10, 10, 20]}
    """Seed -> steps that are saved when the worker dies, one life after the other."""

    def mortal(job: Job) -> Record:
        steps = lives.get(job.cell.seed, [])
        if not steps:
            return trained(job)
        Journal(job.journal).save(1, Entry("main", {"spend": {"steps": steps.pop(0)}}, {}, over=False))
        raise KilledError

    pools = FakePools(mortal)
    jobs, recorder = scheduled(tmp_path, pools, backbones=("mmoe",), weightings=("constant",), seeds=3)
    assert [recorder.summaries[job.cell.id].status for job in jobs] == ["done", "failed", "done"]
    assert [pools.asked.count(job) for job in jobs] == [5, 2, 1]
    assert RecordStore(tmp_path).get(jobs[0].cell.stem).crashes == 4
    assert lives == {0: [], 1: [20]}


class Rejecting(FakePools):
    """Pools that turn out to be broken when a cell is handed in, the first ``times`` times that it is this one."""

    def __init__(self, seed: int, times: int) -> None:
        super().__init__()
        self.left = {seed: times}

    def submit(self, job: Job) -> "Future[Record]":
        if self.left.get(job.cell.seed, 0):
            self.left[job.cell.seed] -= 1
            raise BrokenExecutor
        return super().submit(job)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_cell_that_a_broken_pool_did_not_take_is_handed_to_the_next(tmp_path: Path, seed: int) -> None:
    jobs, recorder = scheduled(tmp_path, Rejecting(seed, 1), backbones=("mmoe",), weightings=("constant",), seeds=3)
    assert {recorder.summaries[job.cell.id].status for job in jobs} == {"done"}


def test_a_study_ends_where_no_pool_takes_a_cell(tmp_path: Path) -> None:
    jobs, recorder = scheduled(tmp_path, Rejecting(0, 99), backbones=("mmoe",), weightings=("constant",), seeds=1)
    assert recorder.summaries[jobs[0].cell.id].status == "failed"


def test_when_the_time_is_over_no_cell_begins_and_those_that_ran_have_their_records(tmp_path: Path) -> None:
    pools = FakePools()
    plan = Study(datasets=("synthetic[rows=2000]",), out=tmp_path, backbones=("mmoe",), seeds=5).resolve(CATALOGUE)
    jobs = expand(plan, CATALOGUE)
    recorder = Recorder(CATALOGUE, RecordStore(tmp_path), lambda event: None, {}, lambda summary: True, lambda: None)
    locks = Locks(tmp_path / "locks")
    with pytest.raises(OutOfTime):
        Schedule(jobs, pools, recorder, locks, over=lambda: len(pools.asked) >= 3).run()
    assert len(pools.asked) == 3
    assert recorder.summaries.keys() == {job.cell.id for job in pools.asked}
    Schedule(jobs, pools, recorder, locks, over=lambda: False).run()
    assert recorder.summaries.keys() == {job.cell.id for job in jobs}
    locks.close()
