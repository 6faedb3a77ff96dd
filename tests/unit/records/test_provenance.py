"""Provenance: the commit is that of mtlbench, the plugin's hash is that of its file."""

import hashlib
import importlib.util
import subprocess
import sys
from importlib import metadata

import pytest
import torch

import mtlbench
from mtlbench.api import NoParams, Weighting
from mtlbench.errors import UsageError
from mtlbench.records import provenance
from mtlbench.records.provenance import environment, plugin_use, provider, source_hash

PLUGIN = """
from mtlbench.api import Weighting

class Mine(Weighting):
    name, label = "mine", "Mine"
"""


@pytest.fixture
def file_plugin(tmp_path, monkeypatch):
    path = tmp_path / "mine_from_a_file.py"
    path.write_text(PLUGIN)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module.Mine


def test_the_environment_is_plain_and_complete():
    found = environment()
    assert found["mtlbench"] == mtlbench.__version__
    assert found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["matmul"] == torch.get_float32_matmul_precision()
    assert found["device"] == "cpu"
    assert found["cores"] >= 1
    assert found["processor"]
    assert found["utc"].endswith("+00:00")
    assert all(value is None or isinstance(value, str | int | float) for value in found.values())


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_the_commit_is_that_of_the_checkout_and_marked_when_changed(tmp_path, monkeypatch):
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    for folder in (checkout, elsewhere):
        folder.mkdir()
        git(folder, "init", "-q")
        (folder / "file").write_text(folder.name)
        git(folder, "add", "file")
        git(folder, "commit", "-q", "-m", "x")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    head = (checkout / ".git/refs/heads").glob("*").__next__().read_text().strip()
    assert provenance._commit(checkout) == head
    (checkout / "file").write_text("changed")
    provenance._commit.cache_clear()
    assert provenance._commit(checkout) == f"{head}-dirty"
    assert provenance._commit(elsewhere / "no-checkout") is None


def test_a_plugin_file_is_traced_to_its_content(file_plugin):
    use = plugin_use(file_plugin, {"a": 1, "b": 2}, {"a": 1})
    assert (use.name, use.label, use.params, use.changed) == ("mine", "Mine", {"a": 1, "b": 2}, {"a": 1})
    assert use.version == "file"
    assert use.source == hashlib.sha256(PLUGIN.encode()).hexdigest()


def test_an_installed_plugin_is_traced_to_its_distribution():
    class InTree(Weighting):
        __module__ = "mtlbench_plugins.weightings.some"

    assert provider(InTree) == f"mtlbench {mtlbench.__version__}"
    assert provider(torch.nn.Linear) == f"torch {metadata.version('torch')}"


def test_a_class_without_a_file_is_refused():
    nowhere = type("Nowhere", (NoParams,), {"__module__": "no.such.module"})
    with pytest.raises(UsageError, match=r"no\.such\.module\.Nowhere has no readable source file.*--plugin FILE\.py"):
        source_hash(nowhere)


def test_reading_records_does_not_import_torch():
    imports = "import sys, mtlbench.records.provenance, mtlbench.leaderboards, mtlbench.statistics"
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}; print('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
