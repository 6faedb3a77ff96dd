"""A real Dask cluster of one machine: a scheduler and workers, each a process, talking over TCP."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from studies import wait_until


class Cluster:
    """Scheduler and workers; ``folder`` gets what they say and the workers' scratch."""

    THREADS = "1"

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        self._count = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        arguments = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
        self._scheduler = self._start("scheduler", *arguments)
        self.workers = [self.add() for _ in range(workers)]

    def add(self, code: Path | None = None) -> "subprocess.Popen[bytes]":
        """One more worker: a process of one thread, which nobody starts again when it dies; with the code ``code``."""
        scratch = ("--local-directory", str(self._folder / "scratch"))
        arguments = ("--nthreads", self.THREADS, "--no-nanny", "--no-dashboard", *scratch)
        return self._start("worker", self.address, *arguments, code=code)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in (*self.workers, self._scheduler):
            process.kill()
            process.wait()

    def wait_for_workers(self, number: int) -> None:
        """Wait until the scheduler knows ``number`` workers or more."""
        from distributed import Client

        with contextlib.closing(Client(self.address, timeout="60s", set_as_default=False)) as client:
            wait_until(lambda: len(client.nthreads()) >= number)

    def _start(self, kind: str, *arguments: str, code: Path | None = None) -> "subprocess.Popen[bytes]":
        self._count += 1
        with (self._folder / f"{self._count}-{kind}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": str(code)} if code else {}),
                cwd=code,
            )
