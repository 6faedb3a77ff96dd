"""Times of a table: numbers judged by all of them, texts read wherever a person would read them without a doubt."""

from collections.abc import Callable
from datetime import UTC, datetime
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
from mtlbench_plugins.datasets._table_clock import date_format, to_milliseconds
from mtlbench_plugins.datasets._table_dates import FORMS, parse, parse_as

MOMENT = datetime(2024, 5, 31, 13, 45, tzinfo=UTC)
MS = int(MOMENT.timestamp() * 1000)
HOUR = 3_600_000

READ = {
    "2024-05-31 13:45:00": MS,
    "2024-05-31T13:45:00Z": MS,
    "2024-05-31T13:45": MS,
    "2024-05-31 13:45:00+02:00": MS - 2 * HOUR,
    "2024-05-31 13:45:00 +0200": MS - 2 * HOUR,
    "2024-05-31T13:45:00.000-03": MS + 3 * HOUR,
    "2024-05-31 13:45:00 UTC": MS,
    "2024-05-31 13:45:00.5": MS + 500,
    "2024-05-31 13:45:00,123": MS + 123,
    "2024-05-31T13:45:00.123456789Z": MS + 123,
    "2024-05-31T13:45:00+02:00[Europe/Paris]": MS - 2 * HOUR,
    "20240531T134500Z": MS,
    "20240531 134500": MS,
    "20240531134500": MS,
    "2024/05/31 13:45": MS,
    "2024.5.31 13:45": MS,
    "2024年5月31日 13:45": MS,
    "2024-05-31": MS - 13 * HOUR - 45 * 60_000,
    "31/05/2024 13:45": MS,
    "31.05.2024 13:45:00": MS,
    "31-5-2024 1:45 PM": MS,
    "05/31/2024 1:45:00 p.m.": MS,
    "31 May 2024 13:45": MS,
    "31-May-2024 13:45:00": MS,
    "31/May/2024:13:45:00 +0000": MS,
    "Fri, 31 May 2024 13:45:00 GMT": MS,
    "Fri May 31 13:45:00 2024": MS,
    "Fri May 31 13:45:00 UTC 2024": MS,
    "May 31, 2024 1:45 PM": MS,
    "Friday, May 31st, 2024 at 13:45": MS,
    "Fri May 31 2024 15:45:00 GMT+0200 (Central European Summer Time)": MS,
    " 2024-05-31 13:45:00 ": MS,
}
NO_TIMES = (
    "noon", "13:45", "31/05/24 13:45", "2024-02-30 10:00", "2023-02-29", "2024-13-01", "2024-05-31 24:00:00",
    "2024-05-31 13:60", "2024-05-31 13:45:00 CEST", "May 2024", "2024", "32/01/2024", "2024-05-31 13:45 PM",
    "1700000000", "31 Foo 2024", "", "2024-05-31 13:45:00+0200 and more",
)  # fmt: skip


def readings(text: str) -> dict[str, int]:
    found = {form: parse(pa.array([text]), form) for form in FORMS}
    return {form: int(times.milliseconds[0]) for form, times in found.items() if times.fits[0]}


@pytest.mark.parametrize("text", READ)
def test_a_text_that_a_person_reads_as_a_time_is_that_time(text: str) -> None:
    assert set(readings(text).values()) == {READ[text]}


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_leaves_a_doubt_is_no_time(text: str) -> None:
    assert readings(text) == {}


@given(st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), min_size=1))
def test_iso_texts_are_what_pandas_reads(moments: list[datetime]) -> None:
    texts = [moment.isoformat() for moment in moments]
    expected = [int(np.datetime64(moment, "ms").astype(np.int64)) for moment in moments]
    times = parse(pa.array(texts), "year first")
    assert times.fits.all()
    assert times.milliseconds.tolist() == expected
    assert not times.zoned.any()


@given(
    st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2098, 12, 31)), min_size=1), st.sampled_from(["/", ".", "-"])
)
def test_each_order_of_day_and_month_is_what_strptime_reads(moments: list[datetime], mark: str) -> None:
    for form, codes in {"day first": "%d/%m/%Y %H:%M:%S", "month first": "%m/%d/%Y %I:%M:%S %p"}.items():
        codes = codes.replace("/", mark)
        texts = [moment.strftime(codes) for moment in moments]
        expected = [int(np.datetime64(datetime.strptime(text, codes), "ms").astype(np.int64)) for text in texts]
        times, named = parse(pa.array(texts), form), parse_as(pa.array(texts), codes)
        assert times.milliseconds.tolist() == named.milliseconds.tolist() == expected


