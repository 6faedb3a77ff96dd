"""Where cells run: in this process, in local worker processes, or on a Dask cluster, behind one seam."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, Self

from loky.backend.context import get_context
from loky.process_executor import ProcessPoolExecutor

from mtlbench.config.devices import VISIBLE, shared_gpus
from mtlbench.config.study import Study
from mtlbench.errors import UsageError
from mtlbench.experiments.cores import pin
from mtlbench.experiments.events import Event
from mtlbench.experiments.job import Job
from mtlbench.experiments.run_cell import run_cell
from mtlbench.experiments.telemetry import Address, Receiver, sender
from mtlbench.records.schema import Record

PARENT_CHECK_SECONDS = 1.0

WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "LOKY_MAX_MEMORY_LEAK_SIZE": "1e15"}
"""One thread each. Loky would take the pages of a mapped dataset for a memory leak, and start the worker anew."""

Hear = Callable[[Event], None]


class Pool(Protocol):
    """Runs cells, each in a process that does nothing else meanwhile.

    A future whose process died raises ``WorkerLostError`` where the pool knows which cell that was, and
    ``BrokenExecutor`` where the whole pool is gone.
    """

    @property
    def width(self) -> int:
        """Cells to run at the same time."""

    def submit(self, job: Job) -> "Future[Record]":
        """Run a cell soon."""

    def stop(self) -> None:
        """End the pool and whatever still runs in it."""


@dataclass(frozen=True)
class Where:
    """Where the cells run: on this machine or, with a ``scheduler``, on a Dask cluster."""

    jobs: int = 1
    """Cells at the same time, on each of ``gpus``; on Dask the fewest that are handed to the cluster at once."""
    scheduler: str | None = None
    """Address of a Dask scheduler, or the path of its scheduler file."""
    gpus: tuple[str, ...] = ()
    """GPUs that share the cells, as ``CUDA_VISIBLE_DEVICES`` names them; none: each cell says where it trains."""

    @classmethod
    def of(cls, study: Study) -> Self:
        """Where ``study`` says. By default there are as many cells at once as cores, on however many GPUs."""
        gpus, jobs = shared_gpus(study.device), study.jobs
        if gpus and "jobs" not in study.model_fields_set:
            jobs = max(1, jobs // len(gpus))
        return cls(jobs, study.scheduler, gpus)

    def pool(self, cells: int, hear: Hear) -> Pool:
        """A pool for ``cells`` cells, whose events go to ``hear``.

        Raises:
            UsageError: the scheduler cannot be reached, or Dask is not installed.
        """
        if self.scheduler is not None:
            from mtlbench.experiments.dask_pool import DaskPool

            return DaskPool(self.scheduler, self.jobs, hear)
        width = min(self.jobs * max(1, len(self.gpus)), cells)
        return InProcess(hear) if width == 1 else WorkerProcesses(width, hear, self.gpus)


HERE = Where()
"""This process, one cell after the other."""


class InProcess:
    """Runs each cell at once in this process."""

    width = 1

    def __init__(self, hear: Hear) -> None:
        self._hear = hear

    def submit(self, job: Job) -> "Future[Record]":
        """Run the cell now; an error is kept in the future, an interrupt passes through."""
        future: Future[Record] = Future()
        try:
            future.set_result(run_cell(job, self._hear))
        except Exception as error:
            future.set_exception(error)
        return future

    def stop(self) -> None:
        """Nothing is left running."""


class WorkerProcesses:
    """``width`` single-threaded worker processes on this machine, each bound to a core of its own.

    Where there are ``gpus``, each process sees one of them for as long as it lives, by turns, and has the data there.
    Its cells call it ``cuda``, whichever it is, and so does what they save: a killed cell goes on on any of them.

    Raises:
        UsageError: the system refuses what such processes talk to each other by.
    """

    def __init__(self, width: int, hear: Hear, gpus: Sequence[str] = ()) -> None:
        self.width = width
        try:
            self._receiver = Receiver(hear)
            turns = get_context().SimpleQueue()
            for gpu in gpus:
                turns.put(gpu)
            self._executor = ProcessPoolExecutor(
                max_workers=width,
                env={**os.environ, **WORKER_ENVIRONMENT},
                initializer=begin_worker,
                initargs=(os.getpid(), turns if gpus else None),
            )
        except OSError as error:
            raise UsageError(
                f"cannot start worker processes ({error}); they need semaphores, which on Linux are files in /dev/shm, "
                "and a socket in the folder of temporary files: see that both are there, can be written and have room "
                "(docker run --shm-size 64m), or use --jobs 1"
            ) from error

    def submit(self, job: Job) -> "Future[Record]":
        """Run the cell in a worker process."""
        future: Future[Record] = self._executor.submit(run_remotely, job, self._receiver.address)
        return future

    def stop(self) -> None:
        """Kill the workers."""
        self._receiver.close()
        self._executor.shutdown(wait=True, kill_workers=True)


def run_remotely(job: Job, address: Address) -> Record:
    """Run one cell in a worker process, reporting its progress to ``address``."""
    return run_cell(job, sender(address))


def begin_worker(parent: int, gpus: Any = None) -> None:
    """Make this process a worker of the process ``parent`` that sees one of ``gpus``, a queue, where there is one.

    Ctrl-C in a terminal reaches all its processes; what is to be done about it is the parent's affair.
    """
    if gpus is not None:  # before torch looks for GPUs
        os.environ[VISIBLE] = gpu = gpus.get()
        gpus.put(gpu)  # the next worker gets the one after it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent)
    with contextlib.suppress(OSError):
        pin()


def end_with_parent(parent: int) -> None:
    """Let this process end soon after the process ``parent`` that started it, however that ended.

    A run that is killed cannot stop its workers, and they would go on with their cells for nobody.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
