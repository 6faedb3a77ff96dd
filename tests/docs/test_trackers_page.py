"""docs/trackers.md: its commands run, its file is a tracker, and the names in its table are those that are shown."""

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtlbench.cli import main
from mtlbench.discovery import discover

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "trackers.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; and one core, because starting worker processes takes longer than these cells."""
    monkeypatch.delenv("MTLBENCH_PLUGINS", raising=False)
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)})
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    os.sched_setaffinity(0, every)


def run(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "mtlbench"
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code, command


@pytest.mark.slow
def test_the_page_does_what_it_says(here: Path) -> None:
    pytest.importorskip("tensorboard", reason="pip install 'mtlbench[tensorboard]'")
    ran = 0
    for kind, file, text in FENCE.findall(PAGE):
        if file:
            (here / file).write_text(text)
        elif kind == "sh":
            for command in text.splitlines():
                run(command)
                ran += 1
    assert ran == 3
    assert (
        (here / "results" / "sheet.csv")
        .read_text()
        .startswith("gls/mmoe/synthetic[rows=4000]/seed0,done,test/click/auc = 0.")
    )
    folders = {path.parent.relative_to(here / "results" / "tensorboard") for path in here.rglob("events.out*")}
    assert {folder.parent.as_posix() for folder in folders} == {"constant/mmoe/synthetic", "dwa/mmoe/synthetic"}
    assert {folder.name[:6] for folder in folders} == {"seed0-", "seed1-", "seed2-"}
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = EventAccumulator(str(here / "results" / "tensorboard" / next(iter(folders)))).Reload().Tags()["scalars"]
    table = PAGE.partition("| name | what it is |")[2].partition("\n\n")[0]
    patterns = [re.sub("[A-Z]+", "[^/]+", name) for name in re.findall(r"`([^`]+)`", table) if "." not in name]
    assert [name for name in shown if not any(re.fullmatch(pattern, name) for pattern in patterns)] == []
    assert {"train/click/loss", "validation/click/auc", "weight/conversion", "test/click/auc", "epoch"} <= set(shown)


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_the_extra_of_a_tracker_is_there(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install = f"pip install 'mtlbench[{name}]'"
    assert f"| `{name}` | `{install}` |" in PAGE
    assert discover().trackers[name].cls.install == install
    assert name in project["optional-dependencies"]
