"""The campaign of bad input: never a traceback, never a hang, never a wrong number in silence.

A sample runs with the other tests; ``MTLBENCH_BAD_INPUTS=2000 pytest tests/campaigns -m ''`` draws 2,000 inputs per
kind. Every input is made from its number, so that one that fails can be made again.
"""

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from many_records import many_records, stem_of
from spoiling import spoilt

from mtlbench.config.grammar import parse
from mtlbench.config.specs import resolve_texts
from mtlbench.config.study import Study
from mtlbench.data import load
from mtlbench.discovery import Catalogue, discover
from mtlbench.errors import MtlbenchError
from mtlbench.leaderboards import TABLE_METRICS, build, parse_page, read_page, to_markdown
from mtlbench.records import RecordStore
from mtlbench.records.event_log import read_events

INPUTS = int(os.environ.get("MTLBENCH_BAD_INPUTS", "40"))
LONGEST = 20
"""Seconds after which an input counts as a hang."""

SPECS = [
    "rmtl[lambda=0.5|0.7,gamma=0.9]",
    "constant",
    "all",
    "ple[bottom=512-256]",
    "table[schema='a,b.toml']",
    "decay",
]
STUDY = """datasets = "synthetic[rows=2000]"
backbones = ["ple[bottom=512-256]", "mmoe"]
weightings = ["rmtl[lambda=0.5|0.7]", "constant"]
seeds = [0, 1, 2]
preset = "quick"
learning_rate = 1e-3
out = "results"
jobs = 2

[[also]]
backbones = "all"
weightings = "decay"
"""
DESCRIPTION = """files = "log.csv"
tasks = ["click", "buy"]
categorical = ["user", "item"]
numerical = ["price"]
timestamp = "time"
timestamp_unit = "s"
session = "user"
user = "user"
relation = "parallel"
"""
RECORDS = list(many_records(40, seeds=2))


