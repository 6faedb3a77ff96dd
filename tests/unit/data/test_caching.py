import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from logs import FileLog, small_log

from mtlbench import api
from mtlbench.data import cache_dir as default_cache
from mtlbench.data import load
from mtlbench.data.hashes import SETTLED_NS
from mtlbench.errors import DataWarning


@pytest.fixture
def root(tmp_path: Path) -> Path:
    small_log().frame.to_csv(tmp_path / "log.csv", index=False)
    return tmp_path


def dataset(**params: int) -> FileLog:
    return FileLog(FileLog.Params(**params))


def same(one: api.Splits, two: api.Splits) -> bool:
    tensors = [
        (value, vars(two.parts()[part])[name])
        for part, split in one.parts().items()
        for name, value in vars(split).items()
        if isinstance(value, torch.Tensor)
    ]
    return all(a.equal(b) for a, b in tensors) and (one.schema, one.facts) == (two.schema, two.facts)


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.iterdir() if path.is_dir())


def test_a_second_load_reads_the_cache(root: Path, cache_dir: Path) -> None:
    first = dataset()
    splits = load(first, root, cache_dir)
    second = dataset()
    again = load(second, root, cache_dir)
    assert (first.loads, second.loads) == (1, 0)
    assert same(splits, again)
    assert splits.fingerprint == again.fingerprint
    assert len(entries(cache_dir)) == 1


def test_loading_warns_of_nothing_and_the_file_is_out_of_reach(root: Path, cache_dir: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits = load(dataset(), root, cache_dir)
    splits.train.labels.fill_(7)
    again = dataset()
    assert (load(again, root, cache_dir).train.labels <= 1).all()
    assert again.loads == 0


def test_content_and_parameters_each_make_another_entry(root: Path, cache_dir: Path) -> None:
    plain = load(dataset(), root, cache_dir)
    strict = load(dataset(min_count=3), root, cache_dir)
    log = pd.read_csv(root / "log.csv")
    log.loc[5, "price"] += 1
    log.to_csv(root / "log.csv", index=False)
    changed = load(dataset(), root, cache_dir)
    assert len({plain.fingerprint, strict.fingerprint, changed.fingerprint}) == len(entries(cache_dir)) == 3
    assert not plain.train.numerical.equal(changed.train.numerical)


def test_a_parameter_that_was_added_later_changes_the_identity_only_where_it_is_set(
    root: Path, cache_dir: Path
) -> None:
    class Grown(FileLog):
        class Params(FileLog.Params):
            tasks: str = api.added_later("paper")

    before = load(dataset(), root, cache_dir).fingerprint
    after = [load(Grown(Grown.Params(tasks=tasks)), root, cache_dir).fingerprint for tasks in ("paper", "all")]
    assert after[0] == before != after[1]


def test_another_version_of_the_dataset_is_another_identity_and_other_code_only_another_entry(
    root: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(dataset(), root, cache_dir)
    monkeypatch.setattr("mtlbench.data.fingerprint._sources", lambda cls: set())
    assert load(dataset(), root, cache_dir).fingerprint == first.fingerprint
    assert len(entries(cache_dir)) == 2
    monkeypatch.setattr(FileLog, "version", 2)
    assert load(dataset(), root, cache_dir).fingerprint != first.fingerprint


def test_a_file_that_only_moved_or_was_touched_keeps_its_entry(root: Path, cache_dir: Path) -> None:
    load(dataset(), root, cache_dir)
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    (root / "log.csv").rename(elsewhere / "log.csv")
    os.utime(elsewhere / "log.csv")
    moved = dataset()
    load(moved, elsewhere, cache_dir)
    assert moved.loads == 0


def test_a_remembered_hash_spares_reading_but_a_fresh_file_is_never_trusted(root: Path, cache_dir: Path) -> None:
    load(dataset(), root, cache_dir)
    raw = str((root / "log.csv").resolve())
    memory = cache_dir / "file-hashes.json"
    assert not memory.exists() or raw not in json.loads(memory.read_text())["files"]
    settle(root / "log.csv")
    load(dataset(), root, cache_dir)
    assert raw in json.loads(memory.read_text())["files"]
    memory.write_text("{ not json")
    load(dataset(), root, cache_dir)
    assert raw in json.loads(memory.read_text())["files"]


def settle(path: Path) -> None:
    """Let the file seem to have been written long ago."""
    past = path.stat().st_mtime_ns - 2 * SETTLED_NS
    os.utime(path, ns=(past, past))


def test_a_raw_file_that_changed_and_kept_its_time_and_size_is_another_dataset(root: Path, cache_dir: Path) -> None:
    raw = root / "log.csv"
    settle(raw)
    before, status = load(dataset(), root, cache_dir), raw.stat()
    assert str(raw.resolve()) in (cache_dir / "file-hashes.json").read_text()
    content = raw.read_text()
    raw.write_text(content.replace("a", "z"))
    os.utime(raw, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (raw.stat().st_size, raw.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert load(dataset(), root, cache_dir).fingerprint != before.fingerprint


def test_a_changed_memory_of_hashes_is_not_believed(root: Path, cache_dir: Path) -> None:
    raw = root / "log.csv"
    settle(raw)
    before = load(dataset(), root, cache_dir)
    memory = cache_dir / "file-hashes.json"
    content = json.loads(memory.read_text())
    content["files"][str(raw.resolve())][-1] = "0" * 64
    memory.write_text(json.dumps(content))
    assert load(dataset(), root, cache_dir).fingerprint == before.fingerprint


def test_a_memory_of_hashes_without_a_digest_is_not_believed(root: Path, cache_dir: Path) -> None:
    """Versions before the digest wrote the files alone."""
    raw = root / "log.csv"
    settle(raw)
    before = load(dataset(), root, cache_dir)
    memory = cache_dir / "file-hashes.json"
    known = json.loads(memory.read_text())["files"]
    memory.write_text(json.dumps({path: [*stamp[:2], "0" * 64] for path, stamp in known.items()}))
    assert load(dataset(), root, cache_dir).fingerprint == before.fingerprint


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def forge(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros((2, 2)))


def other_fact(path: Path) -> None:
    path.write_text(path.read_text().replace('"rows": 60', '"rows": 61'))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *[("meta.json", damage) for damage in (truncate, forge, Path.unlink, other_fact)],
        *[("train.categorical.npy", damage) for damage in (truncate, flip, forge, Path.unlink)],
        *[("test.done.npy", damage) for damage in (truncate, flip, forge, Path.unlink)],
    ],
)
def test_a_damaged_entry_is_found_out_said_and_rebuilt(
    root: Path, cache_dir: Path, name: str, damage: Callable[[Path], object]
) -> None:
    whole = load(dataset(), root, cache_dir)
    expected = whole.train.categorical.clone(), whole.test.done.clone()
    damage(entries(cache_dir)[0] / name)
    again = dataset()
    with pytest.warns(DataWarning, match=f"is damaged, {name} is not what was written: .* built anew"):
        splits = load(again, root, cache_dir)
    assert again.loads == 1
    assert (splits.train.categorical.equal(expected[0]), splits.test.done.equal(expected[1])) == (True, True)
    assert len(entries(cache_dir)) == 1
    third = dataset()
    load(third, root, cache_dir)
    assert third.loads == 0


def test_labels_inverted_in_the_cache_are_not_trained_on_though_the_file_kept_its_time(
    root: Path, cache_dir: Path
) -> None:
    expected = load(dataset(), root, cache_dir).train.labels.clone()
    path = entries(cache_dir)[0] / "train.labels.npy"
    for file in entries(cache_dir)[0].iterdir():
        settle(file)
    load(dataset(), root, cache_dir)
    status = path.stat()
    labels = np.load(path)
    with path.open("wb") as file:
        np.save(file, 1 - labels)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    with pytest.warns(DataWarning, match=r"train\.labels\.npy is not what was written"):
        assert load(dataset(), root, cache_dir).train.labels.equal(expected)


def test_an_entry_of_an_earlier_format_is_written_anew_without_a_word(root: Path, cache_dir: Path) -> None:
    load(dataset(), root, cache_dir)
    path = entries(cache_dir)[0] / "meta.json"
    meta = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in meta.items() if name not in {"format", "digest"}}))
    again = dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(again, root, cache_dir)
    assert again.loads == 1
    assert json.loads(path.read_text()) == meta


