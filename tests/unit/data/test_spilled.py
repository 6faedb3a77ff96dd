"""A log that comes in blocks and is encoded into files gives the bits of the same log in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from logs import small_log

from mtlbench import api
from mtlbench.api import spilled
from mtlbench.data import arrays
from mtlbench.data.arrays import tensors_of
from mtlbench.data.building import build


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch, cache_dir: Path) -> None:
    """Columns go to the disk at once, and matrices are put together a few rows at a time."""
    monkeypatch.setattr(spilled, "HELD", 1)
    monkeypatch.setattr(spilled, "BLOCK_ROWS", 7)
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 64)


def columns(rows: int, seed: int) -> pd.DataFrame:
    """Columns of every kind, with missing values, in the order of ``row``."""
    random = np.random.default_rng(seed)
    place = np.arange(rows)
    lists = [[str(one) for one in random.integers(8, size=count)] if count < 5 else None for count in place % 6]
    frame = pd.DataFrame(
        {
            "item": random.choice(["a", "b", "c", "d", None], size=rows),
            "city": pd.Categorical(random.choice(["x", "y", "z", None], size=rows)),
            "amount": np.where(random.random(rows) < 0.2, np.nan, random.exponential(size=rows) * 1e3),
            "tags": lists,
            "liked": [[one] if one else [] for one in random.choice(["a", "c", "new", None], size=rows)],
            "vector": [random.normal(size=3).tolist() if count else None for count in place % 5],
            "watch": np.where(random.random(rows) < 0.2, np.nan, random.exponential(size=rows)),
            "part": np.repeat(["train", "validation", "test"], [rows - 2 * (rows // 4), rows // 4, rows // 4]),
            "weight": random.choice([0.0, 0.5, 2.0], size=rows),
            "late": place >= rows * 0.7,
            "row": place,
        }
    )
    frame["watch"] = frame["watch"].where(place % 4 < 2)
    return frame


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bags": {"bags": ["tags", api.BagColumn("liked", 2, "attention", "item")]},
    "vectors": {"vectors": ["vector"]},
    "bins": {"binned": {"amount": 7}},
    "no time": {"timestamp": None},
    "no user": {"user": None},
    "random, by user": {"splitting": api.Splitting(by_user=True, seed=1)},
    "by column": {"splitting": api.Splitting(column="part"), "timestamp": None},
    "by date": {"splitting": api.Splitting(validation_from=1_015_000, test_from=1_022_000)},
    "held out": {"held_out": "late"},
    "weights": {"weight": "weight"},
    "within": {
        "tasks": [api.Task("click"), api.Task("watch", "nonnegative", after="click", within=True)],
        "clipped": {"watch": 0.9},
    },
}


def logs(variant: str, rows: int, seed: int, ties: int, min_count: int) -> api.Log:
    log = small_log(rows, seed, categorical=["user", "item", "city"], min_count=min_count, **VARIANTS[variant])
    extra = columns(rows, seed).set_index("row").loc[log.frame["row"]]
    for name in extra:
        log.frame[name] = extra[name].array
    log.frame["time"] = 1_000_000 + log.frame["row"] // ties * ties * 500
    if variant != "bins":
        log.numerical = ["price", "amount"]
    return log


def in_blocks(frame: pd.DataFrame, rows: int) -> api.SpilledFrame:
    """The frame in blocks of ``rows``, each with dictionaries of its own."""
    return api.SpilledFrame(
        pa.RecordBatch.from_arrays([as_if_read_alone(one) for one in block], block.schema.names)
        for block in pa.Table.from_pandas(frame, preserve_index=False).to_batches(rows)
    )


def as_if_read_alone(column: pa.Array) -> pa.Array:
    return column.dictionary_decode().dictionary_encode() if pa.types.is_dictionary(column.type) else column


def outcome(log: api.Log, folder: Path | None = None) -> dict[str, Any]:
    """Every bit of the encoded log and what is said of it, or why it is refused."""
    try:
        splits = build(log, "my-log", "key", folder)
    except api.DataError as error:
        return {"refused": str(error)}
    bits = {
        f"{part}.{name}": (tensor.dtype, tensor.shape, tensor.numpy().tobytes())
        for part, split in splits.parts().items()
        for name, tensor in tensors_of(split).items()
    }
    return {**bits, "said": (splits.schema, splits.fingerprint, list(splits.facts.items()), splits.warnings)}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(3))
def test_blocks_and_files_give_the_bits_of_a_frame_in_memory(tmp_path: Path, variant: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, ties, min_count, block = (int(random.integers(*span)) for span in ((60, 130), (1, 9), (1, 9), (1, 50)))
    log = logs(variant, rows, seed, ties, min_count)
    expected = outcome(log)
    log.frame = in_blocks(log.frame, block)
    folder = tmp_path / "files"
    folder.mkdir()
    assert outcome(log, folder) == expected
    assert outcome(log) == expected


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_logs_of_the_property_are_not_all_refused(variant: str) -> None:
    assert "refused" not in outcome(logs(variant, rows=100, seed=0, ties=2, min_count=1))


def test_a_column_is_the_same_series_in_blocks(cache_dir: Path) -> None:
    frame = logs("plain", 100, 0, 2, 1).frame.reset_index(drop=True)
    stored = in_blocks(frame, 13)
    assert list(stored) == list(stored.columns) == list(frame)
    assert (len(stored), stored.index.equals(frame.index)) == (100, True)
    for name in [name for name in frame if name not in ("tags", "liked", "vector")]:
        pd.testing.assert_series_equal(stored[name], frame[name], check_category_order=False)
    assert stored["tags"].dropna().tolist() == frame["tags"].dropna().tolist()
    assert stored["tags"].isna().equals(frame["tags"].isna())


def test_columns_are_set_and_deleted_as_those_of_a_data_frame() -> None:
    stored = in_blocks(pd.DataFrame({"a": range(30)}), 4)
    stored["b"] = stored["a"].to_numpy() * 2
    stored["c"] = pd.Series(["x", None, "y"] * 10, dtype="category")
    stored["d"] = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([range(10), range(20)])))
    del stored["a"]
    assert list(stored) == ["b", "c", "d"]
    assert stored["d"].tolist() == [*range(10), *range(20)]
    assert stored["b"].tolist() == list(range(0, 60, 2))
    assert stored["c"].astype(object).fillna("").tolist() == ["x", "", "y"] * 10
    with pytest.raises(api.DataError, match="column 'd' has 2 values, and the table 30 rows"):
        stored["d"] = np.zeros(2)


def test_ids_tell_which_values_are_equal_and_missing_and_rows_have_their_values() -> None:
    frame = logs("plain", 100, 0, 2, 1).frame.reset_index(drop=True)
    stored, rows = in_blocks(frame, 13), np.array([70, 3, 3, 41])
    for name in ("city", "item", "user", "amount"):
        numbers = stored.ids(name)
        assert pd.factorize(numbers)[0].tolist() == pd.factorize(frame[name])[0].tolist()
        assert numbers.isna().tolist() == frame[name].isna().tolist()
        expected, found = frame[name].iloc[rows].astype(object), stored.take(name, rows).astype(object)
        assert found.fillna("").tolist() == expected.fillna("").tolist()


def test_a_history_of_a_log_in_blocks_is_that_of_the_log_in_memory() -> None:
    frame = small_log(rows=100).frame.reset_index(drop=True)
    expected = api.history(frame, "user", "item", "time", "click", last=3)
    found = api.history(in_blocks(frame, 7), "user", "item", "time", "click", last=3)
    pd.testing.assert_series_equal(found, expected)


def test_dictionaries_of_blocks_are_joined() -> None:
    blocks = [["a", "b"], ["b", None], ["c", "a"]]
    arrays_ = [pa.array(one, pa.string()).dictionary_encode() for one in blocks]
    stored = api.SpilledFrame(pa.RecordBatch.from_arrays([one], ["id"]) for one in arrays_)
    assert stored["id"].astype(object).fillna("").tolist() == ["a", "b", "b", "", "c", "a"]
    assert list(stored["id"].cat.categories) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"a": ["text"]}, r"column 'a' is \w*string in the block from row 2 on, and int64 before"),
        ({"b": [1]}, "column 'a' is absent in the block from row 2 on, and int64 before"),
        ({"a": [1], "b": [1]}, "column 'b' is int64 in the block from row 2 on, and absent before"),
    ],
)
def test_blocks_that_differ_are_refused_by_column(second: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(api.DataError, match=message):
        api.SpilledFrame([pd.DataFrame({"a": [1, 2]}), pd.DataFrame(second)])


def test_a_column_that_stands_twice_is_refused() -> None:
    block = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    with pytest.raises(api.DataError, match="column 'a' is in the table twice"):
        api.SpilledFrame([block])


def test_nothing_is_left_in_the_cache_folder(cache_dir: Path) -> None:
    stored = in_blocks(pd.DataFrame({"a": range(1000)}), 100)
    assert stored["a"].sum() == 499_500
    del stored
    assert list(cache_dir.iterdir()) == []


def test_a_cache_folder_without_room_is_a_usage_error(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_dir.parent.mkdir(exist_ok=True)
    cache_dir.write_text("a file")
    with pytest.raises(api.UsageError, match="MTLBENCH_CACHE"):
        in_blocks(pd.DataFrame({"a": range(1000)}), 100)
