"""What a run survives: two at once, kills, interrupts, a full disk; and what becomes of its cells."""

import os
import pickle
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from bit_flips import flip_in

from mtlbench.config.plan import Plan
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import StorageError
from mtlbench.experiments import runner
from mtlbench.experiments.cores import in_order
from mtlbench.experiments.events import CellFinished, Event
from mtlbench.experiments.expand import expand
from mtlbench.records.event_log import read_events
from studies import children, finish_here, outcomes, page, records, start, wait_until

STUDY = [
    *("--dataset", "synthetic[rows=2000]", "--epochs", "2", "--batch-size", "48", "--seeds", "1"),
    *("--backbone", "esmm,shared-bottom", "--weighting", "constant,rmtl,famo"),
]
CELLS = 6
PART = [*STUDY[:-3], "esmm", *STUDY[-2:]]
"""Of it: new processes take longer to start than these cells to train."""
SAVED_EACH_STEP = ("--checkpoint-every", "0")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "results"
    finish_here(STUDY, out)
    assert len(records(out)) == CELLS
    return out


def part(out: Path) -> dict[str, Any]:
    """The outcomes of ``PART``."""
    return {cell: outcome for cell, outcome in outcomes(out).items() if outcome["backbone"]["name"] == "esmm"}


def saved(out: Path) -> list[Path]:
    return list((out / "checkpoints" / "running").glob("*/*.pt"))


@pytest.mark.slow
def test_a_run_that_is_killed_takes_its_workers_along_and_goes_on_in_the_midst_of_its_cells(
    undisturbed: Path, tmp_path: Path
):
    out = tmp_path / "results"
    with start(STUDY, out, "--jobs", "2", *SAVED_EACH_STEP) as run:
        wait_until(lambda: saved(out))
        workers = children(run.process.pid)
        assert workers
        run.process.kill()
        run.process.wait()
        wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 60)
    assert saved(out)
    finish_here(STUDY, out)
    assert outcomes(out) == outcomes(undisturbed)
    assert page(out) == page(undisturbed)
    assert sum(record.resumptions for record in records(out).values()) in (1, 2)
    assert saved(out) == []


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_cells_a_retry(undisturbed: Path, tmp_path: Path):
    out = tmp_path / "results"
    with start(PART, out, "--jobs", "2", *SAVED_EACH_STEP) as run:
        wait_until(lambda: saved(out))
        os.kill(children(run.process.pid)[0], signal.SIGKILL)
        assert run.wait(300) == 0
    assert outcomes(out) == part(undisturbed)
    crashed = [record.crashes for record in records(out).values() if record.crashes]
    assert crashed in ([1], [1, 1])


@pytest.mark.slow
def test_two_runs_at_once_share_the_cells_and_train_none_twice(undisturbed: Path, tmp_path: Path):
    out = tmp_path / "results"
    with start(PART, out, "--jobs", "1") as one, start(PART, out, "--jobs", "1") as other:
        assert (one.wait(), other.wait()) == (0, 0), (one.said, other.said)
    assert outcomes(out) == part(undisturbed)
    finished = [line for run in (one, other) for line in run.said.splitlines() if ": done in " in line]
    assert (
        sum(not line.endswith("done in 0.0 s") for line in finished) == CELLS / 2
    )  # what the other run did takes no time


@pytest.mark.slow
def test_ctrl_c_twice_leaves_whole_records_and_no_worker(undisturbed: Path, tmp_path: Path):
    out = tmp_path / "results"
    with start(PART, out, "--jobs", "2", *SAVED_EACH_STEP) as run:
        wait_until(lambda: saved(out))
        workers = children(run.process.pid)
        assert workers
        run.kill(signal.SIGINT)
        run.kill(signal.SIGINT)
        assert run.wait(60) != 0
        wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 60)
    assert {record.status for record in records(out).values()} <= {"done"}
    finish_here(PART, out)
    assert outcomes(out) == part(undisturbed)


