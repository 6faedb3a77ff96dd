"""Which cell runs when, and what happens when its process dies."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from heapq import heappop, heappush

from mtlbench.experiments.executors import Pool, Where
from mtlbench.experiments.job import Job, WorkerLostError
from mtlbench.experiments.recorder import Recorder
from mtlbench.locks import Locks
from mtlbench.records.schema import Failure, Record
from mtlbench.training.journal import reached

MAX_CRASHES = 2
"""A cell fails when its worker process has died so many times and the cell was saved no further in between. After the
first death it runs alone, so that no other cell can be to blame for the second."""
POLL_SECONDS = 0.5
"""How often a cell that another run has locked is looked at again."""

Turn = tuple[int, Job]
"""A job and its place in the order of the study, which no other job has."""


class OutOfTime(BaseException):
    """The time that a run was given is over.

    It is no ``Exception``, which in the middle of a cell would become the reason of a failed record.
    """


def never() -> bool:
    """A run without an end of its time."""
    return False


class Schedule:
    """Runs jobs, each after the cells that it builds on, and none that another run is at.

    A cell that another run has locked waits until that run has recorded it, or has ended without.

    A worker process that dies (killed, out of memory) breaks its whole pool, and nothing says which cell it ran. So
    each cell that was running then runs again alone; one whose process dies again is to blame and fails, unless it
    was saved further than ever before: then it goes on from there. A cluster knows which cell it was: that one is
    handed in once more, by the same rule.
    """

    def __init__(
        self, jobs: list[Job], where: Where, recorder: Recorder, locks: Locks, over: Callable[[], bool] = never
    ) -> None:
        self._cells = len(jobs)
        self._queue: list[Turn] = list(enumerate(jobs))
        """A heap of what may run, as far as is known, in the order of the study."""
        self._blocked: dict[str, list[Turn]] = defaultdict(list)
        """By the cell that they wait for."""
        self._elsewhere: list[Turn] = []
        """What another run was at when it was last looked at."""
        self._front = 0
        """The turn of the last job that was put before all others."""
        self._where = where
        self._recorder = recorder
        self._locks = locks
        self._over = over
        self._running: dict[Future[Record], Job] = {}
        self._crashes: Counter[str] = Counter()
        """How often each cell was handed back since it last got further."""
        self._reached: dict[str, tuple[int, int]] = {}
        """How far each cell that was handed back was saved at most."""
        self._deaths: Counter[str] = Counter()
        """How many processes died of each cell; a cluster tries a cell several times before it hands it back."""

    def run(self) -> None:
        """Run all jobs; returns when each has a record.

        Raises:
            OutOfTime: ``over`` said so; no cell began since, and those that were running have their records.
        """
        while self._waiting:
            pool = self._where.pool(self._cells, self._recorder)
            try:
                self._run_in(pool)
            except BrokenExecutor:
                for job in self._running.values():
                    self._crashed(job)
                self._running.clear()
            finally:
                pool.stop()

    @property
    def _waiting(self) -> bool:
        return bool(self._queue or self._blocked or self._elsewhere)

    def _run_in(self, pool: Pool) -> None:
        while self._waiting or self._running:
            for job in self._ready(pool.width):
                self._submit(job, pool)
            if self._running:
                # With time to spare, look again at what another run has locked, and whether the cluster has grown.
                spare = self._waiting and len(self._running) < pool.width
                done = wait(self._running, POLL_SECONDS if spare else None, FIRST_COMPLETED).done
                # Results first: an error of the pool ends this, and what was done beside it would be lost.
                for future in sorted(done, key=lambda future: future.exception() is not None):
                    self._finish(future)
            elif self._waiting:
                if self._over():
                    raise OutOfTime
                if not self._elsewhere:
                    blocked = sum(map(len, self._blocked.values()))
                    raise RuntimeError(f"{blocked} cells wait for cells that nobody runs")
                time.sleep(POLL_SECONDS)

    def _submit(self, job: Job, pool: Pool) -> None:
        self._recorder.started(job)
        try:
            self._running[pool.submit(job)] = job
        except BrokenExecutor:
            # It never ran, so it is to blame only where nothing else is.
            if self._running:
                self._put_first(job)
            else:
                self._crashed(job)
            raise

    def _finish(self, future: "Future[Record]") -> None:
        try:
            record = future.result()
        except WorkerLostError as error:
            self._crashed(self._running.pop(future), error.deaths)
            return
        job = self._running.pop(future)
        crashes = max(record.crashes, self._deaths[job.cell.id])
        self._recorder.finished(job, record.model_copy(update={"crashes": crashes}))
        self._settled(job)

    def _settled(self, job: Job) -> None:
        """Let go of a cell that has its record, and queue what waited for it."""
        self._locks.release(job.cell.stem)
        for turn in self._blocked.pop(job.cell.id, ()):
            heappush(self._queue, turn)

    def _ready(self, width: int) -> Iterator[Job]:
        """Jobs to begin now, taken off the queue; those that need no training are recorded on the way.

        Each job is looked at once, and once more when what it waits for has its record: the time that all jobs of a
        study take here grows with their number.
        """
        for turn in self._elsewhere:
            heappush(self._queue, turn)
        self._elsewhere = []
        while self._queue and len(self._running) < width and not self._over():
            if self._running and self._suspect(self._queue[0][1], *self._running.values()):
                return
            turn = heappop(self._queue)
            job = turn[1]
            before = [self._recorder.summaries.get(cell.id) for cell in job.before]
            if job.not_applicable is None and None in before:
                self._blocked[job.before[before.index(None)].id].append(turn)
                continue
            self._recorder.check()
            if not self._locks.take(job.cell.stem):
                self._elsewhere.append(turn)
                continue
            missing = next((cell for cell in before if cell is not None and cell.status != "done"), None)
            if self._recorder.found(job):
                pass
            elif job.not_applicable is not None or job.failure is not None:
                self._recorder.without_training(job, job.failure)
            elif missing is not None:
                reason = missing.failure.reason if missing.failure else missing.status
                against = job.reference is not None and missing.cell == job.reference.id
                use = "its objective is measured against" if against else "it builds on"
                text = f"{missing.method}, which {use}, has no result: {reason}"
                self._recorder.without_training(job, Failure(reason=text))
            else:
                yield job
                continue
            self._settled(job)

    def _suspect(self, *jobs: Job) -> bool:
        return any(job.cell.id in self._crashes for job in jobs)

    def _crashed(self, job: Job, deaths: int = 1) -> None:
        """Queue a cell whose process died once more, before the others, or record it as failed."""
        before, now = self._reached.get(job.cell.id, (0, 0)), reached(job.journal)
        self._reached[job.cell.id] = max(before, now)
        self._crashes[job.cell.id] = 1 if now > before else self._crashes[job.cell.id] + 1
        self._deaths[job.cell.id] += deaths
        if self._crashes[job.cell.id] < MAX_CRASHES:
            self._put_first(job)
            return
        died = self._deaths[job.cell.id]
        reason = f"its worker process died {died} times; is the machine out of memory? try fewer --jobs"
        self._recorder.without_training(job, Failure(reason=reason), died)
        self._settled(job)

    def _put_first(self, job: Job) -> None:
        self._front -= 1
        heappush(self._queue, (self._front, job))
