from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets.hotel_bookings import COUNTED, DATE, IDS, NUMBERS, HotelBookings


def dataset(**params: object) -> HotelBookings:
    return HotelBookings(HotelBookings.Params.model_validate(params))


def bookings(rows: int = 60) -> pd.DataFrame:
    """Bookings in the published columns that are used; each third was cancelled, and has no parking space."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({name: random.choice(["a", "b  "], rows) for name in (*IDS, "assigned_room_type")})
    frame["hotel"] = random.choice(["Resort Hotel", "City Hotel"], rows)
    for name in (*NUMBERS, *COUNTED.values()):
        frame[name] = random.integers(3, size=rows)
    frame["is_canceled"] = np.arange(rows) % 3 == 0
    frame["is_canceled"] = frame["is_canceled"].astype(int)
    frame.loc[frame["is_canceled"] == 1, "required_car_parking_spaces"] = 0
    frame["adr"] = np.linspace(-10, 600, rows)
    frame["arrival_date_year"], frame["arrival_date_month"] = 2016, random.choice(["July", "August"], rows)
    frame["arrival_date_day_of_month"] = random.integers(1, 29, size=rows)
    frame["agent"] = random.choice(["9", "NULL"], rows)
    frame["children"] = random.choice(["2", "NA"], rows)
    return frame


def write(root: Path, frame: pd.DataFrame) -> Path:
    (root / "hotel-bookings").mkdir()
    frame.to_csv(root / "hotel-bookings" / "hotel_bookings.csv.gz", index=False)
    return root


def test_tasks_are_what_was_recorded_after_the_booking(tmp_path: Path) -> None:
    raw = bookings()
    frame = dataset(parking="all").load(write(tmp_path, raw)).frame
    for task, column in COUNTED.items():
        assert frame[task].tolist() == (raw[column] > 0).astype(int).tolist()
    assert frame["cancelled"].tolist() == raw["is_canceled"].tolist()
    same_room = raw["reserved_room_type"].str.strip() == raw["assigned_room_type"].str.strip()
    assert frame["other_room"].tolist() == (~same_room).astype(int).tolist()
    assert (frame["adr"].min(), frame["adr"].max()) == (0, 500)


@pytest.mark.parametrize("column", ["reserved_room_type", "assigned_room_type"])
def test_a_booking_without_a_type_of_room_is_refused(column: str, tmp_path: Path) -> None:
    raw = bookings()
    raw.loc[3, column] = "NULL"
    with pytest.raises(api.DataError, match=rf"hotel_bookings.csv.gz: line 5 has no {column}"):
        dataset().load(write(tmp_path, raw))


def test_parking_is_observed_where_the_booking_was_not_cancelled(tmp_path: Path, cache_dir: Path) -> None:
    write(tmp_path, bookings())
    splits = load(dataset(), tmp_path, cache_dir)
    place = splits.schema.task_names.index("parking")
    cancelled, parking = (
        np.concatenate([split.labels[:, one].numpy() for split in splits.parts().values()]) for one in (0, place)
    )
    assert (np.isnan(parking) == (cancelled == 1)).all()
    assert splits.warnings == ()
    every = load(dataset(parking="all"), tmp_path, cache_dir)
    assert not any(split.labels.isnan().any() for split in every.parts().values())


def test_what_is_known_later_is_no_input(tmp_path: Path) -> None:
    log = dataset().load(write(tmp_path, bookings()))
    later = {"reservation_status", "reservation_status_date", "assigned_room_type", "booking_changes", "deposit_type"}
    later |= {"country", "days_in_waiting_list", "is_canceled", "adr", *COUNTED.values()}
    assert later.isdisjoint([*log.categorical, *log.numerical])


def test_words_for_missing_are_missing_and_blanks_around_ids_are_not_read(tmp_path: Path) -> None:
    raw = bookings()
    frame = dataset().load(write(tmp_path, raw)).frame
    assert frame["agent"].isna().tolist() == (raw["agent"] == "NULL").tolist()
    assert frame["children"].isna().tolist() == (raw["children"] == "NA").tolist()
    assert set(frame["meal"].cat.categories) == {"a", "b"}


def test_time_is_the_day_of_arrival(tmp_path: Path) -> None:
    raw = bookings()
    frame = dataset().load(write(tmp_path, raw)).frame
    days = pd.to_datetime(frame["arrival_ms"], unit="ms")
    assert days.dt.day.tolist() == raw["arrival_date_day_of_month"].tolist()
    assert days.dt.month_name().tolist() == raw["arrival_date_month"].tolist()


def test_a_day_that_no_month_has_is_refused(tmp_path: Path) -> None:
    raw = bookings()
    raw.loc[7, list(DATE)] = [2016, "June", 31]
    with pytest.raises(api.DataError, match="line 9 arrives on 31 June 2016"):
        dataset().load(write(tmp_path, raw))


def test_an_absent_file_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match=r"lacks hotel_bookings\.csv.*doi\.org/10\.1016"):
        dataset().files(tmp_path)
