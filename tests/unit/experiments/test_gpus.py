"""Cells are spread over GPUs by worker processes that see one each. None is needed here: the cells train on the CPU."""

from pathlib import Path

import pytest
from plugin_sources import write

from mtlbench.config.devices import VISIBLE
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.experiments import runner
from mtlbench.experiments.executors import InProcess, Where
from mtlbench.notebook.running import run_study
from studies import outcomes, records

SEEN = """
import os, time
from pathlib import Path
from mtlbench import api

class Seen(api.Weighting):
    '''Notes which GPU its process sees, and trains when two were seen.'''
    name, label = "seen", "Seen"

    def fit(self, trainer):
        folder = Path(__file__).parent / "seen"
        (folder / os.environ.get("CUDA_VISIBLE_DEVICES", "none")).touch()
        end = time.monotonic() + 600
        while len(list(folder.iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        super().fit(trainer)

    def weigh(self, step):
        return api.ones(step)
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with four GPUs, to look at and not to use."""
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("psutil.Process.cpu_affinity", lambda process: list(range(10)))
    return monkeypatch


def where(**keys: object) -> Where:
    return Where.of(Study.load(flags={"device": "cuda:all", **keys}))


def test_every_gpu_gets_as_many_cells_as_jobs_says(machine: pytest.MonkeyPatch):
    assert where(jobs=3) == Where(3, None, ("0", "1", "2", "3"))
    assert where(jobs=3, device="cuda:1") == Where(3) == where(jobs=3, device="cuda") == where(jobs=3, device="cpu")


@pytest.mark.parametrize(("gpus", "jobs"), [(1, 10), (4, 2), (16, 1)])
def test_by_default_they_share_the_cores(machine: pytest.MonkeyPatch, gpus: int, jobs: int):
    machine.setattr("torch.cuda.device_count", lambda: gpus)
    found = where()
    assert (found.jobs, len(found.gpus)) == (jobs, gpus)


@pytest.mark.parametrize(
    ("named", "count", "gpus"),
    [
        ("6, 2,5", 3, ("6", "2", "5")),
        ("GPU-5ebe9f43,GPU-ac33420d", 2, ("GPU-5ebe9f43", "GPU-ac33420d")),
        ("3,9", 1, ("3",)),  # there is no ninth, and CUDA sees what comes before it
    ],
)
def test_gpus_that_a_run_is_not_to_see_train_nothing(
    machine: pytest.MonkeyPatch, named: str, count: int, gpus: tuple[str, ...]
):
    machine.setenv(VISIBLE, named)
    machine.setattr("torch.cuda.device_count", lambda: count)
    assert where().gpus == gpus


def test_one_cell_needs_no_further_process(machine: pytest.MonkeyPatch):
    assert isinstance(where(jobs=2).pool(1, lambda event: None), InProcess)


def test_a_run_of_a_study_spreads_it(machine: pytest.MonkeyPatch, tmp_path: Path):
    given: list[Where] = []
    machine.setattr("mtlbench.experiments.runner.run", lambda *plan, where, **others: given.append(where))
    study = Study(device="cuda:all", jobs=2, out=tmp_path)
    run_study(study, study.resolve(discover()), quiet=True)
    assert given == [Where(2, None, ("0", "1", "2", "3"))]


@pytest.mark.slow
def test_each_worker_sees_one_gpu_and_cells_do_not_depend_on_which(tmp_path: Path, cache_dir: Path):
    plugin, folder = write(tmp_path, "mine.py", SEEN), tmp_path / "seen"
    folder.mkdir()
    for spread in (True, False):
        study = Study(
            datasets=("synthetic[rows=2000]",),
            backbones=("shared-bottom",),
            weightings=("seen",),
            epochs=1,
            plugins=(plugin,),
            out=tmp_path / str(spread),
        )
        plan = study.resolve(discover(study.files()))
        runner.run(plan, listener=lambda event: None, where=Where(1, None, ("7", "9")) if spread else Where())
        if spread:
            assert sorted(path.name for path in folder.iterdir()) == ["7", "9"]
    assert {record.status for record in records(study.out).values()} == {"done"}
    assert len(records(study.out)) == 3
    assert outcomes(tmp_path / "True") == outcomes(tmp_path / "False")
