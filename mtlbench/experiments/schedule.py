"""Which cell runs when, and what happens when its process dies."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import closing

from mtlbench.experiments.executors import Pool, local_pool
from mtlbench.experiments.job import Job
from mtlbench.experiments.recorder import Recorder
from mtlbench.experiments.run_cell import run_cell
from mtlbench.experiments.telemetry import Address, Receiver, sender
from mtlbench.records.schema import Record

MAX_CRASHES = 2
"""Deaths of a worker process during a cell, the second with no other cell running, that make the cell failed."""


class Schedule:
    """Runs jobs, ``width`` at a time, each after the cells that it builds on.

    A worker process that dies (killed, out of memory) breaks its whole pool, and nothing says which cell it ran. So
    each cell that was running then runs again alone; one whose process dies again is to blame and fails.
    """

    def __init__(self, jobs: list[Job], width: int, recorder: Recorder) -> None:
        self._waiting = list(jobs)
        self._width = min(width, len(jobs))
        self._recorder = recorder
        self._running: dict[Future[Record], Job] = {}
        self._crashes: Counter[str] = Counter()

    def run(self) -> None:
        """Run all jobs; returns when each has a record."""
        with closing(Receiver(self._recorder)) as receiver:
            while self._waiting:
                pool = local_pool(self._width)
                try:
                    self._run_in(pool, receiver.address)
                except BrokenExecutor:
                    self._after_crash()
                finally:
                    pool.stop()

    def _run_in(self, pool: Pool, address: Address) -> None:
        while self._waiting or self._running:
            for job in self._ready():
                self._recorder.started(job)
                self._running[pool.submit(run_remotely, job, address)] = job
            if self._waiting and not self._running:
                raise RuntimeError(f"{len(self._waiting)} cells wait for cells that nobody runs")
            for future in wait(self._running, return_when=FIRST_COMPLETED).done:
                record = future.result()
                self._recorder.finished(self._running.pop(future), record)

    def _ready(self) -> Iterator[Job]:
        """Jobs to begin now, taken off the queue; those that need no training are recorded on the way."""
        for job in list(self._waiting):
            if len(self._running) == self._width or (self._running and self._suspect(job, *self._running.values())):
                return
            sources = [self._recorder.records.get(source.id) for source in job.sources]
            if job.not_applicable is None and None in sources:
                continue
            self._waiting.remove(job)
            if job.not_applicable is not None:
                self._recorder.without_training(job)
                continue
            missing = next((source for source in sources if source is not None and source.status != "done"), None)
            if missing is not None:
                reason = missing.failure.reason if missing.failure else missing.status
                self._recorder.without_training(job, f"{missing.method}, which it builds on, has no result: {reason}")
            else:
                yield job

    def _suspect(self, *jobs: Job) -> bool:
        return any(job.cell.id in self._crashes for job in jobs)

    def _after_crash(self) -> None:
        """Queue the cells that were running once more, or record them as failed."""
        for job in self._running.values():
            self._crashes[job.cell.id] += 1
            if self._crashes[job.cell.id] < MAX_CRASHES:
                self._waiting.insert(0, job)
            else:
                self._recorder.without_training(
                    job, f"its worker process died {MAX_CRASHES} times; is the machine out of memory? try fewer --jobs"
                )
        self._running.clear()


def run_remotely(job: Job, address: Address) -> Record:
    """Run one cell in a worker process, reporting its progress to ``address``."""
    return run_cell(job, sender(address))