@given(st.lists(st.integers(631_152_000_000_000_000, 4_102_444_800_000_000_000), min_size=1))
def test_a_unit_is_converted_exactly(nanoseconds: list[int]) -> None:
    for unit, size in {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}.items():
        raw = np.array(nanoseconds) // size
        expected = [number * size // 10**6 for number in raw.tolist()]
        assert to_milliseconds(raw, unit).tolist() == expected


# Whole tables.


def written(form: Callable[[datetime], str]) -> pd.DataFrame:
    """The log with its times as text."""
    frame = visits()
    frame["time"] = [form(datetime.fromtimestamp(moment, UTC)) for moment in frame["time"]]
    return frame


AS_TEXT: dict[str, Callable[[datetime], str]] = {
    "zulu": lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    "basic": lambda moment: f"{moment:%Y%m%dT%H%M%SZ}",
    "day first": lambda moment: f"{moment:%d/%m/%Y %H:%M:%S}",
    "month first": lambda moment: f"{moment:%m/%d/%Y %I:%M:%S %p}",
    "words": lambda moment: f"{moment:%d %b %Y %H:%M:%S}",
    "apache": lambda moment: f"{moment:%d/%b/%Y:%H:%M:%S +0000}",
    "slashes": lambda moment: f"{moment:%Y/%m/%d %H:%M:%S}",
}


@pytest.mark.parametrize("form", AS_TEXT)
@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_a_time_as_text_is_read(form: str, write: str, tmp_path: Path) -> None:
    frame = written(AS_TEXT[form])
    if write == "parquet":
        frame.to_parquet(tmp_path / "log.parquet")
    log = describe(tmp_path, frame, files=f"log.{write}", timestamp_unit=None).load(tmp_path)
    assert log.frame["time"].tolist() == (visits()["time"] * 1000).tolist()
    assert log.warnings == ()


def test_zones_are_heeded_and_texts_without_one_are_utc_and_said(tmp_path: Path) -> None:
    frame = visits()
    moments = [datetime.fromtimestamp(moment, UTC) for moment in frame["time"]]
    frame["time"] = [
        f"{moment:%Y-%m-%d %H:%M:%S}" + ("+08:00" if row % 2 else "") for row, moment in enumerate(moments)
    ]
    log = describe(tmp_path, frame, timestamp_unit=None).load(tmp_path)
    expected = [1000 * int(at.timestamp()) - (8 * HOUR if row % 2 else 0) for row, at in enumerate(moments)]
    assert log.frame["time"].tolist() == expected
    assert log.warnings == ("timestamp 'time' names a zone in 750 rows and none in 750, which are taken as UTC",)


def test_files_with_and_without_a_zone_are_said(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    frame = written(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}")
    frame[:750].to_csv(tmp_path / "logs" / "1.csv", index=False)
    frame[750:].assign(time=frame["time"] + "Z").to_csv(tmp_path / "logs" / "2.csv", index=False)
    [warning] = describe(tmp_path, None, files="logs", timestamp_unit=None).load(tmp_path).warnings
    assert "names a zone in 750 rows and none in 750" in warning


def test_day_and_month_are_told_by_all_rows_and_not_by_the_first(tmp_path: Path) -> None:
    frame = visits().sort_values("time", ignore_index=True)
    frame["time"] = pd.date_range("2024-01-01", periods=len(frame), freq="20min").strftime("%d/%m/%Y %H:%M")
    early = frame["time"].str[:2].astype(int) <= 12
    in_order = pd.concat([frame[early], frame[~early]])  # in a first block no day is after the 12th
    log = describe(tmp_path, in_order, timestamp_unit=None).load(tmp_path)
    expected = pd.to_datetime(in_order["time"], format="%d/%m/%Y %H:%M").to_numpy().astype("datetime64[ms]")
    assert log.frame["time"].tolist() == expected.astype(np.int64).tolist()


def test_a_form_that_is_named_is_read(tmp_path: Path) -> None:
    frame = visits().sort_values("time", ignore_index=True)
    frame["time"] = (pd.date_range("2024-01-01", periods=len(frame), freq="7min")).strftime("%d.%m.%y %H-%M")
    log = describe(tmp_path, frame, timestamp_unit=None, timestamp_format="%d.%m.%y %H-%M").load(tmp_path)
    assert log.frame["time"].diff().dropna().eq(7 * 60_000).all()


@pytest.mark.parametrize("write", ["csv", "parquet", "floats"])
@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"])
def test_the_remedy_for_dates_written_as_numbers_reads_them(form: str, write: str, tmp_path: Path) -> None:
    frame = visits()
    moments = pd.to_datetime(frame["time"], unit="s")
    frame["time"] = moments.dt.strftime(form).astype("int64")
    if write == "floats":
        frame = frame.astype({"time": "float64"})
    if write != "csv":
        frame.to_parquet(tmp_path / "log.parquet")
    file = "log.csv" if write == "csv" else "log.parquet"
    for unit in ("s", "ms", "us", "ns", None):
        with pytest.raises(api.DataError) as caught:
            describe(tmp_path, frame, files=file, timestamp_unit=unit).load(tmp_path)
        row = 2 if write == "csv" else 1
        assert f"'time' holds {frame['time'].iloc[0]:.0f} in row {row}, which is a date written" in str(caught.value)
        assert f'`timestamp_format = "{form}"`' in str(caught.value)
    log = describe(tmp_path, frame, files=file, timestamp_unit=None, timestamp_format=form).load(tmp_path)
    expected = pd.to_datetime(moments.dt.strftime(form), format=form).to_numpy().astype("datetime64[ms]")
    assert log.frame["time"].tolist() == expected.astype(np.int64).tolist()


def in_rows(value: float, every: int, start: int = 0) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        chosen = (np.arange(len(frame)) >= start) & ((np.arange(len(frame)) - start) % every == 0)
        return frame.assign(time=frame["time"].where(~chosen, value))

    return change


def in_two_units(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(time=frame["time"] * np.where(np.arange(len(frame)) < 1000, 1, 1000))


def as_dates(value: str, every: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        texts = pd.to_datetime(frame["time"], unit="s").astype(str)
        return frame.assign(time=texts.where(np.arange(len(frame)) % every > 0, value))

    return change


NO_TIME: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], dict[str, Any], list[str]]] = {
    "zero for a missing time": (
        in_rows(0, 3),
        {},
        ["holds 0 in row 2", "epoch's start", "500 of 1,500 rows", "`relative_time = true`"],
    ),
    "zero late in the file": (in_rows(0, 50, start=1400), {}, ["holds 0 in row 1402", "2 of 1,500 rows"]),
    "minus one for a missing time": (in_rows(-1, 3), {}, ["holds -1 in row 2", "500 of 1,500 rows", "1969-12-31"]),
    "two units": (
        in_two_units,
        {},
        ["holds 1700", "in row 1002", "rows that fit 'ms': 500, 's': 1,000", "in one unit"],
    ),
    "milliseconds read as seconds": (
        lambda frame: frame.assign(time=frame["time"] * 1000),
        {},
        ["if it counts 'ms'", '`timestamp_unit = "ms"`'],
    ),
    "a few dates among seconds": (in_rows(20240531, 3), {}, ["holds 20240531 in row 2", "a date written as a number"]),
    "an hour as a date among seconds": (in_rows(2024053113, 700), {}, ["holds 2024053113 in row 2", '"%Y%m%d%H"']),
    "the largest 32-bit number for a missing time": (
        in_rows(2**31 - 1, 3),
        {},
        ["holds 2147483647 in row 2", "2038-01-19 03:14:07", "500 of 1,500 rows", "`relative_time = true`"],
    ),
    "the largest 32-bit number among dates": (
        as_dates("2038-01-19 03:14:07", 4),
        {"timestamp_unit": None},
        ["holds 2038-01-19 03:14:07 in row 2", "375 of 1,500 rows", "give every row its time"],
    ),
    "no time at all": (
        lambda frame: frame.assign(time=np.arange(len(frame)) * 1000),
        {},
        ["1,500 of 1,500 rows hold no date of our time", "1970-01-01", "`relative_time = true`"],
    ),
    "infinite": (lambda frame: frame.assign(time=frame["time"].astype(float)).pipe(in_rows(np.inf, 3)), {}, ["inf"]),
    "enormous": (in_rows(2**62, 3), {}, ["row 2", "beyond the calendar", "correct or drop"]),
    "the epoch among dates": (
        as_dates("1970-01-01 00:00:00", 4),
        {"timestamp_unit": None},
        ["holds 1970-01-01 00:00:00 in row 2", "375 of 1,500 rows", "give every row its time"],
    ),
    "the last day of the calendar among dates": (
        as_dates("2199-12-31 00:00:00", 4),
        {"timestamp_unit": None},
        ["2199-12-31", "row 2", "375 of 1,500 rows", "after 2098"],
    ),
    "the end of the century among dates": (
        as_dates("2099-12-31 00:00:00", 4),
        {"timestamp_unit": None},
        ["2099-12-31", "row 2", "375 of 1,500 rows", "after 2098"],
    ),
    "the year 1 among dates": (as_dates("0001-01-01 00:00:00", 4), {"timestamp_unit": None}, ["0001-01-01", "row 2"]),
    "the year 9999 among texts": (
        lambda frame: as_dates("9999-12-31T00:00:00Z", 4)(frame),
        {"timestamp_unit": None},
        ["9999-12-31 00:00:00 in row 2", "375 of 1,500 rows"],
    ),
    "day and month in doubt": (
        lambda frame: frame.assign(time=[f"0{1 + row % 9}/0{1 + row % 7}/2024" for row in range(len(frame))]),
        {"timestamp_unit": None},
        ["does not tell day and month apart", 'timestamp_format = "%d/%m/%Y %H:%M"'],
    ),
    "two orders": (
        lambda frame: frame.assign(time=["31/05/2024" if row < 9 else "05/31/2024" for row in range(len(frame))]),
        {"timestamp_unit": None},
        ["is text", "'31/05/2024' in row 2" , "other rows write the month first"],
    ),
    "a word among texts": (
        lambda frame: frame.assign(time=["soon" if row == 7 else "31/05/2024" for row in range(len(frame))]),
        {"timestamp_unit": None},
        ["'soon' in row 9", "other rows write the day first", "`missing`"],
    ),
    "a word among numbers": (
        lambda frame: frame.assign(time=["soon" if row == 7 else f"{1700000000 + row}" for row in range(len(frame))]),
        {},
        ["'soon' in row 9", "other rows hold numbers"],
    ),
    "numbers as text without a unit": (
        lambda frame: frame.assign(time=[f" {at} " for at in frame["time"]]),
        {"timestamp_unit": None},
        ["is a number: say `timestamp_unit"],
    ),
    "dates as text with a unit": (
        lambda frame: frame.assign(time=["31/05/2024"] * len(frame)),
        {},
        ["is a date already", "take it out"],
    ),
    "a time of day": (
        lambda frame: frame.assign(time=["13:45:00"] * len(frame)),
        {"timestamp_unit": None},
        ["is a time of day without a date", "name a column with both"],
    ),
    "not of the form that is named": (
        lambda frame: frame.assign(time=["20240540" if row == 3 else "20240531" for row in range(len(frame))]),
        {"timestamp_unit": None, "timestamp_format": "%Y%m%d"},
        ["'20240540' in row 5", "'%Y%m%d'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_TIME)
def test_what_is_no_time_is_refused_by_name_with_the_remedy(name: str, tmp_path: Path) -> None:
    change, changes, words = NO_TIME[name]
    with pytest.raises(api.DataError) as caught:
        encoded(describe(tmp_path, change(visits()), **changes))
    message = str(caught.value)
    assert "log.csv" in message
    assert "'time'" in message
    assert [word for word in words if word not in message] == [], message
    assert "\n" not in message


@pytest.mark.parametrize("block", [400, 1 << 25])
def test_all_times_are_judged_whatever_the_blocks(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtlbench_plugins.datasets._table_files.CSV_BLOCK", block)
    with pytest.raises(api.DataError, match=r"holds 0 in row 1402, .* as 2 of 1,500 rows do"):
        describe(tmp_path, in_rows(0, 50, start=1400)(visits()), timestamp="time").load(tmp_path)


def test_seconds_of_later_years_are_times(tmp_path: Path) -> None:
    frame = visits()
    frame["time"] += 20 * 365 * 86_400
    assert describe(tmp_path, frame).load(tmp_path).frame["time"].tolist() == (frame["time"] * 1000).tolist()


def test_relative_times_are_possible_when_said(tmp_path: Path) -> None:
    frame = visits()
    frame["time"] -= frame["time"].min()
    with pytest.raises(api.DataError, match=r"say `relative_time = true`"):
        encoded(describe(tmp_path, frame))
    relative, absolute = encoded(describe(tmp_path, frame, relative_time=True)), encoded(describe(tmp_path, visits()))
    assert relative.facts == absolute.facts
    assert relative.train.session.equal(absolute.train.session)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timestamp_format": "%Y%m%d"}, ["`timestamp_unit`", "`timestamp_format`", "keep one"]),
        ({"timestamp_unit": None, "timestamp_format": "%H:%M"}, ["'%H:%M'", "no year, month or day"]),
        ({"timestamp_unit": None, "timestamp_format": "%Q"}, ["'%Q'", "timestamp_format ="]),
        ({"timestamp_unit": None, "relative_time": True}, ["`relative_time`", "timestamp_unit ="]),
        ({"timestamp": None, "session_rule": None}, ["`timestamp_unit` without `timestamp`"]),
        ({"session": "time", "session_rule": None}, ["'time' is the timestamp and an id"]),
        ({"relative_time": "yes"}, ["`relative_time`", "relative_time = true"]),
    ],
)
def test_a_description_of_times_that_contradicts_itself_is_refused(
    changes: dict[str, Any], words: list[str], tmp_path: Path
) -> None:
    with pytest.raises(api.DataError) as caught:
        describe(tmp_path, visits(), **changes).load(tmp_path)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "kind", [pa.timestamp("s"), pa.timestamp("ns", "UTC"), pa.timestamp("us", "Asia/Tokyo"), pa.date32(), pa.date64()]
)
def test_every_kind_of_date_of_a_parquet_file_is_read(kind: pa.DataType, tmp_path: Path) -> None:
    frame = visits()
    moments = pa.array(frame["time"] * 1000).cast(pa.timestamp("ms"))
    column = moments.cast(kind, safe=False) if not getattr(kind, "tz", None) else moments.cast(pa.int64()).cast(
        pa.timestamp("ms", kind.tz)
    ).cast(kind)  # fmt: skip
    table = pa.table({**{name: pa.array(frame[name]) for name in frame}, "time": column})
    parquet.write_table(table, tmp_path / "log.parquet")
    log = describe(tmp_path, None, files="log.parquet", timestamp_unit=None).load(tmp_path)
    size = 86_400_000 if pa.types.is_date(kind) else 1
    assert log.frame["time"].tolist() == (frame["time"] * 1000 // size * size).tolist()


@pytest.mark.parametrize("kind", [pa.time32("s"), pa.time64("ns"), pa.duration("s")])
def test_a_time_without_a_date_is_refused_as_the_time_of_a_row(kind: pa.DataType, tmp_path: Path) -> None:
    frame = visits()
    column = (
        pa.array(np.arange(len(frame)) % 86_400).cast(pa.int32() if kind == pa.time32("s") else pa.int64()).cast(kind)
    )
    parquet.write_table(
        pa.table({**{name: pa.array(frame[name]) for name in frame}, "time": column}), tmp_path / "log.parquet"
    )
    with pytest.raises(api.DataError, match="without a date: name a column with both"):
        describe(tmp_path, None, files="log.parquet", timestamp_unit=None).load(tmp_path)


def test_a_log_of_days_sorted_by_label_is_split_evenly(tmp_path: Path) -> None:
    frame = visits()
    frame["time"] = frame["time"] // 86_400 * 86_400
    frame = frame.sort_values("click", kind="stable", ascending=False)
    splits = encoded(describe(tmp_path, frame, user=None, session_rule=None))
    rates = [float(split.labels[:, 0].mean()) for split in splits.parts().values()]
    assert rates == pytest.approx([frame["click"].mean()] * 3, abs=0.06)
    assert splits.facts["tied_at_the_start_of.test"] == pytest.approx(
        (frame["time"] == frame["time"].sort_values().iloc[1200]).mean()
    )


def test_the_form_of_dates_as_numbers_is_known_by_their_digits() -> None:
    for value, form in {
        20240531: "%Y%m%d",
        2024053113: "%Y%m%d%H",
        202405311345: "%Y%m%d%H%M",
        20240531134501: "%Y%m%d%H%M%S",
    }.items():
        found = date_format(np.array([value, 5]))
        assert found is not None
        assert (found[0], found[1].tolist()) == (form, [True, False])
    assert date_format(np.array([20241331, 20240532, 18991231, 20240531250000, 0.5])) is None
