"""Studies under fire: processes are killed at random moments, and the leaderboard is the undisturbed one to the byte.

docs/reliability.md has the figures of these tests; ``-s`` prints them.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil
import pytest
from bit_flips import flip, flip_in
from dask_cluster import Cluster

from mtlbench.records.event_log import read_events
from mtlbench.training import tensor_files
from studies import Run, children, finish, outcomes, page, records, start, wait_until

pytestmark = pytest.mark.slow

STUDY = [
    *("--dataset", "synthetic[rows=2000]", "--epochs", "2", "--batch-size", "48", "--seeds", "6"),
    *("--backbone", "esmm,shared-bottom", "--weighting", "constant,rmtl,dwa,famo,gradnorm"),
]
CELLS = 60
KILLS = int(os.environ.get("MTLBENCH_KILLS", "100"))
LOSSES = int(os.environ.get("MTLBENCH_LOSSES", "20"))
DAMAGES = int(os.environ.get("MTLBENCH_DAMAGES", "20"))
LONG_STUDY = [
    *("--dataset", "synthetic[rows=2000]", "--epochs", "25", "--patience", "25", "--batch-size", "48", "--seeds", "1"),
    *("--backbone", "esmm,shared-bottom", "--weighting", "constant,famo,rmtl"),
]
"""Cells of many epochs, which a kill hits after the first."""
LONG_CELLS = 6
MID_TRAINING_KILLS = int(os.environ.get("MTLBENCH_MID_TRAINING_KILLS", "30"))
CACHE_DAMAGES = 5
WHOLE_RUN = 0.2
"""Share of the kills that hit the run with all its workers at once; the others hit one worker."""


def _in_a_tensor(path: Path, chance: random.Random) -> None:
    flip_in(path, chance.choice(["first tensor", "last tensor"])) if path.suffix == ".pt" else _anywhere(path, chance)


def _in_the_header(path: Path, chance: random.Random) -> None:
    flip(path, chance.randrange(30), chance.randrange(8))


def _anywhere(path: Path, chance: random.Random) -> None:
    flip(path, chance.randrange(path.stat().st_size), chance.randrange(8))


def _cut(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(1, path.stat().st_size)])


def _emptied(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


WAYS: dict[str, Callable[[Path, random.Random], None]] = {
    "a bit of a tensor": _in_a_tensor,
    "a bit of the header": _in_the_header,
    "a bit anywhere": _anywhere,
    "cut": _cut,
    "zero length": _emptied,
}
"""How a file is damaged."""
SAVED_EACH_STEP = ("--checkpoint-every", "0", "--overwrite", "failed")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "results"
    finish(STUDY, out, "--jobs", "2")
    assert len(records(out)) == CELLS
    return out


def test_a_hundred_random_kills_change_no_byte(undisturbed: Path, tmp_path: Path):
    chance = random.Random(8)
    kills = runs = rounds = resumed = crashes = 0
    while kills < KILLS:
        rounds += 1
        out = tmp_path / f"round{rounds}"
        while len(done(out)) < CELLS:
            runs += 1
            with start(STUDY, out, "--jobs", "2", *SAVED_EACH_STEP) as run:
                while not run.ended:
                    if not wait_for_training(out, run) or kills >= KILLS:
                        run.wait()
                        break
                    time.sleep(chance.uniform(0, 0.5))
                    if chance.random() < WHOLE_RUN:
                        run.kill()
                        kills += 1
                        break
                    workers = children(run.process.pid)
                    if workers:
                        os.kill(chance.choice(workers), signal.SIGKILL)
                        kills += 1
        found = records(out).values()
        resumed += sum(record.resumptions for record in found)
        crashes += sum(record.crashes for record in found)
        assert outcomes(out) == outcomes(undisturbed)
        assert page(out) == page(undisturbed)
        assert not list((out / "locks").glob("*"))
    print(f"\n{kills} kills in {runs} runs of {rounds} studies; {crashes} crashes and {resumed} resumptions recorded")
    assert resumed > 0


def test_twenty_lost_workers_of_a_cluster_change_no_byte(undisturbed: Path, tmp_path: Path):
    chance = random.Random(8)
    losses = runs = rounds = resumed = crashes = 0
    with Cluster(tmp_path, workers=3) as cluster:
        cluster.wait_for_workers(1)
        where = ("--executor", "dask", "--scheduler", cluster.address, "--jobs", "3")
        while losses < LOSSES:
            rounds += 1
            out = tmp_path / f"round{rounds}"
            while len(done(out)) < CELLS:
                runs += 1
                with start(STUDY, out, *where, *SAVED_EACH_STEP) as run:
                    while losses < LOSSES and wait_for_training(out, run):
                        time.sleep(chance.uniform(0, 0.5))
                        victim = chance.randrange(len(cluster.workers))
                        cluster.workers[victim].kill()
                        cluster.workers[victim].wait()
                        losses += 1
                        cluster.workers[victim] = cluster.add()
                    run.wait()
            found = records(out).values()
            resumed += sum(record.resumptions for record in found)
            crashes += sum(record.crashes for record in found)
            assert outcomes(out) == outcomes(undisturbed)
            assert page(out) == page(undisturbed)
    print(f"\n{losses} losses in {runs} runs of {rounds} studies; {crashes} crashes and {resumed} resumptions recorded")
    assert resumed > 0


@pytest.fixture(scope="module")
def undisturbed_long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed-long") / "results"
    finish(LONG_STUDY, out, "--jobs", "2")
    assert len(records(out)) == LONG_CELLS
    return out


def test_workers_killed_in_mid_training_resume_and_change_no_byte(undisturbed_long: Path, tmp_path: Path):
    """Only kills count of which every cell that runs was saved past its first epoch by the process that is killed."""
    chance = random.Random(8)
    kills = runs = rounds = lost = resumed = epochs = 0
    while kills < MID_TRAINING_KILLS:
        rounds += 1
        out = tmp_path / f"round{rounds}"
        expected: Counter[str] = Counter()
        with start(LONG_STUDY, out, "--jobs", "2", *SAVED_EACH_STEP) as run:
            runs += 1
            killed_at = ""
            while kills < MID_TRAINING_KILLS:
                found: dict[str, Attempt] = {}
                past = partial(running_past_the_first_epoch, out, killed_at, found)
                wait_until(lambda past=past: run.ended or past())
                if run.ended:
                    break
                time.sleep(chance.uniform(0, 0.5))
                found.clear()
                if not running_past_the_first_epoch(out, killed_at, found):  # one of them has ended meanwhile
                    continue
                assert {cell: attempt.resumptions for cell, attempt in found.items()} == {
                    cell: expected[cell] for cell in found
                }
                killed_at = datetime.now(UTC).isoformat(timespec="milliseconds")
                os.kill(busiest(children(run.process.pid)), signal.SIGKILL)
                kills += 1
                lost += len(found)
                expected.update(found.keys())
                epochs += sum(attempt.epochs for attempt in found.values())
            assert run.wait() == 0, run.said
        assert len(done(out)) == LONG_CELLS
        recorded = Counter({cell: record.resumptions for cell, record in records(out).items()})
        assert +recorded == expected
        assert Counter({cell: record.crashes for cell, record in records(out).items()}) == recorded
        resumed += recorded.total()
        assert outcomes(out) == outcomes(undisturbed_long)
        assert page(out) == page(undisturbed_long)
    print(
        f"\n{kills} kills in mid-training in {runs} runs of {rounds} studies; {lost} cells lost their process, "
        f"{epochs / lost:.1f} epochs in on average, and {resumed} resumptions are recorded"
    )
    assert resumed == lost >= kills >= MID_TRAINING_KILLS


def test_damaged_saves_and_checkpoints_change_no_byte(undisturbed_long: Path, tmp_path: Path):
    chance = random.Random(8)
    kinds: Counter[str] = Counter()
    files: Counter[str] = Counter()
    noticed = runs = rounds = 0
    while kinds.total() < DAMAGES:
        rounds += 1
        out = tmp_path / f"round{rounds}"
        damaged: dict[Path, int] = {}
        while len(done(out)) < LONG_CELLS:
            runs += 1
            with start(LONG_STUDY, out, "--jobs", "2", *SAVED_EACH_STEP) as run:
                if kinds.total() < DAMAGES and wait_for_training(out, run):
                    time.sleep(chance.uniform(0.5, 3))
                    run.kill()
                run.wait()
            named = [path for path in damaged if f"{path} is damaged and not used" in run.said]
            noticed += len(named)
            for path in named:
                del damaged[path]
            if len(done(out)) < LONG_CELLS:
                for path in [*saves(out), *(out / "checkpoints").glob("*.pt")]:
                    if damaged.get(path) == path.stat().st_mtime_ns:  # nobody has come to it yet
                        continue
                    if kinds.total() < DAMAGES and chance.random() < 0.7:
                        kind = chance.choice(list(WAYS))
                        WAYS[kind](path, chance)
                        kinds[kind] += 1
                        files["checkpoints" if path.parent.name == "checkpoints" else "saves"] += 1
                        damaged[path] = path.stat().st_mtime_ns
        assert outcomes(out) == outcomes(undisturbed_long)
        assert page(out) == page(undisturbed_long)
    print(
        f"\n{kinds.total()} damaged files {dict(files)} {dict(kinds)}, {noticed} of them named in a warning, "
        f"{runs} runs of {rounds} studies"
    )
    assert noticed > kinds.total() / 2


def test_a_damaged_cache_changes_no_byte(undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Arrays of the encoded data and the memory of file hashes are damaged under a study that goes on."""
    chance = random.Random(8)
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path / "cache"))
    memory = tmp_path / "cache" / "file-hashes.json"
    damages = noticed = hashes = 0
    out = tmp_path / "results"
    while len(done(out)) < CELLS:
        with start(STUDY, out, "--jobs", "2", *SAVED_EACH_STEP) as run:
            if damages < CACHE_DAMAGES and wait_for_training(out, run):
                run.kill()
            run.wait()
        noticed += run.said.count("is damaged")
        if damages < CACHE_DAMAGES:
            arrays = [path for path in (tmp_path / "cache").rglob("*.npy") if path.stat().st_size]
            path = chance.choice(sorted(arrays))
            times = path.stat()
            flip(path, chance.randrange(times.st_size), chance.randrange(8))
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            damages += 1
            if memory.exists():
                WAYS[chance.choice(list(WAYS))](memory, chance)
                hashes += 1
    print(f"\n{damages} damaged arrays of the cache, {noticed} warnings; {hashes} times file-hashes.json damaged")
    assert noticed >= damages > 0
    assert outcomes(out) == outcomes(undisturbed)
    assert page(out) == page(undisturbed)


