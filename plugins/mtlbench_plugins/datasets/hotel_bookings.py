"""Hotel bookings: what became of them, what guests asked for, and the price of a night."""

from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from mtlbench import api
from mtlbench_plugins.datasets import _files

FOLDER = "hotel-bookings"
PAGE = "https://doi.org/10.1016/j.dib.2018.11.126"
FILE = "hotel_bookings.csv"

DATE = ("arrival_date_year", "arrival_date_month", "arrival_date_day_of_month")
IDS = (
    "hotel",
    "arrival_date_month",
    "meal",
    "market_segment",
    "distribution_channel",
    "is_repeated_guest",
    "reserved_room_type",
    "agent",
    "company",
    "customer_type",
)
NUMBERS = (
    "lead_time",
    "stays_in_weekend_nights",
    "stays_in_week_nights",
    "adults",
    "children",
    "babies",
    "previous_cancellations",
    "previous_bookings_not_canceled",
)
CANCELLED, RESERVED, ASSIGNED, PRICE = "is_canceled", "reserved_room_type", "assigned_room_type", "adr"
COUNTED = {
    "changed": "booking_changes",
    "parking": "required_car_parking_spaces",
    "request": "total_of_special_requests",
}
"""Tasks that are 1 where a column is above 0."""
HIGHEST_PRICE = 500
MISSING = ("NULL", "NA")


