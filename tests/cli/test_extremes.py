"""Numbers and names at the ends of their types, in records and in studies: a message or a table, never a traceback."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from many_records import many_records, stem_of

from mtlbench.errors import MtlbenchError
from mtlbench.records import RecordStore

MEGABYTE = "a" * 10**6
EXTREMES = [1e308, -1e308, 1e154, 1e30, -1e30, 5e-324, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**400, -1, MEGABYTE]
COMMANDS = [
    ("leaderboard", "build", "out", "--format", "md,csv,tex,json,parquet"),
    ("leaderboard", "verify", "out"),
    ("leaderboard", "compare", "out", "reference"),
    ("leaderboard", "compare", "reference", "out"),
    ("report", "out"),
    ("status", "out"),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the leaves of a JSON document are, one of each kind of list."""
    items = content.items() if isinstance(content, dict) else list(enumerate(content))[:1]
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))
        elif not isinstance(value, bool):
            yield (*path, key)


def changed(content: Any, places: Iterable[tuple[Any, ...]], value: object) -> str:
    copy = json.loads(json.dumps(content))
    for place in places:
        inner = copy
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
    return json.dumps(copy)


@pytest.mark.parametrize(
    "extreme",
    [*EXTREMES[::2], *(pytest.param(extreme, marks=pytest.mark.slow) for extreme in EXTREMES[1::2])],
    ids=lambda extreme: str(extreme)[:24],
)
def test_records_with_extremes_end_in_a_table_or_a_message(mtlbench: Any, extreme: object) -> None:
    for folder in ("out", "reference"):
        for record in many_records(8, seeds=4):
            RecordStore(folder).write(record, stem_of(record))
    assert mtlbench("leaderboard", "build", "reference").code == 0
    paths = RecordStore("out").paths()
    good = [json.loads(path.read_text()) for path in paths]

    def accepted(place: tuple[Any, ...]) -> bool:
        paths[0].write_text(changed(good[0], [place], extreme))
        with contextlib.suppress(MtlbenchError):
            RecordStore("out").read_all()
            return True
        return False

    open_ = [place for place in places(good[0]) if accepted(place)]
    assert len(open_) < len(list(places(good[0])))
    for some in (open_[::3], open_[1::3], open_[2::3]):
        for path, content in zip(paths, good, strict=True):
            path.write_text(changed(content, some, extreme))
        for command in COMMANDS:
            done = mtlbench(*command)  # whatever but an exit is raised fails the test
            assert len(done.err) < 10_000


@pytest.mark.parametrize("key", ["datasets", "backbones", "weightings", "preset", "device", "out", "aaaa"])
def test_a_name_of_a_megabyte_is_refused_in_a_few_lines(mtlbench: Any, key: str) -> None:
    name = MEGABYTE if key == "aaaa" else key
    Path("study.toml").write_text(f"{name} = '{MEGABYTE}'")
    done = mtlbench("run", "--config", "study.toml")
    assert done.code == 2
    assert len(done.err) < 10_000