@pytest.mark.parametrize("options", ["size=64k", "size=4k", "ro"])
def test_little_or_no_shared_memory_is_enough_or_named(undisturbed: Path, tmp_path: Path, options: str):
    limited = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {options} tmpfs /dev/shm && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*limited, "true"], capture_output=True).returncode:
        pytest.skip("only root on Linux can mount another /dev/shm")
    out = tmp_path / "results"
    command = [*limited, sys.executable, "-m", "mtlbench", "run", *STUDY, "--out", str(out), "--jobs", "2"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if options == "size=64k":  # loky's locks are small files
        assert run.returncode == 0, run.stderr
        assert outcomes(out) == outcomes(undisturbed)
    else:
        assert run.returncode == 2
        assert "/dev/shm" in run.stderr
        assert "--jobs 1" in run.stderr
        assert "Traceback" not in run.stderr


def saves(out: Path) -> list[Path]:
    return list((out / "checkpoints" / "running").glob("*/*.pt"))


@dataclass(frozen=True)
class Attempt:
    """What the process that runs a cell has saved of it."""

    resumptions: int
    """How often the cell went on from a save, this time included."""
    epochs: int
    """Epochs that are over."""


def running_past_the_first_epoch(out: Path, since: str, found: dict[str, Attempt]) -> bool:
    """Whether all cells that run were begun after the moment ``since`` and saved past the first epoch after that.

    What is saved of them goes into ``found``, by cell.
    """
    running: dict[str, str] = {}
    for event in read_events(out):
        if event["kind"] == "cell-started":
            running[event["cell"]] = event["utc"]
        elif event["kind"] == "cell-finished":
            running.pop(event["cell"], None)
    for cell, begun in running.items():
        if begun <= since:  # a cell whose process died waits for its next
            continue
        saved = [path for path in saves(out) if path.stem == "running" and path.parent.name.endswith(cell[:12])]
        if not saved:
            return False
        try:
            when = datetime.fromtimestamp(saved[0].stat().st_mtime, UTC)
            content = tensor_files.load(saved[0])
        except FileNotFoundError:  # its stage has ended
            return False
        epochs = len(json.loads(content["facts"])["selection"]["curve"])
        if when <= datetime.fromisoformat(begun) or not epochs:
            return False
        found[cell] = Attempt(content["resumptions"], epochs)
    return bool(found)


def busiest(processes: list[int]) -> int:
    """The one of them that has used most processor time."""
    return max(processes, key=lambda process: sum(psutil.Process(process).cpu_times()[:2]))


def done(out: Path) -> list[str]:
    return [cell for cell, record in records(out).items() if record.status == "done"]


def wait_for_training(out: Path, run: Run) -> bool:
    """Wait until a cell saves a step from now on; ``False`` where the run ends before."""
    now = time.time()

    def saving() -> bool:
        for path in saves(out):
            try:
                if path.stat().st_mtime > now:
                    return True
            except FileNotFoundError:  # its cell has finished
                continue
        return False

    wait_until(lambda: run.ended or saving())
    return not run.ended
