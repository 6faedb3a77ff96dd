"""Studies under fire: processes are killed at random moments, and the leaderboard is the undisturbed one to the byte.

docs/reliability.md has the figures of these tests; ``-s`` prints them.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from dask_cluster import Cluster

from studies import Run, children, finish, outcomes, page, records, start, wait_until

pytestmark = pytest.mark.slow

STUDY = [
    *("--dataset", "synthetic[rows=2000]", "--epochs", "2", "--batch-size", "48", "--seeds", "6"),
    *("--backbone", "esmm,shared-bottom", "--weighting", "constant,rmtl,dwa,famo,gradnorm"),
]
CELLS = 60
KILLS = int(os.environ.get("MTLBENCH_KILLS", "100"))
LOSSES = int(os.environ.get("MTLBENCH_LOSSES", "20"))
WHOLE_RUN = 0.2
"""Share of the kills that hit the run with all its workers at once; the others hit one worker."""
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


def done(out: Path) -> list[str]:
    return [cell for cell, record in records(out).items() if record.status == "done"]


def wait_for_training(out: Path, run: Run) -> bool:
    """Wait until a cell saves a step from now on; ``False`` where the run ends before."""
    now = time.time()

    def saving() -> bool:
        for path in (out / "checkpoints" / "running").glob("*/*.pt"):
            try:
                if path.stat().st_mtime > now:
                    return True
            except FileNotFoundError:  # its cell has finished
                continue
        return False

    wait_until(lambda: run.ended or saving())
    return not run.ended
