"""Cells on a Dask cluster: a scheduler and workers as processes of their own."""

import builtins
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import Cluster

from mtlbench.errors import UsageError
from mtlbench.experiments.dask_pool import DaskPool, PluginFile
from mtlbench.experiments.executors import Where
from studies import finish, finish_here, outcomes, page, records, start

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


def test_a_cluster_gives_what_this_machine_gives(cluster: Cluster, tmp_path: Path):
    plugin = tmp_path / "halved.py"
    plugin.write_text(PLUGIN)
    study = [*STUDY, "--plugin", str(plugin)]
    finish_here(study, tmp_path / "here")
    said = finish(study, tmp_path / "there", "--executor", "dask", "--scheduler", cluster.address, "--jobs", "2")
    assert outcomes(tmp_path / "there") == outcomes(tmp_path / "here")
    assert page(tmp_path / "there") == page(tmp_path / "here")
    assert "Traceback" not in said


def test_the_first_stage_is_trained_once_for_all_that_share_it(cluster: Cluster, tmp_path: Path):
    out = tmp_path / "results"
    study = ["--dataset", "synthetic[rows=2000]", "--epochs", "1", "--seeds", "1", "--backbone", "esmm"]
    weightings = ["--weighting", "rmtl,loss-aware,ddpg"]
    finish([*study, *weightings], out, "--executor", "dask", "--scheduler", cluster.address, "--jobs", "4")
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
    beside = tmp_path / "halved.py"
    beside.write_text(PLUGIN)
    assert PluginFile(beside, PLUGIN.encode()).here() == beside
    assert PluginFile(beside, b"# newer").here() != beside


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mtlbench.experiments.dask_pool.CONNECT_SECONDS", "1s")
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9.*start one with"):
        DaskPool("tcp://127.0.0.1:9", 1, silent)


def test_a_worker_of_several_threads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Cluster, "THREADS", "2")
    with Cluster(tmp_path, workers=1) as cluster:
        cluster.wait_for_workers(1)
        run = start(STUDY[:-2], tmp_path / "results", "--executor", "dask", "--scheduler", cluster.address)
        assert run.wait() == 2
    assert "has 2 threads" in run.said
    assert "--nthreads 1" in run.said
    assert not list((tmp_path / "results").glob("records/*"))


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
