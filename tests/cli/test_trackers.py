"""``mtlbench run --tracker``: what is shown, what is refused before any training, and that no result changes."""

from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write

import mtlbench as package
from mtlbench import api
from mtlbench.config.study import Study
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from studies import outcomes

SMALL = ("--dataset", "synthetic[rows=1500]", "--backbone", "shared-bottom", "--seeds", 1, "--epochs", 1, "--jobs", 1)
TRACKERS = '''
from pydantic import Field

from mtlbench import api


class Lines(api.Tracker):
    """A line for each cell."""

    name, label = "lines", "Lines"

    class Params(api.Params):
        """Parameters."""

        file: str = Field("lines", description="name of the file")

    def log(self, cell):
        assert (self.out / "records").is_dir()
        with (self.out / self.params.file).open("a") as file:
            file.write(f"{cell.name} {cell.status} {cell.reason} {len(cell.points)}\\n")


class Absent(Lines):
    """Needs a package."""

    name, label = "absent", "Absent"
    package, install = "no_such_package_at_all", "pip install 'lines[absent]'"


class Far(Lines):
    """Cannot start."""

    name, label = "far", "Far"

    def start(self):
        raise ConnectionError("no answer")


class Fails(Lines):
    """Fails."""

    name, label = "fails", "Fails"

    def log(self, cell):
        raise ConnectionError("no server")
'''


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with plugins of every kind of outcome."""
    write(tmp_path, "trackers.py", TRACKERS)
    write(tmp_path, "breaks.py", weighting("breaks", body="raise RuntimeError('broke')"))
    monkeypatch.setenv("MTLBENCH_PLUGINS", str(tmp_path))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_each_cell_that_is_trained_is_shown_once_and_no_result_changes(mtlbench: Any, here: Path) -> None:
    methods = ("--weighting", "constant,breaks")
    tracked = mtlbench(
        "run", *SMALL, *methods, "--tracker", "lines[file=a|b]", "--tracker", "fails", "--out", "tracked"
    )
    assert tracked.code == 1  # a cell failed
    shown = [
        "constant/shared-bottom/synthetic[rows=1500]/seed0 done None 1",
        "breaks/shared-bottom/synthetic[rows=1500]/seed0 failed RuntimeError: broke 0",
    ]
    for name in ("a", "b"):
        assert (here / "tracked" / name).read_text().splitlines() == shown
    first = "constant/shared-bottom/synthetic[rows=1500]/seed0"
    assert f"warning: the tracker fails failed on {first}: ConnectionError: no server; the run goes on" in tracked.err
    assert tracked.err.count("ConnectionError") == 1
    assert "warning: the tracker fails has not shown 2 of 2 cells; see their records" in tracked.err
    assert mtlbench("run", *SMALL, *methods, "--tracker", "lines[file=a]", "--out", "tracked").code == 1
    assert (here / "tracked" / "a").read_text().splitlines() == shown
    assert mtlbench("run", *SMALL, "--weighting", "constant", "--out", "plain").code == 0
    (cell,) = outcomes(here / "plain")
    assert outcomes(here / "tracked")[cell] == outcomes(here / "plain")[cell]


@pytest.mark.parametrize(
    ("tracker", "message"),
    [
        ("lins", "unknown tracker 'lins': did you mean 'lines'?"),
        ("lines[fil=a]", "tracker lines: unknown parameter 'fil': did you mean 'file'?"),
        (
            "lines,absent",
            "the tracker absent needs no_such_package_at_all, which is not installed: pip install 'lines[ab",
        ),
        ("far", "the tracker far cannot start: ConnectionError: no answer; correct its parameters, or leave it out"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_trained(
    mtlbench: Any, here: Path, tracker: str, message: str
) -> None:
    result = mtlbench("run", *SMALL, "--tracker", tracker, "--out", "out")
    assert (result.code, result.out) == (2, "")
    assert f"error: {message}" in result.err
    assert list(here.iterdir()) == []


def test_list_and_info_know_trackers(mtlbench: Any, here: Path) -> None:
    listed = mtlbench("list", "trackers")
    assert listed.code == 0
    assert "lines" in listed.out
    assert "A line for each cell." in listed.out
    assert (
        "- the package no_such_package_at_all: pip install 'lines[absent]'" in mtlbench("info", "tracker", "absent").out
    )


def test_a_study_names_trackers_and_its_cells_stay_the_same(here: Path) -> None:
    catalogue = discover(Study().files())
    plain, tracked = Study(), Study.load(flags={"trackers": ["lines,lines[file=x]"]})
    plan = tracked.resolve(catalogue)
    assert [tracker.changed for tracker in plan.trackers] == [{}, {"file": "x"}]
    assert plan.settings == plain.resolve(catalogue).settings
    assert plan.training == plain.resolve(catalogue).training


class Kept(api.Tracker):
    """Keeps the names of cells."""

    name, label = "kept", "Kept"

    def log(self, cell: api.TrackedCell) -> None:
        (self.out / "kept").write_text(cell.name)


def test_from_python_a_class_is_a_tracker(here: Path) -> None:
    study = {"datasets": "synthetic[rows=1500]", "backbones": "shared-bottom", "seeds": 1, "epochs": 1, "jobs": 1}
    package.run(weightings="constant", trackers=Kept, out=here / "results", quiet=True, **study)
    assert (here / "results" / "kept").read_text() == "constant/shared-bottom/synthetic[rows=1500]/seed0"
    with pytest.raises(UsageError, match=r"trackers: 3 is neither a spec nor a subclass of mtlbench\.api\.Tracker"):
        package.run(trackers=[3], out=here / "other")
