"""Processes that take turns: each works for a number of steps when told to, and waits in between."""

import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from mtlbench.errors import TrainingError
from mtlbench.training.budget import peak_memory_mib


@dataclass(frozen=True)
class Turn:
    """What a process did when it was told to work."""

    seconds: Sequence[float]
    """Of each step."""
    processor_seconds: Sequence[float]
    """Of each step, that processors worked for this process: other programs change it little."""
    peak_memory_mib: float
    """Of the process so far."""


class InterleavedWorker:
    """A function that works for ever, in a process of its own, in turns.

    Args:
        work: called there with ``arguments`` and then with a function to call after every step.
        arguments: must be picklable.
    """

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def take_turn(self, steps: int) -> Turn:
        """Let it work for ``steps`` steps; the very first includes what it does before it.

        Raises:
            TrainingError: it failed.
        """
        try:
            self._connection.send(steps)
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            answer = f"a process of the benchmark died with exit code {self._process.exitcode}"
        if isinstance(answer, str):
            raise TrainingError(answer)
        assert isinstance(answer, Turn)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


class SimultaneousWorkers:
    """Several processes that do the same and take their turns at the same time.

    Args:
        number: of processes.
        work: as :class:`InterleavedWorker` takes it.
        arguments: likewise.
    """

    def __init__(self, number: int, work: Callable[..., None], *arguments: Any) -> None:
        self._stack = ExitStack()
        self._pool = self._stack.enter_context(ThreadPoolExecutor(number))
        self._processes = [self._stack.enter_context(InterleavedWorker(work, *arguments)) for _ in range(number)]

    def take_turn(self, steps: int) -> Sequence[Turn]:
        """Let each work for ``steps`` steps; ends when the last has done so."""
        return list(self._pool.map(lambda process: process.take_turn(steps), self._processes))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()


class _Turns:
    """Waits for its turn, and times the steps of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._steps = connection.recv()
        self._begin()

    def __call__(self) -> None:
        self._ends.append((time.perf_counter(), time.process_time()))
        if len(self._ends) > self._steps:
            seconds, processor_seconds = (
                [end - begin for begin, end in pairwise(clock)] for clock in zip(*self._ends, strict=True)
            )
            self._connection.send(Turn(seconds, processor_seconds, peak_memory_mib()))
            self._steps = self._connection.recv()
            self._begin()

    def _begin(self) -> None:
        self._ends = [(time.perf_counter(), time.process_time())]


def _serve(connection: Connection, work: Callable[..., None], arguments: Sequence[Any]) -> None:
    try:
        with redirect_stdout(sys.stderr):  # what plugins and libraries print is no result of the benchmark
            work(*arguments, _Turns(connection))
    except EOFError:
        pass  # nobody asks any more
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")
