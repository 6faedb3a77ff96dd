"""The record store: whole records or none, and clear errors for files that are no records."""

import gzip
import json
import math
import os
from pathlib import Path

import pytest
from record_factory import record

from mtlbench import files
from mtlbench.errors import UsageError
from mtlbench.records import Failure, RecordStore, read_record
from mtlbench.records import files as record_files


def test_records_come_back_equal_and_in_the_order_of_their_names(tmp_path):
    store = RecordStore(tmp_path)
    first, second = record("PLE", seed=1), record("ESMM", seed=0)
    store.write(first, "b")
    path = store.write(second, "a")
    assert path == tmp_path / "records" / "a.json"
    assert store.read_all() == [second, first]


def test_no_folder_is_no_records(tmp_path):
    assert RecordStore(tmp_path / "absent").read_all() == []
    assert not (tmp_path / "absent").exists()


def test_the_same_record_gives_the_same_bytes(tmp_path):
    one = RecordStore(tmp_path / "1").write(record(), "x").read_bytes()
    two = RecordStore(tmp_path / "2").write(record(), "x").read_bytes()
    assert one == two
    assert one.endswith(b"}\n")
    assert list(json.loads(one))[:4] == ["schema_version", "protocol", "cell", "method"]


def test_nan_and_infinity_are_written_as_null(tmp_path):
    metrics = {"test": {"click": {"auc": math.nan, "logloss": math.inf}, "pay": {"auc": 0.5}}}
    path = RecordStore(tmp_path).write(record(metrics=metrics), "x")
    stored = json.loads(path.read_text("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} in the file"))
    assert stored["metrics"]["test"]["click"] == {"auc": None, "logloss": None}
    assert RecordStore(tmp_path).read_all()[0].metrics["test"]["pay"]["auc"] == 0.5


def test_nan_that_was_never_validated_is_null_too(tmp_path):
    update = {"diagnostics": {"td_loss": [1.0, math.nan], "dead": math.inf}, "environment": {"threads": math.nan}}
    RecordStore(tmp_path).write(record().model_copy(update=update), "x")
    (read,) = RecordStore(tmp_path).read_all()
    assert read.diagnostics == {"td_loss": [1.0, None], "dead": None}
    assert read.environment == {"threads": None}


def test_a_reason_that_utf8_cannot_hold_is_escaped(tmp_path):
    broken = record(status="failed", reason="x").model_copy(update={"failure": Failure(reason="bad name \udcff")})
    RecordStore(tmp_path).write(broken, "x")
    assert RecordStore(tmp_path).read_all()[0].failure.reason == r"bad name \udcff"


def test_a_crash_before_the_rename_leaves_the_old_record(tmp_path, monkeypatch):
    store = RecordStore(tmp_path)
    old, new = record(auc=0.6), record(auc=0.7)
    store.write(old, "x")

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            store.write(new, "x")
    assert store.read_all() == [old]
    assert os.listdir(tmp_path / "records") == ["x.json"]


def test_what_a_killed_process_left_is_never_read(tmp_path):
    store = RecordStore(tmp_path)
    store.write(record(), "x")
    (tmp_path / "records" / ".y.1a2b3c4d.tmp").write_text('{"schema_ver')
    (tmp_path / "records" / ".z.json").write_text("half")
    assert len(store.read_all()) == 1


def test_the_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    real_fsync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda fd: (calls.append("fsync"), real_fsync(fd)))
    monkeypatch.setattr(files.os, "replace", lambda a, b: (calls.append("replace"), real_replace(a, b)))
    RecordStore(tmp_path).write(record(), "x")
    assert calls[:2] == ["fsync", "replace"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "EOF"),
        (b'{"schema_version": 1, "proto', "EOF"),
        (b"\xff\xfe\x00", "Invalid JSON"),
        (b"[]", "object"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"schema_version": 1}', r"Field required \(and \d+ more\)"),
    ],
)
def test_a_malformed_file_is_named_with_the_remedy(tmp_path, content, says):
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "bad.json").write_bytes(content)
    with pytest.raises(
        UsageError, match=rf"bad\.json is no record: .*{says}.*delete it and run its cell again"
    ) as caught:
        RecordStore(tmp_path).read_all()
    assert "\n" not in str(caught.value)


def test_an_unknown_field_is_named(tmp_path):
    path = RecordStore(tmp_path).write(record(), "x")
    path.write_text(path.read_text().replace('"status"', '"state"'))
    with pytest.raises(UsageError, match="status: Field required"):
        RecordStore(tmp_path).read_all()


def test_another_schema_version_says_which_mtlbench_is_needed(tmp_path):
    path = RecordStore(tmp_path).write(record(), "x")
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(UsageError, match="schema version is 2, this mtlbench reads version 1"):
        RecordStore(tmp_path).read_all()


def test_one_cell_in_two_files_is_refused(tmp_path):
    store = RecordStore(tmp_path)
    store.write(record(), "x")
    store.write(record(), "y")
    with pytest.raises(UsageError, match=r"x\.json and .*y\.json are of the same cell .* delete one of the two"):
        store.read_all()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "records").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match=r"cannot write the record .*records.*x\.json"):
        RecordStore(tmp_path).write(record(), "x")


def test_a_record_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "records" / "folder.json").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"cannot read the record .*folder\.json"):
        RecordStore(tmp_path).read_all()


def compressed(path: Path) -> Path:
    """The file as ``gzip`` leaves it."""
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return packed


def test_a_compressed_record_is_read_as_it_was(tmp_path):
    store = RecordStore(tmp_path)
    first, second = record("PLE", seed=1), record("ESMM", seed=0)
    store.write(second, "b")
    compressed(store.write(first, "a"))
    assert store.read_all() == [first, second]
    assert store.get("a") == store.read("a") == first
    store.write(first, "a")
    assert [path.name for path in store.paths()] == ["a.json", "b.json"]


def test_a_cell_in_both_forms_counts_once(tmp_path):
    store = RecordStore(tmp_path)
    path = store.write(record(), "a")
    content = path.read_bytes()
    compressed(path)
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.json and .*a\.json\.gz are of the same cell"):
        store.read_all()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{}", "Not a gzipped file"),
        (gzip.compress(b"{}" * 99, mtime=0)[:-12], "it is damaged"),
        (gzip.compress(b" " * 2001), "more than 2,000 bytes when it is decompressed"),
    ],
    ids=["plain", "cut", "large"],
)
def test_a_compressed_file_that_is_damaged_or_too_large_is_named(tmp_path, monkeypatch, content, reason):
    monkeypatch.setattr(record_files, "MOST_BYTES", 2000)
    path = tmp_path / "a.json.gz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=reason) as error:
        read_record(path)
    assert str(path) in str(error.value)