@contextmanager
def in_time() -> Iterator[None]:
    def ring(number: int, frame: object) -> None:
        raise TimeoutError(f"hangs for {LONGEST} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def campaign(content: bytes, take: Callable[[bytes], None]) -> dict[str, int]:
    """Give ``take`` each spoilt input; only an error that is written for users may come out."""
    take(content)  # what is good is accepted
    counts = {"accepted": 0, "refused": 0}
    for number in range(INPUTS):
        given = spoilt(content, random.Random(number))
        try:
            with in_time():
                take(given)
            counts["accepted"] += 1
        except MtlbenchError as error:
            message = str(error)
            assert message, f"input {number} is refused without a word"
            counts["refused"] += 1
        except BaseException as error:
            raise AssertionError(f"input {number}, {given[:300]!r}: {type(error).__name__}: {error}") from error
    print(f"\n{sum(counts.values())} inputs: {counts}")
    return counts


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return discover()


def test_plugin_specs(catalogue: Catalogue) -> None:
    def take(given: bytes) -> None:
        text = given.decode("utf-8", "replace")
        parse(text)
        resolve_texts(catalogue, "weighting", [text], "quick")

    counts = campaign(",".join([SPECS[0], SPECS[1], SPECS[5]]).encode(), take)
    assert counts["refused"]


def test_study_files(catalogue: Catalogue, tmp_path: Path) -> None:
    def take(given: bytes) -> None:
        (tmp_path / "study.toml").write_bytes(given)
        Study.load(tmp_path / "study.toml").resolve(catalogue)

    counts = campaign(STUDY.encode(), take)
    assert counts["refused"]


def test_record_files(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    for record in RECORDS[1:]:
        store.write(record, stem_of(record))
    spoilt_path = store.write(RECORDS[0], stem_of(RECORDS[0]))
    good = spoilt_path.read_bytes()

    def take(given: bytes) -> None:
        spoilt_path.write_bytes(given)
        store.summaries()
        records = store.read_for_tables(TABLE_METRICS)
        page = to_markdown(build(records))
        assert "\x1b" not in page
        parse_page(page, "page")

    counts = campaign(good, take)
    assert counts["refused"]


def test_event_logs(tmp_path: Path) -> None:
    line = {"utc": "2026-01-01T00:00:00+00:00", "run": "r", "kind": "study-started", "total": 3, "resumed": 0}

    def take(given: bytes) -> None:
        from mtlbench.operations.status import status

        (tmp_path / "events.jsonl").write_bytes(given)
        read_events(tmp_path)
        status(tmp_path)

    campaign("".join(json.dumps({**line, "cell": str(i)}) + "\n" for i in range(5)).encode(), take)


def test_leaderboard_pages(tmp_path: Path) -> None:
    page = to_markdown(build(RECORDS))
    (tmp_path / "good.md").write_text(page)
    scores = {m.key: m.scores for board in read_page(tmp_path / "good.md").boards for m in board.methods}
    path = tmp_path / "page.md"

    def take(given: bytes) -> None:
        path.write_bytes(given)
        read_page(path)

    counts = campaign(page.encode(), take)
    assert counts["refused"]
    assert scores


def test_table_logs(catalogue: Catalogue, tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [
        f"u{draw.randint(0, 20)},i{draw.randint(0, 9)},{draw.random():.3f},{1_700_000_000 + 60 * i},"
        f"{int(draw.random() < 0.4)},{int(draw.random() < 0.2)}"
        for i in range(200)
    ]
    (tmp_path / "log.toml").write_text(DESCRIPTION)
    content = "\n".join(["user,item,price,time,click,buy", *rows, ""]).encode()
    entry = catalogue.get("dataset", "table").cls
    known = {"buy", "click"}

    def take(given: bytes) -> None:
        (tmp_path / "log.csv").write_bytes(given)
        splits = load(entry(entry.Params(schema=tmp_path / "log.toml")), tmp_path, tmp_path / "cache")
        assert set(splits.schema.task_names) == known
        for split in (splits.train, splits.validation, splits.test):
            labels: Any = split.labels
            assert bool(((labels == 0) | (labels == 1)).all())

    counts = campaign(content, take)
    assert counts["refused"]


def test_table_descriptions(catalogue: Catalogue, tmp_path: Path) -> None:
    rows = [f"u{i % 7},i{i % 5},{i / 7:.3f},{1_700_000_000 + i},{i % 2},{i % 4 == 1:d}" for i in range(100)]
    (tmp_path / "log.csv").write_text("\n".join(["user,item,price,time,click,buy", *rows, ""]))
    entry = catalogue.get("dataset", "table").cls

    def take(given: bytes) -> None:
        (tmp_path / "log.toml").write_bytes(given)
        load(entry(entry.Params(schema=tmp_path / "log.toml")), tmp_path, tmp_path / "cache")

    counts = campaign(DESCRIPTION.encode(), take)
    assert counts["refused"]


# What the campaign has found, kept.


def test_deep_nesting_in_a_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("seeds = " + "[" * 3000)
    with pytest.raises(MtlbenchError, match="is no TOML"):
        Study.load(tmp_path / "study.toml")


def test_deep_nesting_in_a_description_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "log.toml").write_text("tasks = " + "[" * 3000)
    entry = catalogue.get("dataset", "table").cls
    with pytest.raises(MtlbenchError, match="TOML"):
        load(entry(entry.Params(schema=tmp_path / "log.toml")), tmp_path, tmp_path / "cache")


def test_a_table_line_of_a_page_is_read_in_time_however_long(tmp_path: Path) -> None:
    page = to_markdown(build(RECORDS)).replace("| Backbone 0", "| " + "A" * 200_000, 1)
    for text in (
        page,
        page.replace("A" * 200_000 + " |", "A" * 200_000),
        page.replace("A", "<br>"),
        page.replace("A", " "),
    ):
        (tmp_path / "page.md").write_text(text)
        with in_time(), pytest.raises(MtlbenchError, match="edited by hand"):
            read_page(tmp_path / "page.md")


def test_a_header_in_another_encoding_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "log.toml").write_text(DESCRIPTION)
    (tmp_path / "log.csv").write_bytes(b"us\xe9r,item,price,time,click,buy\nu1,i1,1,1,0,0\n")
    entry = catalogue.get("dataset", "table").cls
    with pytest.raises(MtlbenchError, match="UTF-8"):
        load(entry(entry.Params(schema=tmp_path / "log.toml")), tmp_path, tmp_path / "cache")


@pytest.mark.parametrize("value", ['"0.9"', "true"])
def test_a_score_that_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    store = RecordStore(tmp_path)
    path = store.write(RECORDS[0], stem_of(RECORDS[0]))
    content = json.loads(path.read_text())
    content["metrics"]["test"]["click"]["auc"] = json.loads(value)
    path.write_text(json.dumps(content))
    with pytest.raises(MtlbenchError, match="valid number"):
        store.read_all()


def test_weights_of_a_task_that_other_seeds_do_not_have_are_left_out(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    for record in RECORDS:
        store.write(record, stem_of(record))
    path = store.paths()[0]
    path.write_text(path.read_text().replace('"weights": {\n    "click"', '"weights": {\n    "clack"'))
    assert "clack" in path.read_text()
    build(store.read_for_tables(TABLE_METRICS))


def test_a_file_name_that_no_system_takes_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "log.toml").write_text(DESCRIPTION.replace("log.csv", "9" * 400))
    entry = catalogue.get("dataset", "table").cls
    with pytest.raises(MtlbenchError, match="is no path"):
        load(entry(entry.Params(schema=tmp_path / "log.toml")), tmp_path, tmp_path / "cache")
