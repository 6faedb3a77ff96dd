"""What may happen before a run has begun: an interrupt, too little memory, no way to talk to worker processes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mtlbench.cli import main

INTERRUPTED = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    raise ImportError("cannot load module more than once per process")  # as numpy makes of it
"""
RUN = ["run", "--dataset", "synthetic[rows=2000]", "--backbone", "mmoe,ple", "--weighting", "constant", "--seeds", "1"]
LITTLE = 400_000
"""KiB of address space: enough for Python, and not for torch."""


def mtlbench(*arguments: str, limit: object = "unlimited") -> "subprocess.CompletedProcess[str]":
    command = ["sh", "-c", f'ulimit -v {limit}; exec "$@"', "sh", sys.executable, "-m", "mtlbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_an_interrupt_while_modules_are_imported_exits_130_without_a_word(tmp_path: Path):
    (tmp_path / "slow.py").write_text(INTERRUPTED)
    done = mtlbench(*RUN, "--plugin", str(tmp_path / "slow.py"), "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert not (tmp_path / "out").exists()


def test_too_little_memory_for_torch_is_one_line_with_the_remedy(tmp_path: Path):
    done = mtlbench(*RUN, "--out", str(tmp_path / "out"), limit=LITTLE)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no memory left for this process" in done.stderr
    assert "fewer --jobs" in done.stderr


@pytest.mark.parametrize(
    "error", [MemoryError(), MemoryError("Unable to allocate 3 GiB"), RuntimeError("out of memory")]
)
def test_memory_that_ends_in_a_command_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
):
    def exhausted(*arguments: Any, **settings: Any) -> None:
        raise error

    monkeypatch.setattr("mtlbench.experiments.runner.expand", exhausted)
    with pytest.raises(SystemExit) as end:
        main([*RUN, "--out", str(tmp_path)])
    assert end.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("error: there is no memory left for this process (")
    assert not any("Traceback" in line for line in said)


@pytest.mark.parametrize("error", [OSError(30, "Read-only file system"), OSError(28, "No space left on device")])
def test_worker_processes_without_semaphores_are_one_line_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError
):
    def refused(*arguments: Any, **settings: Any) -> None:
        raise error

    # What the pool of processes raises where /dev/shm cannot be written, or is full.
    monkeypatch.setattr("mtlbench.experiments.executors.ProcessPoolExecutor", refused)
    with pytest.raises(SystemExit) as end:
        main([*RUN, "--jobs", "2", "--out", str(tmp_path)])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert f"cannot start worker processes ([Errno {error.errno}] {error.strerror})" in said
    assert "--shm-size 64m" in said
    assert "--jobs 1" in said
    assert not list(tmp_path.glob("records/*"))
