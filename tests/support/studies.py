"""Studies of quick cells as a user runs them, and what is left of them when timings are taken away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mtlbench.leaderboards import build, to_markdown
from mtlbench.records import Record, RecordStore

TIMINGS = {"spend", "environment", "checksum"}
SURVIVAL = {"crashes", "resumptions"}


def start(study: Sequence[str], out: Path, *options: str, **environment: str) -> "subprocess.Popen[bytes]":
    """``mtlbench run``, in a session of its own: a signal to its process group reaches nobody else."""
    return subprocess.Popen(
        [sys.executable, "-m", "mtlbench", "run", *study, "--out", str(out), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, **environment},
    )


def finish(study: Sequence[str], out: Path, *options: str) -> str:
    """Run to the end; what it said on stderr."""
    run = start(study, out, *options)
    _, said = run.communicate(timeout=900)
    assert run.returncode == 0, said.decode()
    return said.decode()


@contextmanager
def killed_at_last(run: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """``run``, and all its process group gone when the block ends."""
    try:
        yield run
    finally:
        kill_group(run)
        run.communicate()


def kill_group(run: "subprocess.Popen[bytes]", number: int = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError):
        os.killpg(run.pid, number)


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
