"""Where cells run: in this process, or in local worker processes, behind the standard library's Executor."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, Protocol, TypeVar

from loky.process_executor import ProcessPoolExecutor

P = ParamSpec("P")
T = TypeVar("T")

PARENT_CHECK_SECONDS = 1.0

WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Pool(Protocol):
    """An executor that can be stopped at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run ``fn`` soon; see :class:`concurrent.futures.Executor`."""

    def stop(self) -> None:
        """End the pool and whatever still runs in it."""


class InProcess(Executor):
    """Runs each call at once in this process."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Call ``fn`` now; an error is kept in the future, an interrupt passes through."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def stop(self) -> None:
        """Nothing is left running."""


class WorkerProcesses(ProcessPoolExecutor):  # type: ignore[misc]
    """``width`` single-threaded worker processes on this machine."""

    def __init__(self, width: int) -> None:
        super().__init__(
            max_workers=width,
            env={**os.environ, **WORKER_ENVIRONMENT},
            initializer=end_with_parent,
            initargs=(os.getpid(),),
        )

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Run ``fn`` in a worker process."""
        future: Future[T] = super().submit(fn, *args, **kwargs)
        return future

    def stop(self) -> None:
        """Kill the workers."""
        self.shutdown(wait=True, kill_workers=True)


def end_with_parent(parent: int) -> None:
    """Let this process end soon after the process ``parent`` that started it, however that ended.

    A run that is killed cannot stop its workers, and they would go on with their cells for nobody.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def local_pool(width: int) -> Pool:
    """Worker processes on this machine; for a width of one, this process."""
    return InProcess() if width == 1 else WorkerProcesses(width)
