"""Files beside the code that nothing imports: the Dockerfile and the citation."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import mtlbench
from mtlbench.api.renamed import (
    API_NAMES,
    SETTING_ATTRIBUTES,
    STEP_ATTRIBUTES,
    TRAINER_METHODS,
    WEIGHTING_METHODS,
)

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COPIED = [path for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for path in line.split()[:-1]]


def test_a_container_runs_the_first_command_of_the_readme() -> None:
    block = re.search(r"^```sh\n(.+)\n```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert block is not None
    (command,) = re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(command) == shlex.split(block[1].partition(" && ")[2])


def test_docker_sends_what_the_image_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == set(COPIED)


def test_what_the_image_copies_is_the_whole_package(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for path in COPIED:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, source / path, ignore=ignored)
        else:
            shutil.copy(ROOT / path, source / path)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    expected = {
        path.relative_to(base).as_posix()
        for base, package in ((ROOT, "mtlbench"), (ROOT / "plugins", "mtlbench_plugins"))
        for path in (base / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name} == expected


def test_the_picture_of_the_rooms_shows_rooms_and_all_that_python_calls() -> None:
    picture = (ROOT / "docs" / "figures" / "architecture.svg").read_text(encoding="utf-8")
    drawn = {
        name for text in re.findall(r'class="room"[^>]*>([^<]+)<', picture) for name in re.findall(r"(\w+)/", text)
    }
    rooms = {path.name for path in (ROOT / "mtlbench").iterdir() if path.is_dir()}
    inside = {path.name for path in (ROOT / "mtlbench" / "leaderboards").iterdir() if path.is_dir()}
    assert drawn <= rooms | inside
    assert {getattr(mtlbench, name).__module__.split(".")[1] for name in mtlbench.__all__} <= drawn


@pytest.fixture(scope="module")
def citation() -> dict[str, object]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version(citation: dict[str, object]) -> None:
    assert citation["version"] == mtlbench.__version__
    assert citation["license"] == "MIT"
    assert f"git clone {citation['repository-code']} " in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_citation_has_what_its_format_asks_for(citation: dict[str, object]) -> None:
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert all("name" in author or "family-names" in author for author in citation["authors"])


@pytest.mark.parametrize("names", [API_NAMES, WEIGHTING_METHODS, TRAINER_METHODS, STEP_ATTRIBUTES, SETTING_ATTRIBUTES])
def test_the_upgrade_notes_have_every_name_of_the_plugin_interface_that_changed(names: dict[str, str]) -> None:
    notes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("### Upgrading")[2].partition("\n### ")[0]
    rows = [line.split("|")[1:3] for line in notes.splitlines() if line.startswith("| `")]
    for old, new in names.items():
        words = re.findall(r"[\w.]+", new.replace(", and ", " "))
        assert any(re.search(rf"\b{old}\b", before) and all(word in now for word in words) for before, now in rows), (
            f"no row says that {old} is {new} now"
        )


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)[0] == mtlbench.__version__
