"""``mtlbench merge`` and ``mtlbench clean``: no record is lost, none is overwritten in silence."""

from pathlib import Path
from typing import Any

import pytest
from many_records import many_records, stem_of

from mtlbench.records import Record, RecordStore
from mtlbench.records.event_log import EventLog

RECORDS = list(many_records(6))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def folder(name: str, *records: Record) -> Path:
    for record in records:
        RecordStore(name).write(record, stem_of(record))
    return Path(name)


def test_merging_gives_every_cell_once(mtlbench: Any) -> None:
    folder("a", *RECORDS[:4])
    folder("b", *RECORDS[2:])
    result = mtlbench("merge", "a", "b", "--into", "c")
    assert result.code == 0
    assert result.out.startswith("6 records copied")
    assert sorted(r.cell for r in RecordStore("c").read_all()) == sorted(r.cell for r in RECORDS)
    assert mtlbench("merge", "a", "b", "--into", "c").out.startswith("0 records copied")


def test_different_records_of_one_cell_are_an_error_that_names_both(mtlbench: Any) -> None:
    other = RECORDS[0].model_copy(update={"diagnostics": {"q_mean": 2.0}})
    [one], [two] = (RecordStore(folder(*args)).paths() for args in (("a", RECORDS[0]), ("b", other)))
    result = mtlbench("merge", "a", "b", "--into", "c")
    assert result.code == 2
    assert str(one) in result.err
    assert str(two) in result.err
    assert not Path("c").exists()
    for preferred, expected in (("a", RECORDS[0]), ("b", other)):
        assert mtlbench("merge", "a", "b", "--into", preferred + "c", "--prefer", preferred).code == 0
        assert RecordStore(preferred + "c").read_all() == [expected]


def test_what_is_in_the_target_counts_too(mtlbench: Any) -> None:
    folder("a", RECORDS[0])
    folder("c", RECORDS[0].model_copy(update={"diagnostics": {}}))
    assert mtlbench("merge", "a", "--into", "c").code == 2
    assert mtlbench("merge", "a", "--into", "c", "--prefer", "a").code == 0
    assert RecordStore("c").read_all() == [RECORDS[0]]


@pytest.mark.parametrize("arguments", [["nothing"], ["a", "--prefer", "b"]])
def test_wrong_use_of_merge(mtlbench: Any, arguments: list[str]) -> None:
    folder("a", RECORDS[0])
    assert mtlbench("merge", *arguments, "--into", "c").code == 2
    assert not Path("c").exists()


def test_cleaning_takes_leftovers_and_never_a_record(mtlbench: Any) -> None:
    out = folder("out", *RECORDS)
    (out / "checkpoints").mkdir()
    checkpoint = out / "checkpoints" / "x.pt"
    left = out / "records" / ".x.1234.tmp"
    for path in (checkpoint, left):
        path.write_bytes(b"half")
    assert str(left) in mtlbench("clean", "out", "--dry-run").out
    assert mtlbench("clean", "out").code == 2  # nobody can be asked
    assert left.exists()
    assert mtlbench("clean", "out", "--yes").code == 0
    assert (left.exists(), checkpoint.exists()) == (False, True)
    assert mtlbench("clean", "out", "--checkpoints", "--yes").code == 0
    assert not checkpoint.exists()
    assert len(RecordStore("out").read_all()) == len(RECORDS)


def test_locks_and_saves_go_but_for_what_an_unfinished_cell_goes_on_from(mtlbench: Any) -> None:
    out = folder("out", *RECORDS)
    recorded = RecordStore("out").paths()[0].stem
    done, unfinished = (out / "checkpoints" / "running" / name for name in (recorded, "kuairand.mmoe.rmtl.seed0.abc"))
    locks = [out / folder / f"{recorded}.lock" for folder in ("locks", "claims")]  # the second of an earlier version
    half = unfinished / ".running.1234.tmp"
    for path in (done / "1.pt", unfinished / "running.pt", half, *locks):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    assert mtlbench("clean", "out", "--yes").code == 0
    assert not any(path.exists() for path in (done, half, *(lock.parent for lock in locks)))
    assert (unfinished / "running.pt").exists()
    assert "save of an unfinished cell" in mtlbench("clean", "out", "--checkpoints", "--yes").out
    assert not unfinished.exists()
    assert len(RecordStore("out").read_all()) == len(RECORDS)


def test_a_run_that_goes_on_is_not_cleaned(mtlbench: Any) -> None:
    folder("out", RECORDS[0])
    with EventLog(Path("out")):
        result = mtlbench("clean", "out", "--yes")
    assert result.code == 2
    assert "a run is going on" in result.err


def test_a_folder_of_something_else_is_not_cleaned(mtlbench: Any) -> None:
    Path("home").mkdir()
    Path("home/.x.tmp").touch()
    assert mtlbench("clean", "home", "--yes").code == 2
    assert Path("home/.x.tmp").exists()
