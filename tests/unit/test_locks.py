"""Locks end with their owner, and leave no file for ever."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from mtlbench.errors import StorageError
from mtlbench.locks import Locks, is_held

HOLD = """
import sys, time
from pathlib import Path
from mtlbench.locks import Locks
locks = Locks(Path(sys.argv[1]))
assert locks.take(sys.argv[2])
print("held", flush=True)
time.sleep(600)
"""


def holder(folder: Path, name: str) -> "subprocess.Popen[str]":
    """A process that holds a lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_sweeping_takes_the_files_of_the_dead_and_leaves_those_of_the_living(tmp_path: Path):
    dead, living = holder(tmp_path, "cell.a.seed0"), holder(tmp_path, "cell.b.seed0")
    try:
        dead.kill()
        dead.wait()
        locks = Locks(tmp_path)
        assert locks.take("cell.c.seed0")
        locks.sweep()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["cell.b.seed0.lock", "cell.c.seed0.lock"]
        assert not locks.take("cell.b.seed0")
    finally:
        for process in (dead, living):
            process.kill()
            process.wait()


def test_a_lock_ends_when_its_owner_is_killed(tmp_path: Path):
    process = holder(tmp_path, "cell")
    locks = Locks(tmp_path)
    assert is_held(tmp_path / "cell.lock")
    assert not locks.take("cell")
    process.kill()
    process.wait()
    assert not is_held(tmp_path / "cell.lock")
    assert locks.take("cell")
    locks.close()
    assert not tmp_path.exists()


def test_a_lock_is_one_owners_until_it_is_released(tmp_path: Path):
    one, other = Locks(tmp_path / "locks"), Locks(tmp_path / "locks")
    assert one.take("cell")
    assert one.take("cell")
    assert not other.take("cell")
    assert other.take("another")
    one.release("cell")
    assert other.take("cell")
    assert not one.take("cell")
    other.close()
    assert not (tmp_path / "locks").exists()


def test_who_opened_the_file_before_it_was_released_does_not_hold_a_file_that_is_gone(tmp_path: Path):
    one = Locks(tmp_path / "locks")
    assert one.take("cell")
    with (tmp_path / "locks" / "cell.lock").open("rb"):
        one.release("cell")
        other = Locks(tmp_path / "locks")
        assert other.take("cell")
        assert not one.take("cell")


def test_a_lock_that_is_not_there_is_not_held(tmp_path: Path):
    assert not is_held(tmp_path / "cell.lock")


def test_a_folder_that_cannot_have_locks_is_named(tmp_path: Path):
    (tmp_path / "locks").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"cannot lock .*cell\.lock.*choose another folder"):
        Locks(tmp_path / "locks").take("cell")


def test_a_file_system_without_locks_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    locks = Locks(tmp_path / "locks")
    with pytest.warns(RuntimeWarning, match="knows no locks.*never start two runs"):
        assert locks.take("cell")
    locks.close()
    assert not (tmp_path / "locks").exists()
