"""Claims end with their owner, and leave no file for ever."""

import subprocess
import sys
from pathlib import Path

from mtlbench.experiments.claims import Claims

HOLD = """
import sys, time
from pathlib import Path
from mtlbench.experiments.claims import Claims
claims = Claims(Path(sys.argv[1]))
assert claims.take(sys.argv[2])
print("held", flush=True)
time.sleep(600)
"""


def holder(folder: Path, name: str) -> "subprocess.Popen[str]":
    """A process that holds a claim."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_sweeping_takes_the_files_of_the_dead_and_leaves_those_of_the_living(tmp_path: Path):
    dead, living = holder(tmp_path, "cell.a.seed0"), holder(tmp_path, "cell.b.seed0")
    try:
        dead.kill()
        dead.wait()
        claims = Claims(tmp_path)
        assert claims.take("cell.c.seed0")
        claims.sweep()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["cell.b.seed0.lock", "cell.c.seed0.lock"]
        assert not claims.take("cell.b.seed0")
    finally:
        for process in (dead, living):
            process.kill()
            process.wait()


def test_a_claim_of_the_dead_can_be_taken(tmp_path: Path):
    process = holder(tmp_path, "cell")
    claims = Claims(tmp_path)
    assert not claims.take("cell")
    process.kill()
    process.wait()
    assert claims.take("cell")
    claims.close()
    assert not tmp_path.exists()
