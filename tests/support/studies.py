"""Studies of quick cells as a user runs them, and what is left of them when timings are taken away."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from mtlbench.cli import main
from mtlbench.leaderboards import build, to_markdown
from mtlbench.records import Record, RecordStore

TIMINGS = {"spend", "environment", "checksum"}
SURVIVAL = {"crashes", "resumptions"}


@dataclass(frozen=True)
class Run:
    """``mtlbench run`` in a session of its own: a signal to its process group reaches nobody else."""

    process: "subprocess.Popen[bytes]"
    log: Path
    """What it says on stderr; a pipe that nobody reads would stop it."""

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def wait(self, seconds: float = 900) -> int:
        return self.process.wait(seconds)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the run and all its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        self.process.wait()


def start(study: Sequence[str], out: Path, *options: str) -> Run:
    out.parent.mkdir(parents=True, exist_ok=True)
    log = out.parent / f"{out.name}-{uuid.uuid4().hex[:8]}.log"
    command = [sys.executable, "-m", "mtlbench", "run", *study, "--out", str(out), *options]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=file, start_new_session=True, preexec_fn=_hear_interrupts
        )
    return Run(process, log)


def _hear_interrupts() -> None:
    """A shell that starts tests in the background has them ignore Ctrl-C, and with them all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(study: Sequence[str], out: Path, *options: str) -> str:
    """Run to the end; what it said on stderr."""
    with start(study, out, *options) as run:
        assert run.wait() == 0, run.said
        return run.said


def finish_here(study: Sequence[str], out: Path, *options: str, code: int = 0) -> None:
    """Run to the end, one cell after the other, in this process: a new one takes seconds to import what it needs.

    ``code`` is the exit code that the run should have.
    """
    with pytest.raises(SystemExit) as end:
        main(["run", *study, "--jobs", "1", "--out", str(out), *options])
    assert (end.value.code or 0) == code


def children(parent: int) -> list[int]:
    """The processes below ``parent`` that train: loky's workers, not its tracker of resources."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            command = (path.parent / "cmdline").read_text()
        except OSError:
            continue
        if int(fields[1]) == parent and "popen_loky" in command:
            found.append(int(path.parent.name))
    return found


def wait_until(condition: Callable[[], Any], seconds: float = 240, pause: float = 0.02) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(pause)


def records(out: Path) -> dict[str, Record]:
    return {record.cell: record for record in RecordStore(out).read_all()}


def outcomes(out: Path) -> dict[str, dict[str, Any]]:
    """Cell id -> its record without timings and without what it survived; costs of stages by steps and rows."""
    return {
        cell: {
            **record.model_dump(exclude=TIMINGS | SURVIVAL),
            "cost": [(stage.stage, stage.steps, stage.rows, stage.reused_from) for stage in record.spend],
        }
        for cell, record in records(out).items()
    }


def page(out: Path) -> bytes:
    """The leaderboard of ``out`` as if every cell had taken no time."""
    found = [
        record.model_copy(update={"spend": [stage.model_copy(update={"seconds": 0.0}) for stage in record.spend]})
        for record in RecordStore(out).read_all()
    ]
    return to_markdown(build(found)).encode()
