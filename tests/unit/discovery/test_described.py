"""Datasets that a TOML file in a package describes are found like those that a module defines."""

from pathlib import Path

import pytest
from plugin_sources import write

from mtlbench.api import Dataset
from mtlbench.cells import PluginSpec
from mtlbench.data.fingerprint import cache_key, fingerprint
from mtlbench.data.hashes import FileHashes
from mtlbench.discovery import discover
from mtlbench.discovery.described import described_module
from mtlbench.errors import DataError, UsageError
from mtlbench.records.provenance import provider, source_hash
from mtlbench_plugins.datasets.table import Table

HOOKS = """
from mtlbench.api import hookimpl

@hookimpl
def register_datasets(register):
    register.package("{package}.datasets")
"""
DESCRIPTION = """
label = "Small"
about = \"\"\"
A small log.

Source: https://example.org/small.
\"\"\"

[publication]
page = "https://example.org/small"
licence = "CC0"
by_hand = "Ask."
facts = { rows = 300 }

[log]
files = "log.csv"
tasks = ["click", "purchase"]
categorical = ["user_id"]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The folder of datasets of an installed package, which is called as the test."""
    name = f"mtl_{request.node.name.removeprefix('test_')}"
    info = tmp_path / f"{name}-1.5.dist-info"
    write(info, "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    write(info, "entry_points.txt", f"[mtlbench]\n{name} = {name}\n")
    write(tmp_path / name, "__init__.py", HOOKS.format(package=name))
    monkeypatch.syspath_prepend(tmp_path)
    return write(tmp_path / name / "datasets", "__init__.py", "").parent


def test_a_description_is_a_dataset_of_its_package(package: Path) -> None:
    path = write(package, "small_log.toml", DESCRIPTION)
    write(package, "_notes.toml", "is = 'no description'")
    entry = discover().datasets["small-log"]
    assert entry.summary == "A small log."
    assert (entry.cls.label, entry.cls.folder) == ("Small", "small-log")
    assert entry.origin == f"small_log.toml of {package.parent.name}.datasets ({package.parent.name} 1.5)"
    assert provider(entry.cls) == f"{package.parent.name} 1.5"
    assert source_hash(entry.cls) == FileHashes(package).sha256(path)
    with pytest.raises(UsageError, match="did you mean 'small-log'"):
        discover().get("dataset", "smal-log")


def test_a_wrong_description_is_shown_as_broken_and_the_others_live(package: Path) -> None:
    write(package, "good.toml", DESCRIPTION)
    write(package, "misspelt.toml", DESCRIPTION.replace("licence", "license"))
    write(package, "leaks.toml", DESCRIPTION.replace('["user_id"]', '["click"]'))
    write(package, "no_toml.toml", "label = ")
    found = discover()
    assert "good" in found.datasets
    reasons = {one.name: one.reason for one in found.broken if one.kind == "dataset"}
    assert set(reasons) == {"misspelt", "leaks", "no-toml"}
    assert "publication.license" in reasons["misspelt"]
    assert "gives the label 'click', which leaks the answer" in reasons["leaks"]


def test_a_description_with_the_name_of_a_module_is_refused(package: Path) -> None:
    write(package, "kuairand.toml", DESCRIPTION)
    with pytest.raises(UsageError, match=r"two dataset plugins are called 'kuairand'.*kuairand\.toml"):
        discover()


def test_without_its_files_a_described_log_says_where_they_are_from(package: Path, tmp_path: Path) -> None:
    write(package, "small_log.toml", DESCRIPTION)
    dataset: Dataset = discover().create("dataset", PluginSpec("small-log", {}))
    with pytest.raises(DataError, match=r"small-log lacks log\.csv.*https://example\.org/small"):
        dataset.files(tmp_path)


def test_results_depend_on_what_is_said_of_the_log_and_the_cache_on_every_word(tmp_path: Path) -> None:
    (tmp_path / "small-log").mkdir()
    (tmp_path / "small-log" / "log.csv").write_text("user_id,click,purchase\n1,0,0\n")
    hashes = FileHashes(tmp_path / "cache")
    texts = {
        "first": DESCRIPTION,
        "other words": DESCRIPTION.replace("A small log.", "A log.").replace("rows = 300", "rows = 3"),
        "other log": DESCRIPTION + "min_count = 2\n",
    }
    identities, keys = {}, {}
    for what, text in texts.items():
        folder = tmp_path / what
        folder.mkdir()
        file = write(folder, "small_log.toml", text)
        cls = described_module(f"mtl_{what.replace(' ', '_')}", file, [Table]).SmallLog
        dataset = cls(cls.Params())
        identities[what] = fingerprint(dataset, tmp_path, hashes)
        keys[what] = cache_key(dataset, identities[what], hashes)
    assert identities["first"] == identities["other words"] != identities["other log"]
    assert len(set(keys.values())) == 3