def test_all_is_flushed_to_the_disk_before_it_gets_its_name(
    root: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str]] = []
    sync, rename, replace = os.fsync, os.rename, os.replace

    def fsync(descriptor: int) -> None:
        events.append(("flush", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
        sync(descriptor)

    def renamed(source: Path, target: Path) -> None:
        events.append(("name", Path(target).name))
        rename(source, target)

    def replaced(source: Path, target: Path) -> None:
        events.append(("name", Path(target).name))
        replace(source, target)

    settle(root / "log.csv")
    for name, spy in {"fsync": fsync, "rename": renamed, "replace": replaced}.items():
        monkeypatch.setattr(os, name, spy)
    load(dataset(), root, cache_dir)
    entry = entries(cache_dir)[0]
    named = events.index(("name", entry.name))
    flushed = {name for what, name in events[:named] if what == "flush"}
    assert flushed == {*(path.name for path in entry.iterdir()), "new"}
    assert events[named + 1] == ("flush", cache_dir.name)
    hashes = events.index(("name", "file-hashes.json"))
    assert events[hashes - 1][0] == "flush"
    assert events[hashes + 1] == ("flush", cache_dir.name)


def test_nothing_is_cached_for_a_log_that_is_refused(root: Path, cache_dir: Path) -> None:
    log = pd.read_csv(root / "log.csv")
    log.loc[0, "click"] = 5
    log.to_csv(root / "log.csv", index=False)
    with pytest.raises(api.DataError, match="'click' holds"):
        load(dataset(), root, cache_dir)
    assert not cache_dir.exists() or entries(cache_dir) == []


def test_a_cache_folder_that_cannot_be_written_is_a_usage_error(root: Path) -> None:
    blocked = root / "log.csv" / "cache"
    with pytest.raises(api.UsageError, match="MTLBENCH_CACHE"):
        load(dataset(), root, blocked)


def test_many_loads_at_once_agree_and_leave_one_entry(root: Path, cache_dir: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: load(dataset(), root, cache_dir), range(24)))
    assert all(same(loaded[0], other) for other in loaded)
    assert len(entries(cache_dir)) == 1
    assert not list(cache_dir.glob("tmp-*"))


@pytest.mark.slow
def test_another_process_finds_the_entry(root: Path, cache_dir: Path) -> None:
    mine = load(dataset(), root, cache_dir)
    code = (
        "import sys; from pathlib import Path; from logs import FileLog; from mtlbench.data import load, cache_dir\n"
        "log = FileLog(FileLog.Params()); splits = load(log, Path(sys.argv[1]), cache_dir())\n"
        "print(log.loads, splits.fingerprint, int(splits.train.categorical.sum()))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(root)]
    theirs = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert theirs.stdout.split() == ["0", mine.fingerprint, str(int(mine.train.categorical.sum()))]


def test_the_folder_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MTLBENCH_CACHE", str(tmp_path / "here"))
    assert default_cache() == tmp_path / "here"
    monkeypatch.delenv("MTLBENCH_CACHE")
    assert "mtlbench" in default_cache().parts
