"""One id for one thing, however a file spells it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_logs import describe, encoded, visits
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from mtlbench import api
from mtlbench_plugins.datasets._table_ids import ids, spelling


def spelt(values: Any, kind: pa.DataType | None = None) -> list[str | None]:
    column = pa.array(values, kind)
    texts = column if pa.types.is_floating(column.type) else column.cast(pa.string())
    return ids(texts.dictionary_encode()).column.to_pylist()


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("12", "12"), ("12.0", "12"), ("12.", "12"), ("12.000", "12"), ("-3.0", "-3"), ("-0.0", "0"), ("-0", "0"),
        ("1e+10", "10000000000"), ("1E+10", "10000000000"), ("1.5e3", "1500"), ("1.0E10", "10000000000"),
        ("1.50", "1.50"), ("1.5e-3", "1.5e-3"), ("1e3", "1e3"), ("10e2", "10e2"), ("10e+2", "10e+2"),
        ("07", "07"), ("07.0", "07.0"), ("12.5", "12.5"), ("True", "true"), ("FALSE", "false"), ("truest", "truest"),
        ("18446744073709551615", "18446744073709551615"), ("12345678901234567890123", "12345678901234567890123"),
        ("v1.0", "v1.0"), ("1.0.0", "1.0.0"), ("e10", "e10"), ("1e999999999", "1e999999999"), ("inf", "inf"),
    ],
)  # fmt: skip
def test_a_text_is_one_id(text: str, id_: str) -> None:
    assert spelling(text) == id_
    assert spelling(id_) == id_


@given(st.lists(st.integers(-(2**53), 2**53)))
def test_whole_floats_are_the_integers(numbers: list[int]) -> None:
    expected = [str(number) for number in numbers]
    assert spelt(numbers, pa.int64()) == expected
    assert spelt([float(number) for number in numbers], pa.float64()) == expected
    assert spelt([repr(float(number)) for number in numbers], pa.string()) == expected


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_unsigned_integers_are_exact(numbers: list[int]) -> None:
    assert spelt(numbers, pa.uint64()) == [str(number) for number in numbers]


@given(st.lists(st.floats(-(2.0**63), 2.0**63, width=32)))
def test_floats_of_either_width_are_the_same_ids(numbers: list[float]) -> None:
    wide, narrow = (spelt(np.array(numbers, kind)) for kind in (np.float64, np.float32))
    whole = [float(number).is_integer() for number in numbers]
    assert [one for one, is_whole in zip(wide, whole, strict=True) if is_whole] == [
        one for one, is_whole in zip(narrow, whole, strict=True) if is_whole
    ]


def test_nan_and_null_are_missing() -> None:
    assert spelt(np.array([1.0, np.nan, 2.5])) == ["1", None, "2.5"]
    assert spelt([None, 7.0, float("nan")], pa.float64()) == [None, "7", None]
    dictionary = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int32()), pa.array([None, "a"]))
    assert ids(dictionary).column.to_pylist() == [None, "a", None]


@pytest.mark.parametrize(
    ("values", "inexact"),
    [
        (np.array([2.0**53 - 1, 2.0**53, -(2.0**60)]), [False, True, True]),
        (np.array([2.0**24 - 1, 2.0**24], np.float32), [False, True]),
        (["9007199254740991.0", "9007199254740993.0", "1.2e18", "9007199254740993"], [False, True, True, False]),
        (np.array([0.5, 1e17 + 0.0]), [False, True]),
    ],
)
def test_floats_that_do_not_tell_neighbours_apart_are_known(values: Any, inexact: list[bool]) -> None:
    found = ids(pa.array(values).dictionary_encode()).inexact
    assert found is not None
    assert found.tolist() == inexact


# Whole tables.


def two_files(folder: Path, kinds: tuple[str, str]) -> None:
    """The log in two Parquet files, with item ids of two types."""
    frame = visits().sort_values("time", ignore_index=True)
    (folder / "logs").mkdir()
    for day, kind in enumerate(kinds, start=1):
        half = frame[frame.index % 2 == day - 1]
        item = (half["item_id"] + 10_000_000_000).astype(kind)
        half.assign(item_id=item).to_parquet(folder / "logs" / f"day{day}.parquet")


@pytest.mark.parametrize("kind", ["float64", "str", "uint64", "Float64"])
def test_ids_of_two_types_are_the_same_and_said(kind: str, tmp_path: Path) -> None:
    two_files(tmp_path, ("int64", kind))
    splits = encoded(describe(tmp_path, None, files="logs"))
    assert splits.schema.categorical[1].cardinality == 41
    assert float((splits.test.categorical[:, 1] == 0).double().mean()) == 0
    if kind == "uint64":
        assert splits.warnings == ()
    else:
        [warning] = splits.warnings
        assert re.search(r"'item_id' is int64 in .*day1\.parquet and (double|large_string|string) in .*day2", warning)


def test_whole_floats_of_a_csv_are_the_integers(tmp_path: Path) -> None:
    frame = visits()
    written = frame["item_id"].astype(str).where(frame.index % 2 == 0, frame["item_id"].astype(float).astype(str))
    plain = encoded(describe(tmp_path, frame))
    mixed = encoded(describe(tmp_path, frame.assign(item_id=written)))
    assert mixed.schema == plain.schema
    assert mixed.train.categorical.equal(plain.train.categorical)


def test_a_missing_id_of_a_parquet_file_is_missing_and_not_the_id_nan(tmp_path: Path) -> None:
    frame = visits()
    frame["item_id"] = frame["item_id"].where(frame.index % 7 > 0).astype("float64")
    parquet.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(), tmp_path / "log.parquet")
    table = pa.table({name: pa.array(frame[name].to_numpy()) for name in frame})  # NaN, not null
    parquet.write_table(table, tmp_path / "log.parquet")
    log = describe(tmp_path, None, files="log.parquet").load(tmp_path)
    assert log.frame["item_id"].isna().sum() == (frame.index % 7 == 0).sum()
    assert "nan" not in set(log.frame["item_id"].cat.categories)


def test_a_column_without_a_value_is_all_missing(tmp_path: Path) -> None:
    frame = visits()
    table = pa.table({**{name: pa.array(frame[name]) for name in frame}, "city": pa.nulls(len(frame))})
    parquet.write_table(table, tmp_path / "log.parquet")
    splits = encoded(describe(tmp_path, None, files="log.parquet"))
    assert splits.schema.categorical[2].cardinality == 2


def test_a_user_that_is_nan_is_refused(tmp_path: Path) -> None:
    frame = visits().astype({"user_id": "float64"})
    frame.loc[10, "user_id"] = np.nan
    parquet.write_table(pa.table({name: pa.array(frame[name].to_numpy()) for name in frame}), tmp_path / "log.parquet")
    with pytest.raises(api.DataError, match="'user_id' holds no value in row 11: give every row a user id"):
        describe(tmp_path, None, files="log.parquet").load(tmp_path)


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_ids_beyond_2_to_the_63_are_exact(write: str, tmp_path: Path) -> None:
    frame = visits()
    big = frame.assign(user_id=frame["user_id"].astype("uint64") + np.uint64(2**64 - 100))
    plain = encoded(describe(tmp_path, frame))
    if write == "parquet":
        big.to_parquet(tmp_path / "log.parquet")
    splits = encoded(describe(tmp_path, big, files=f"log.{write}"))
    assert splits.facts == plain.facts
    assert splits.train.session.equal(plain.train.session)


def test_ids_that_a_float_cannot_tell_apart_are_named(tmp_path: Path) -> None:
    frame = visits()
    frame.assign(item_id=(frame["item_id"] + 2.0**60)).to_parquet(tmp_path / "log.parquet")
    [warning] = encoded(describe(tmp_path, None, files="log.parquet")).warnings
    assert f"'item_id' holds {len(frame):,} ids as floats too large to be exact" in warning
    assert "row 1 of" in warning
    assert "write the ids as integers or as text" in warning


def test_a_column_that_is_a_number_and_the_user_is_exact_as_the_user(tmp_path: Path) -> None:
    frame = visits()
    frame["user_id"] += 2**62
    splits = encoded(describe(tmp_path, frame, categorical=["item_id"], numerical=["user_id"]))
    assert splits.facts["users"] == frame["user_id"].nunique()
    assert splits.schema.numerical == ("user_id",)


@pytest.mark.parametrize("equals", ["3", "3.0"])
def test_a_rule_compares_ids_as_they_are_compared(equals: str, tmp_path: Path) -> None:
    frame = visits()
    frame["stars"] = np.where(frame.index % 2 == 0, "3", np.where(frame.index % 3 == 0, "3.0", "4"))
    task = {"name": "three", "column": "stars", "equals": equals}
    log = describe(tmp_path, frame, tasks=[task]).load(tmp_path)
    assert log.frame["three"].tolist() == frame["stars"].isin(["3", "3.0"]).astype(int).tolist()


# Sessions.


def test_session_numbers_that_begin_anew_for_each_user_are_sessions_of_a_user(tmp_path: Path) -> None:
    frame = visits()
    splits = encoded(describe(tmp_path, frame, session_rule=None, session="session_id"))
    by_rule = encoded(describe(tmp_path, frame))
    pairs = len(frame[["user_id", "session_id"]].drop_duplicates())
    assert splits.facts["sessions"] == by_rule.facts["sessions"]
    assert pairs <= int(splits.facts["sessions"]) <= pairs + 2  # a boundary makes two of one
    repeated = frame[["user_id", "session_id"]].drop_duplicates()["session_id"]
    assert splits.facts["session_ids_of_several_users"] == repeated[repeated.duplicated()].nunique()
    for name, split in splits.parts().items():
        assert split.session.equal(by_rule.parts()[name].session), name
        assert split.position.equal(by_rule.parts()[name].position)


# Two rules over one column.


@pytest.mark.parametrize("plain", ["click", {"name": "click", "equals": 1}, {"name": "click", "equals": "1"}])
def test_a_column_may_have_two_rules_of_two_types(plain: Any, tmp_path: Path) -> None:
    frame = visits()
    tasks = [plain, {"name": "again", "column": "click", "at_least": 1}]
    log = describe(tmp_path, frame, tasks=tasks, relation="parallel").load(tmp_path)
    assert log.frame["click"].tolist() == log.frame["again"].tolist() == frame["click"].tolist()


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_rules_of_two_types_over_numbers_with_gaps(write: str, tmp_path: Path) -> None:
    frame = visits()
    frame["stars"] = np.where(frame.index % 5 == 0, np.nan, frame.index % 4 + 0.5 * (frame.index % 3 == 0))
    if write == "parquet":
        frame.to_parquet(tmp_path / "log.parquet")
    tasks = [
        {"name": "good", "column": "stars", "at_least": 2.5},
        {"name": "three", "column": "stars", "equals": 3},
        {"name": "half", "column": "stars", "equals": "1.5"},
    ]
    log = describe(tmp_path, frame, files=f"log.{write}", tasks=tasks, relation="parallel").load(tmp_path)
    assert log.frame["good"].tolist() == (frame["stars"] >= 2.5).astype(int).tolist()
    assert log.frame["three"].tolist() == (frame["stars"] == 3).astype(int).tolist()
    assert log.frame["half"].tolist() == (frame["stars"] == 1.5).astype(int).tolist()
    share = frame["stars"].isna().mean()
    assert log.facts == {f"no_value_is_0.{name}": pytest.approx(share) for name in ("good", "three", "half")}


@pytest.mark.parametrize("word", ["yes", "1_000", "\N{FULLWIDTH DIGIT ONE}"])
def test_a_word_where_a_rule_compares_numbers_is_refused_with_its_row(word: str, tmp_path: Path) -> None:
    frame = visits().astype({"click": object})
    frame.loc[20, "click"] = word
    tasks = [{"name": "a", "column": "click", "at_least": 1}, {"name": "b", "column": "click", "equals": "yes"}]
    with pytest.raises(api.DataError, match=f"'click' holds '{word}' in row 22: a number is called for"):
        describe(tmp_path, frame, tasks=tasks, relation="parallel").load(tmp_path)


def test_tasks_that_are_values_of_one_column_are_named_as_a_log_of_events(tmp_path: Path) -> None:
    frame = visits()
    frame["event"] = np.select([frame["purchase"] == 1, frame["click"] == 1], ["buy", "click"], "view")
    tasks = [{"name": name, "column": "event", "equals": name} for name in ("click", "buy")]
    [warning] = encoded(describe(tmp_path, frame, tasks=tasks, relation="parallel")).warnings
    assert "tasks 'click' and 'buy' are values of the one column 'event'" in warning


# Labels that were not observed.


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_a_missing_label_is_refused_and_never_offered_as_0(write: str, tmp_path: Path) -> None:
    frame = visits()
    frame["like"] = (frame["price"] > 20).astype(float).where(frame.index % 2 == 0)
    table = pa.table({name: pa.array(frame[name].to_numpy()) for name in frame})
    parquet.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(api.DataError) as caught:
        describe(tmp_path, frame, files=f"log.{write}", tasks=["click", "like"], relation="parallel").load(tmp_path)
    message = str(caught.value)
    assert f"'like' holds no value in row {3 if write == 'csv' else 2}" in message
    assert 'observed = "like is given"' in message
    assert "drop the rows" in message
    assert "equals" not in message


def test_a_row_is_called_as_its_file_calls_it(tmp_path: Path) -> None:
    frame = visits()
    (tmp_path / "logs").mkdir()
    frame[:700].to_csv(tmp_path / "logs" / "1.csv", index=False)
    frame.iloc[700:].assign(price=lambda late: late["price"].where(late.index != 900, 1e300)).to_csv(
        tmp_path / "logs" / "2.csv", index=False
    )
    with pytest.raises(api.DataError, match=r"'price' holds 1e\+300 in row 202 of .*2\.csv"):
        encoded(describe(tmp_path, None, files="logs"))
    (tmp_path / "logs" / "1.csv").unlink()
    with pytest.raises(api.DataError, match=r"'price' holds 1e\+300 in row 202 \(and"):
        encoded(describe(tmp_path, None, files="logs"))


def test_the_frame_of_a_table_of_text_is_as_before(tmp_path: Path) -> None:
    frame = visits()
    log = describe(tmp_path, frame).load(tmp_path)
    pd.testing.assert_series_equal(log.frame["city"].astype("str"), frame["city"].astype("str"), check_names=False)
    assert log.warnings == ()
    assert log.facts == {}