@pytest.mark.slow
def test_a_full_disk_stops_the_run_with_a_word_and_the_same_command_goes_on(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "results"

    def run() -> None:
        runner.run(study(out), listener=silent)

    writes, real = [], os.fsync

    def full(descriptor: int) -> None:
        writes.append(descriptor)
        if len(writes) > 5:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("mtlbench.files.os.fsync", full)
        with pytest.raises(StorageError, match=r"No space left on device.*disk has room"):
            run()
    assert 0 < len(records(out)) < CELLS
    assert {record.status for record in records(out).values()} == {"done"}
    run()
    assert page(out) == page(undisturbed)


def study(out: Path) -> Plan:
    """What ``STUDY`` says."""
    return Study(
        datasets="synthetic[rows=2000]",
        backbones="esmm,shared-bottom",
        weightings="constant,rmtl,famo",
        seeds=1,
        epochs=2,
        batch_size=48,
        out=out,
    ).resolve(discover(()))


def checkpoints(out: Path) -> list[Path]:
    return list((out / "checkpoints").glob("*.pt"))


def without_dependents(out: Path) -> None:
    """Remove the records of the cells that build on another."""
    for path in (out / "records").glob("*.rmtl.*.json"):
        path.unlink()


@pytest.mark.parametrize(
    "region", ["last tensor", *(pytest.param(region, marks=pytest.mark.slow) for region in ("header", "digest"))]
)
def test_a_damaged_checkpoint_is_trained_again(undisturbed: Path, tmp_path: Path, region: str):
    out = Path(shutil.copytree(undisturbed, tmp_path / "results"))
    damaged, whole = checkpoints(out)
    flip_in(damaged, region)
    content, before = damaged.read_bytes(), whole.read_bytes()
    without_dependents(out)
    with pytest.warns(RuntimeWarning, match=f"^{re.escape(str(damaged))} is damaged and not used"):
        finish_here(STUDY, out)
    assert damaged.read_bytes() != content
    assert whole.read_bytes() == before
    assert outcomes(out) == outcomes(undisturbed)
    assert page(out) == page(undisturbed)


@pytest.mark.slow
def test_a_checkpoint_damaged_while_the_study_runs_is_an_error_that_overwrite_failed_mends(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = Path(shutil.copytree(undisturbed, tmp_path / "results"))
    for path in checkpoints(out):
        flip_in(path, "last tensor")
    without_dependents(out)
    with monkeypatch.context() as patch:
        patch.setattr("mtlbench.experiments.runner.usable", Path.exists)  # it is whole when the run looks
        runner.run(study(out), listener=silent)
    failures = [record.failure for record in records(out).values() if record.failure]
    assert len(failures) == 2
    assert all("--overwrite failed" in failure.reason for failure in failures)
    finish_here(STUDY, out, "--overwrite", "failed")
    assert outcomes(out) == outcomes(undisturbed)


@pytest.mark.slow
def test_a_folder_that_is_moved_stops_the_run_with_a_word_and_moved_back_it_goes_on(undisturbed: Path, tmp_path: Path):
    out, moved = tmp_path / "results", tmp_path / "elsewhere"

    def move(event: Event) -> None:
        if isinstance(event, CellFinished) and not moved.exists():
            out.rename(moved)

    with pytest.raises(StorageError, match=r"results was moved or removed while the run went on.*move it back"):
        runner.run(study(out), listener=move)
    assert len(records(moved)) == 1
    assert read_events(moved)[-1]["reason"] == "StorageError"
    assert not out.exists()
    moved.rename(out)
    runner.run(study(out), listener=silent)
    assert page(out) == page(undisturbed)


def silent(event: Event) -> None:
    pass


def test_a_task_holds_no_data(tmp_path: Path):
    catalogue = discover(())
    small, large = (
        expand(
            Study(datasets=f"synthetic[rows={rows}]", weightings="rmtl", seeds=1).resolve(catalogue),
            catalogue,
        )
        for rows in (2000, 20000)
    )
    sizes = [max(len(pickle.dumps(job)) for job in jobs) for jobs in (small, large)]
    assert max(sizes) < 8000
    assert abs(sizes[0] - sizes[1]) < 100


def test_cores_are_taken_one_thread_of_each_first(tmp_path: Path):
    for core, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        folder = tmp_path / f"cpu{core}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{siblings}\n")
    assert in_order({0, 1, 2, 3}, tmp_path) == [0, 1, 2, 3]
    assert in_order({0, 2, 3}, tmp_path) == [0, 2, 3]
    for core in range(4):
        (tmp_path / f"cpu{core}" / "topology" / "thread_siblings_list").write_text("0-1" if core < 2 else "2-3")
    assert in_order({0, 1, 2, 3}, tmp_path) == [0, 2, 1, 3]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"executor": "dask"}, "needs the address of its scheduler"),
        ({"scheduler": "tcp://head:8786"}, "add --executor dask"),
        ({"checkpoint_every": -1}, "checkpoint_every = -1 is out of range"),
        ({"executor": "slurm"}, "executor = slurm is invalid"),
    ],
)
def test_settings_that_make_no_sense_are_refused(flags: dict[str, Any], says: str):
    with pytest.raises(Exception, match=says):
        Study.load(None, flags)
