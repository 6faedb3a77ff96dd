"""Cells on the workers of a Dask cluster.

Dask brings a cell whose worker died to another one, as often as its ``distributed.scheduler.allowed-failures`` says;
each begins where the last one saved. Checkpoints are files, so all workers see the results folder under one path.
"""

import contextlib
import hashlib
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from mtlbench.discovery import discover
from mtlbench.errors import DataError, MtlbenchError, UsageError
from mtlbench.experiments.code_identity import Code, code_of
from mtlbench.experiments.events import Event, NoWorkers, StageProgress
from mtlbench.experiments.job import Job, WorkerLostError
from mtlbench.experiments.run_cell import run_cell
from mtlbench.files import replacing
from mtlbench.records.schema import Record

PROGRESS_SECONDS = 2.0
"""Between two reports of a cell, all of which pass through the scheduler."""
CONNECT_SECONDS = "20s"
NO_WORKER_SECONDS = 10.0
"""Without any worker before somebody is told."""
INSTALL = "python -m pip install 'mtlbench[dask]'"

BEGUN, PROGRESS = "begun", "progress"
"""What a worker reports: the cell that it begins, and how far one has come."""

_ALONE = threading.Lock()
"""Held by the cell that this process runs: torch's generator and threads are the process's."""


@dataclass(frozen=True)
class PluginFile:
    """A plugin file and what is in it: a worker on another machine may not see the path."""

    path: Path
    content: bytes

    def here(self) -> Path:
        """A file on this machine with that content."""
        with contextlib.suppress(OSError):
            if self.path.read_bytes() == self.content:
                return self.path
        digest = hashlib.sha256(self.content).hexdigest()[:16]
        copy = _copies() / digest / self.path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replacing(copy) as file:
                file.write(self.content)
        return copy


@cache
def _copies() -> Path:
    """This process's folder of plugin files, whose name nobody can guess: what lies there is run."""
    return Path(tempfile.mkdtemp(prefix="mtlbench-plugins-"))


class DaskPool:
    """Runs cells on the cluster of a scheduler.

    Args:
        scheduler: its address, or the path of its scheduler file.
        least: cells handed to the cluster at the same time, though it has fewer workers: an adaptive one then grows.
        hear: gets the events of running cells.

    Raises:
        UsageError: Dask is missing, the scheduler cannot be reached, or a worker runs several cells in one process.
    """

    def __init__(self, scheduler: str, least: int, hear: Callable[[Event], None]) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise UsageError(f"--executor dask needs Dask's distributed, which is not installed: {INSTALL}") from error
        where = {"scheduler_file": scheduler} if Path(scheduler).is_file() else {"address": scheduler}
        try:
            self._client = Client(**where, timeout=CONNECT_SECONDS, set_as_default=False, name="mtlbench")
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {scheduler}: {error}; start one with `dask scheduler`, and give the "
                "address that it prints"
            ) from error
        self._least = least
        self._hear = hear
        self._topic = f"mtlbench-{self._client.id}"
        self._begun: Counter[str] = Counter()
        self._open: set[str] = set()
        """Cells that are handed in and have no result yet."""
        self._stopped = threading.Event()
        self._refuse_threads()
        self._client.subscribe_topic(self._topic, self._heard)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def width(self) -> int:
        """One cell for each worker, and one more in four, so that none waits for its next."""
        workers = len(self._client.nthreads())
        return max(self._least, workers + workers // 4)

    def submit(self, job: Job) -> "Future[Record]":
        """Run the cell on some worker."""
        files = tuple(PluginFile(path, path.read_bytes()) for path in job.settings.plugin_files)
        remote = self._client.submit(
            run_on_worker,
            job,
            files,
            self._topic,
            code_of(job.cell, discover(job.settings.plugin_files)),
            key=f"{job.cell.stem}-{uuid.uuid4().hex[:8]}",
        )
        future: Future[Record] = Future()
        future.set_running_or_notify_cancel()
        self._open.add(job.cell.id)
        remote.add_done_callback(lambda done: self._settle(job, done, future))
        return future

    def stop(self) -> None:
        """Cancel what is left; the cluster goes on without us."""
        self._stopped.set()
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)

    def _settle(self, job: Job, done: Any, future: "Future[Record]") -> None:
        from distributed.scheduler import KilledWorker

        self._open.discard(job.cell.id)
        try:
            record = done.result()
        except KilledWorker as error:
            future.set_exception(WorkerLostError(error.allowed_failures + 1))
        except MtlbenchError as error:
            future.set_exception(error)
        except BaseException as error:
            future.set_exception(_lost() if done.status in {"cancelled", "lost"} else _not_begun(error))
        else:
            died = max(self._begun[job.cell.id] - 1, 0)
            future.set_result(record.model_copy(update={"crashes": died}))

    def _heard(self, message: tuple[float, dict[str, Any]]) -> None:
        _, content = message  # Dask puts the worker's address into it
        if BEGUN in content:
            self._begun[content[BEGUN]] += 1
        else:
            self._hear(StageProgress(**content[PROGRESS]))

    def _watch(self) -> None:
        """Tell that no worker is there, after a while and then after twice as long each time."""
        since, due = time.monotonic(), NO_WORKER_SECONDS
        with contextlib.suppress(Exception):  # the connection is lost, which is told where a result is waited for
            while not self._stopped.wait(NO_WORKER_SECONDS / 10):
                waited = time.monotonic() - since
                if not self._open or self._client.nthreads():
                    since, due = time.monotonic(), NO_WORKER_SECONDS
                elif waited >= due:
                    self._hear(NoWorkers(len(self._open), waited))
                    due *= 2

    def _refuse_threads(self) -> None:
        busy = {address: threads for address, threads in self._client.nthreads().items() if threads > 1}
        if busy:
            address, threads = next(iter(busy.items()))
            self.stop()
            raise UsageError(
                f"the Dask worker {address} has {threads} threads, and a cell needs a process of its own: start "
                "workers with `dask worker SCHEDULER --nworkers N --nthreads 1`"
            )


def run_on_worker(job: Job, files: tuple[PluginFile, ...], topic: str, code: Code) -> Record:
    """Run one cell in a worker of the cluster, reporting to ``topic``.

    Raises:
        UsageError: the worker has other code or other data than ``code`` and the cell say.
    """
    from distributed import get_worker

    worker, last = get_worker(), 0.0
    plugin_files = tuple(file.here() for file in files)
    others = code_of(job.cell, discover(plugin_files)).others(code)
    if others:
        raise UsageError(
            f"the Dask worker {worker.address} has {' and '.join(others)}: install there what is installed here, and "
            "start the worker again"
        )

    def emit(progress: StageProgress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            worker.log_event(topic, {PROGRESS: asdict(progress)})

    with _ALONE:
        worker.log_event(topic, {BEGUN: job.cell.id})
        settings = replace(job.settings, plugin_files=plugin_files)
        try:
            return run_cell(replace(job, settings=settings), emit)
        except DataError as error:
            raise DataError(f"the Dask worker {worker.address}: {error}") from error


def _not_begun(error: BaseException) -> UsageError:
    return UsageError(
        f"a Dask worker could not begin a cell ({type(error).__name__}: {error}); install on every worker what is "
        "installed here, and start it again"
    )


def _lost() -> UsageError:
    return UsageError(
        "the connection to the Dask scheduler is lost; what is recorded is safe: start the cluster, and run the same "
        "command again"
    )
