"""``mtlbench new``: what it writes passes the kit as it is, and it spoils nothing that is there."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from fresh_environment import FreshEnvironment
from plugin_sources import write

from mtlbench.conformance import RULES

KINDS = ("weighting", "backbone", "dataset", "tracker")
NAMES = ("my-weights", "my-net", "my-log", "my-lines")


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    for variable in ("MTLBENCH_PLUGINS", "MTLBENCH_DATA"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_file_passes_the_kit_as_it_is(mtlbench: Any, here: Path, kind: str) -> None:
    result = mtlbench("new", kind, "my-own")
    assert result.code == 0
    files = {"my_own.py", *(["data/my-own/log.csv"] if kind == "dataset" else [])}
    assert set(result.out.split()) == tree(here) == files
    assert result.err == "next: mtlbench test-plugin my_own.py\n"
    assert "emplate" not in (here / "my_own.py").read_text()
    tested = mtlbench("test-plugin", "my_own.py")
    assert tested.code == 0, tested.out
    count = len(RULES[kind])
    assert tested.out.endswith(f"{count} rules: {count} passed, 0 failed, 0 skipped\n")


def test_a_new_file_is_a_row_of_a_leaderboard(mtlbench: Any, here: Path) -> None:
    for kind, name in zip(KINDS, NAMES, strict=True):
        mtlbench("new", kind, name)
    plugins = [part for file in sorted(here.glob("*.py")) for part in ("--plugin", file.name)]
    names = [part for kind, name in zip(KINDS, NAMES, strict=True) for part in (f"--{kind}", name)]
    result = mtlbench("run", *names, *plugins, "--seeds", 1, "--epochs", 1, "--jobs", 1)
    assert result.code == 0, result.err
    assert "My Weights-My Net" in result.out
    assert '"name": "my-weights/my-net/my-log/seed0"' in (here / "results" / "cells.jsonl").read_text()


@pytest.mark.slow
def test_new_packages_are_installed_and_pass_their_own_tests(mtlbench: Any, here: Path, tmp_path: Path) -> None:
    names = dict(zip(KINDS, NAMES, strict=True))
    for kind, name in names.items():
        result = mtlbench("new", kind, name, "--package")
        assert result.code == 0
        assert set(result.out.split()) <= tree(here)
    packages = [f"mtlbench-{name}" for name in names.values()]
    for package in packages:
        project = tomllib.loads((here / package / "pyproject.toml").read_text())["project"]
        assert project["name"] == package
        assert (here / package / "README.md").read_text().startswith(f"# {package}\n")
    environment = FreshEnvironment(tmp_path / "environment")
    environment.run("python -m pip install " + " ".join(f"./{package}" for package in packages), here)
    tested = environment.run("python -m pytest -q " + " ".join(f"{package}/tests" for package in packages), here)
    assert f"{sum(len(rules) for rules in RULES.values())} passed" in tested.stdout
    data = here / "mtlbench-my-log" / "data"
    found = "--dataset my-log --backbone my-net --weighting my-weights --seeds 1"
    assert "1 cell," in environment.run(f"mtlbench run {found} --data-dir {data} --dry-run", here).stdout


@pytest.mark.parametrize(
    ("existing", "arguments"),
    [
        ("my_own.py", ["weighting", "my-own"]),
        ("my_own.py", ["dataset", "my-own"]),
        ("data/my-own/log.csv", ["dataset", "my-own"]),
        ("mtlbench-my-own/notes.txt", ["backbone", "my-own", "--package"]),
    ],
)
def test_nothing_is_overwritten_and_nothing_written_beside_it(
    mtlbench: Any, here: Path, existing: str, arguments: list[str]
) -> None:
    write(here, existing, "mine")
    result = mtlbench("new", *arguments)
    assert (result.code, result.out) == (2, "")
    assert "is there already" in result.err
    assert tree(here) == {existing}
    assert (here / existing).read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["weighting", "My-Method"], "'My-Method' is no name for a plugin: expected a lower-case letter"),
        (["weighting", "my_method"], "'my_method' is no name"),
        (["weighting", "2-fast"], "'2-fast' is no name"),
        (["weighting", "my--method"], "'my--method' is no name"),
        (["weighting", "../up"], "'../up' is no name"),
        (["weighting", ""], "'' is no name"),
        (["backbone", "class"], "'class' is a word of Python's own"),
        (["weighting", "none"], "'none' is a word of Python's own"),
        (["weighting", "rmtl"], "there is a weighting 'rmtl' already: mtlbench_plugins.weightings.rmtl"),
        (["weightin", "my-method"], "unknown kind of plugin 'weightin': did you mean 'weighting'?"),
        (["weighting"], "NAME"),
    ],
)
def test_wrong_use_exits_2_and_writes_nothing(mtlbench: Any, here: Path, arguments: list[str], message: str) -> None:
    result = mtlbench("new", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "Traceback" not in result.err
    assert list(here.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_so(mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **settings: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
    result = mtlbench("new", "weighting", "my-own")
    assert result.code == 2
    assert "cannot write to .: Permission denied" in result.err
