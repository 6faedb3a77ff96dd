"""Cells on a Dask cluster: a scheduler and workers as processes of their own."""

import builtins
import pickle
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import Cluster

import mtlbench
import mtlbench_plugins
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import DataError, UsageError
from mtlbench.experiments.code_identity import Code
from mtlbench.experiments.dask_pool import DaskPool, PluginFile
from mtlbench.experiments.events import NoWorkers
from mtlbench.experiments.executors import Where
from mtlbench.experiments.expand import expand
from mtlbench.experiments.run_cell import run_cell
from studies import finish_here, outcomes, page, records, wait_until

STUDY = [
    *("--dataset", "synthetic[rows=2000]", "--epochs", "1", "--seeds", "1", "--backbone", "esmm,shared-bottom"),
    *("--weighting", "rmtl,loss-aware,ddpg,halved"),
]
PLUGIN = '''from mtlbench import api


class Halved(api.Weighting):
    """Half of the plain average."""

    name, label = "halved", "Halved"

    def weigh(self, step):
        return api.ones(step) / 2
'''


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), workers=2) as cluster:
        cluster.wait_for_workers(2)
        yield cluster


def silent(event: Any) -> None:
    pass


@pytest.mark.slow
def test_a_cluster_gives_what_this_machine_gives(cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    plugin = tmp_path / "halved.py"
    plugin.write_text(PLUGIN)
    study = [*STUDY, "--plugin", str(plugin)]
    finish_here(study, tmp_path / "here")
    finish_here(study, tmp_path / "there", "--executor", "dask", "--scheduler", cluster.address, "--jobs", "2")
    assert outcomes(tmp_path / "there") == outcomes(tmp_path / "here")
    assert page(tmp_path / "there") == page(tmp_path / "here")
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.slow
def test_the_first_stage_is_trained_once_for_all_that_share_it(cluster: Cluster, tmp_path: Path):
    out = tmp_path / "results"
    study = ["--dataset", "synthetic[rows=2000]", "--epochs", "1", "--seeds", "1", "--backbone", "esmm"]
    weightings = ["--weighting", "rmtl,loss-aware,ddpg"]
    finish_here([*study, *weightings], out, "--executor", "dask", "--scheduler", cluster.address, "--jobs", "4")
    found = {record.method: record for record in records(out).values()}
    assert set(found) == {"ESMM", "RMTL-ESMM", "Loss-Aware-ESMM", "D-ESMM"}
    first = found["ESMM"].spend[0].seconds
    for record in found.values():
        assert record.spend[0].seconds == first  # the same training, to the microsecond
        assert record.spend[0].reused_from == (None if record.method == "ESMM" else found["ESMM"].cell)


def test_a_plugin_file_that_a_worker_does_not_see_comes_with_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    travelled = pickle.loads(pickle.dumps(PluginFile(tmp_path / "elsewhere" / "halved.py", PLUGIN.encode())))
    here = travelled.here()
    assert here.name == "halved.py"
    assert here.read_text() == PLUGIN
    assert travelled.here() == here
    assert here.parent.parent.stat().st_mode & 0o077 == 0  # it is run, so nobody else may write there
    beside = tmp_path / "halved.py"
    beside.write_text(PLUGIN)
    assert PluginFile(beside, PLUGIN.encode()).here() == beside
    assert PluginFile(beside, b"# newer").here() != beside


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mtlbench.experiments.dask_pool.CONNECT_SECONDS", "1s")
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9.*start one with"):
        DaskPool("tcp://127.0.0.1:9", 1, silent)


@pytest.mark.slow
def test_a_worker_of_several_threads_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(Cluster, "THREADS", "2")
    with Cluster(tmp_path, workers=1) as cluster:
        cluster.wait_for_workers(1)
        finish_here(STUDY[:-2], tmp_path / "results", "--executor", "dask", "--scheduler", cluster.address, code=2)
    said = capsys.readouterr().err
    assert "has 2 threads" in said
    assert "--nthreads 1" in said
    assert not list((tmp_path / "results").glob("records/*"))


def copied(folder: Path) -> Path:
    """The packages of this process, in ``folder``."""
    for package in (mtlbench, mtlbench_plugins):
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "line", "changed", "told"),
    [
        ("mtlbench/training/optimiser.py", "step(self._learning_rate)", "step(self._learning_rate / 2)", "mtlbench"),
        ("mtlbench_plugins/weightings/constant.py", "import", "import", "mtlbench_plugins"),
    ],
)
def test_a_worker_with_other_code_of_the_same_version_is_refused_by_name(
    tmp_path: Path, file: str, line: str, changed: str, told: str, capsys: pytest.CaptureFixture[str]
):
    foreign = copied(tmp_path / "foreign") / file
    source = foreign.read_text()
    assert line in source
    foreign.write_text(source.replace(line, changed) + "\n# changed\n")
    with Cluster(tmp_path, workers=0) as cluster:
        cluster.add(tmp_path / "foreign")
        cluster.wait_for_workers(1)
        finish_here(STUDY[:-2], tmp_path / "results", "--executor", "dask", "--scheduler", cluster.address, code=2)
    said = capsys.readouterr().err
    assert f"has other code of {told}: install there what is installed here" in said
    assert "error: the Dask worker tcp://127.0.0.1:" in said
    assert not list((tmp_path / "results").glob("records/*"))


def test_other_torch_and_other_sources_are_told_apart():
    here = Code({"mtlbench": "1", "torch": "2.8"}, {"mtlbench": "a", "mine": "b"})
    assert here.others(here) == []
    there = Code({"mtlbench": "1", "torch": "2.9"}, {"mtlbench": "a"})
    assert there.others(here) == ["torch 2.9 where 2.8 is here", "other code of mine"]


def test_a_cell_of_other_data_is_refused(tmp_path: Path):
    study = Study(datasets="synthetic[rows=2000]", backbones="esmm", weightings="constant", seeds=1, out=tmp_path)
    catalogue = discover(())
    (job,) = expand(study.resolve(catalogue), catalogue)
    other = replace(job, cell=replace(job.cell, fingerprint="f" * 64))
    with pytest.raises(DataError, match=r"the data of synthetic in .* are not those of the planned study: fingerprint"):
        run_cell(other, silent)


@pytest.mark.slow
def test_a_cluster_without_workers_is_told_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mtlbench.experiments.dask_pool.NO_WORKER_SECONDS", 1.0)
    study = Study(datasets="synthetic[rows=2000]", backbones="esmm", weightings="constant,dwa", seeds=1, epochs=1)
    catalogue, heard = discover(()), []
    jobs = expand(study.resolve(catalogue), catalogue)
    with Cluster(tmp_path, workers=0) as cluster:
        pool = DaskPool(cluster.address, 2, heard.append)
        futures = [pool.submit(job) for job in jobs]
        wait_until(lambda: len([event for event in heard if isinstance(event, NoWorkers)]) >= 2)
        first, second = [event for event in heard if isinstance(event, NoWorkers)][:2]
        assert first.cells == second.cells == 2
        assert 1 <= first.seconds < second.seconds
        cluster.add()
        assert [future.result(120).status for future in futures] == ["done", "done"]
        pool.stop()


def test_without_dask_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def absent(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("distributed"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.delitem(sys.modules, "distributed", raising=False)
    with pytest.raises(UsageError, match=r"pip install 'mtlbench\[dask\]'"):
        Where(1, "tcp://127.0.0.1:9").pool(1, silent)