class HotelBookings(api.Dataset):
    """Bookings of two hotels in Portugal that arrived from July 2015 to August 2017; six tasks, one of them a price.

    Antonio, de Almeida and Nunes, "Hotel booking demand datasets", Data in Brief 22 (2019),
    https://doi.org/10.1016/j.dib.2018.11.126, licence CC BY 4.0. Below the data folder, plain or gzipped:
    ``hotel-bookings/hotel_bookings.csv``, which holds both hotels of the article, 40,060 and 79,330 bookings.

    Rows: bookings. 31,994 equal another in every column. They are kept, for there is no booking id: they may be
    different bookings, as the rooms of a group.

    Tasks, parallel: ``cancelled`` (or no show); ``changed``, the booking was changed; ``parking``, a parking space was
    asked for; ``request``, something else was asked for; ``other_room``, the guest got another type of room than the
    reserved one; ``adr``, the average price of a night, ``nonnegative``, cut at 0 and 500 (one booking has a price
    below, three above). No cancelled booking has a parking space, so by default ``parking`` is observed only where the
    booking was not cancelled. With ``parking=all`` it is of all rows, and 0 in those.

    Inputs: hotel, month, meal, market segment, channel, repeated guest, reserved type of room, agent, company, kind of
    customer; as numbers days between booking and arrival, nights at weekends and in the week, adults, children, babies,
    and the guest's earlier bookings, cancelled and kept.

    Left out as leakage: reservation_status and its date, which say what became of the booking; assigned_room_type,
    booking_changes and the other tasks; deposit_type, whose value "Non Refund" nearly says cancelled; country, which is
    set to Portugal until the guest arrives; days_in_waiting_list, which ends after the booking. Left out as useless
    under a split by time: year, week and day.

    Time: the day of arrival; bookings of one day have the same time. Sessions and users: none is published.
    """

    name, label = "hotel-bookings", "Hotel bookings"
    folder = FOLDER
    publications = (
        api.Publication(
            page=PAGE,
            licence="CC BY 4.0",
            licence_page="https://creativecommons.org/licenses/by/4.0/",
            size=16_900_000,
            by_hand=(
                "The article has the hotels in two files with other column names. hotel_bookings.csv, of both, is on "
                "Kaggle (https://www.kaggle.com/datasets/jessemostipak/hotel-booking-demand, an account is needed). "
                f"Put it into the data folder as {FOLDER}/{FILE}, plain or with .gz."
            ),
            facts={
                "rows": 119_390,
                "rows.resort": 40_060,
                "rows.city": 79_330,
                "cancelled": 44_224,
                "changed": 18_076,
                "parking": 7_416,
                "request": 49_072,
                "other_room": 14_917,
                "cancelled_with_parking": 0,
                "rate.cancelled": (0.3695, 0.3705),
                "rate.adr": (101.7, 101.9),
            },
        ),
    )

    class Params(api.Params):
        """Parameters of ``hotel-bookings``."""

        parking: Literal["stayed", "all"] = Field(
            "stayed", description="rows in which parking is observed: bookings not cancelled, or all"
        )
        min_count: int = Field(1, ge=1, description="ids rarer than this in the training split are unknown")

    params: Params

    def files(self, root: Path) -> list[Path]:
        """The one file of both hotels."""
        return _files.published(self, root, [FILE])

    def load(self, root: Path) -> api.Log:
        """Read the bookings, and make the tasks of what was recorded after them."""
        raw = self._raw(root)
        frame = raw[[*IDS, *NUMBERS]].copy()
        frame["arrival_ms"] = _milliseconds(raw, self.files(root)[0])
        frame["cancelled"] = raw[CANCELLED]
        for task, column in COUNTED.items():
            frame[task] = (raw[column] > 0).astype("int64")
        frame["other_room"] = (raw[RESERVED].astype("str") != raw[ASSIGNED].astype("str")).astype("int64")
        frame["adr"] = raw[PRICE].clip(0, HIGHEST_PRICE)
        counts = {task: int(frame[task].sum()) for task in ("cancelled", *COUNTED, "other_room")}
        resort = int((raw["hotel"] == "Resort Hotel").sum())
        stayed = frame["cancelled"] == 0
        with_parking = int(frame.loc[~stayed, "parking"].sum())
        if self.params.parking == "stayed":
            frame["parking"] = frame["parking"].where(stayed)
        observed = "not cancelled" if self.params.parking == "stayed" else None
        return api.Log(
            frame=frame,
            tasks=(
                api.Task("cancelled"),
                api.Task("changed"),
                api.Task("parking", observed=observed),
                api.Task("request"),
                api.Task("other_room"),
                api.Task("adr", "nonnegative"),
            ),
            categorical=IDS,
            numerical=NUMBERS,
            timestamp="arrival_ms",
            min_count=self.params.min_count,
            facts={
                "rows.resort": resort,
                "rows.city": len(raw) - resort,
                **counts,
                "cancelled_with_parking": with_parking,
            },
        )

    def _raw(self, root: Path) -> pd.DataFrame:
        """The columns that are used; ids without the blanks that pad them in some copies."""
        counts = (CANCELLED, *COUNTED.values())
        texts = (*IDS, ASSIGNED, "children", *DATE)
        types = {
            **dict.fromkeys(texts, _files.CATEGORY),
            **dict.fromkeys(counts, _files.INTEGER),
            **dict.fromkeys((*NUMBERS, PRICE), _files.NUMBER),
            "children": _files.CATEGORY,
        }
        raw = _files.read(self.files(root)[0], types, complete=[*counts, PRICE, ASSIGNED, *DATE])
        for name in texts:
            stripped = raw[name].astype("str").str.strip()
            raw[name] = stripped.mask(stripped.isin(MISSING)).astype("category")
        for name in (RESERVED, ASSIGNED):
            if raw[name].isna().any():
                row = int(raw[name].isna().to_numpy().argmax())
                raise api.DataError(
                    f"{self.files(root)[0]}: line {row + 2} has no {name}, so it is not known whether the guest got "
                    "another room; fetch the file again"
                )
        raw["children"] = pd.to_numeric(raw["children"], errors="coerce")
        return raw


def _milliseconds(raw: pd.DataFrame, path: Path) -> "pd.Series[int]":
    """The day of arrival, at midnight."""
    year, month, day = (raw[name].astype("str") for name in DATE)
    dates = pd.to_datetime(day + " " + month + " " + year, format="%d %B %Y", errors="coerce")
    if dates.isna().any():
        place = int(dates.isna().to_numpy().argmax())
        raise api.DataError(
            f"{path}: line {place + 2} arrives on {day[place]} {month[place]} {year[place]}, which is no date; fetch "
            "the file again"
        )
    return dates.astype("datetime64[ms]").astype("int64")
