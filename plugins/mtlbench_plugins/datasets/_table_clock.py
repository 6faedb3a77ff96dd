"""Whether the times of a log are times: judged by all of them, once all are seen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlbench.api import DataError

MS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
PER_MS = {"us": 1000, "ns": 1_000_000}
LAST_MS = 2**53
"""The most milliseconds that a float counts exactly."""
PLAUSIBLE = (631_152_000_000, 4_070_908_800_000)
"""Milliseconds: 1990 to 2098, our time. Numbers of another unit, and what stands for a missing time (2099-12-31), lie
outside."""
WRITTEN = (31_536_000_000, 4_070_908_800_000)
"""Milliseconds: 1971 to 2098, the same for dates that are written out: no unit can be wrong there."""
HOURS = "%Y%m%d%H"
FIRST_HOUR = 1_990_010_100
"""1990 in this form, and January 2033 as seconds: such dates are plausible counts of seconds."""
LAST_SECOND = 2**31 - 1
"""The largest integer of 32 bits, which stands for a missing time or for none."""
DATE_DIGITS = {8: "%Y%m%d", 10: HOURS, 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}
"""Dates written as one number, by its digits."""

Numbers = NDArray[np.int64] | NDArray[np.float64]


def to_milliseconds(raw: Numbers, unit: str) -> NDArray[np.int64]:
    """Times counted in ``unit`` as milliseconds, rounded down; at most ``LAST_MS`` of them."""
    if raw.dtype.kind == "f":
        scaled: NDArray[np.float64] = np.floor(np.clip(raw * MS[unit], -LAST_MS, LAST_MS))
        return scaled.astype(np.int64)
    integers = raw.astype(np.int64)
    if unit in PER_MS:
        return integers // PER_MS[unit]
    furthest = LAST_MS // int(MS[unit])
    return np.clip(integers, -furthest, furthest) * int(MS[unit])


def date_format(raw: Numbers) -> tuple[str, NDArray[np.bool_]] | None:
    """The form of dates that are written as numbers, and which of ``raw`` are; ``None`` where hardly any is."""
    best = max(DATE_DIGITS, key=lambda digits: int(_are_dates(raw, digits).sum()))
    found = _are_dates(raw, best)
    return (DATE_DIGITS[best], found) if found.any() else None


def _are_dates(raw: Numbers, digits: int) -> NDArray[np.bool_]:
    inside = (raw >= 10.0 ** (digits - 1)) & (raw < 10.0**digits)
    whole = np.where(inside, raw, 0).astype(np.int64)
    date, clock = whole // 10 ** (digits - 8), whole % 10 ** (digits - 8) * 10 ** (17 - digits)
    year, month, day = date // 10_000, date // 100 % 100, date % 100
    hour, minute, second = clock // 10**7, clock // 10**5 % 100, clock // 1000 % 100
    fits = (year >= 1990) & (year < 2099) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    return inside & (whole == raw) & fits & (hour < 24) & (minute < 60) & (second < 60)


@dataclass
class _Found:
    """Rows of one kind: how many, and the first of them."""

    rows: int
    path: Path
    row: int
    value: float


class Clock:
    """All times of a log, whose column is ``name``: numbers in ``unit``, or dates, in milliseconds, without one."""

    def __init__(self, name: str, unit: str | None, relative: bool) -> None:
        self._name, self._unit, self._relative = name, unit, relative
        self._last = LAST_SECOND * 1000 / MS[unit or "ms"]
        self._rows = 0
        self._found: dict[str, _Found] = {}

    def see(self, path: Path, first: int, raw: Numbers) -> None:
        """Take in the times of a block of ``path`` that begins at row ``first``."""
        self._rows += len(raw)
        low, high = self._bounds(self._unit)
        doubtful = FIRST_HOUR if self._unit == "s" else self._last
        if self._relative or not len(raw) or (raw.min() >= low and raw.max() < min(high, doubtful)):
            return
        outside = (raw < low) | (raw >= high)
        kinds = {"outside": outside, "zero": raw == 0, "last": raw == self._last}
        kinds["late"] = ~outside & (raw >= doubtful)
        for unit in MS if self._unit else ():
            start, end = self._bounds(unit)
            kinds[unit] = outside & (raw >= start) & (raw < end)
        if self._unit and (dates := date_format(raw)):
            kinds[dates[0]] = dates[1]
        for kind, rows in kinds.items():
            self._count(kind, rows, path, first, raw)

    def check(self) -> None:
        """Refuse times that are none.

        Raises:
            DataError: naming file, column, row and remedy.
        """
        late, hours = self._found.get("late"), self._found.get(HOURS)
        if late and hours and hours.rows * 2 >= late.rows:
            raise DataError(self._say(hours, self._as_dates(HOURS)))
        if last := self._found.get("last"):
            raise DataError(self._say(last, self._missing(last, "the largest 32-bit number of seconds")))
        outside = self._found.get("outside")
        if outside is None:
            return
        inside = self._rows - outside.rows
        kinds = {kind: found for kind, found in self._found.items() if found.rows * 2 >= outside.rows}
        form = next((form for form in DATE_DIGITS.values() if form in kinds), None)
        unit = next((unit for unit in MS if unit in kinds), None)
        if form:
            raise DataError(self._say(kinds[form], self._as_dates(form)))
        if unit:
            raise DataError(self._say(kinds[unit], self._other_unit(unit, kinds[unit], inside)))
        if "zero" in kinds and (inside or not self._unit):
            raise DataError(self._say(kinds["zero"], self._missing(kinds["zero"], "the epoch's start")))
        if inside or self._unit:
            raise DataError(self._say(outside, self._no_date(outside, inside)))

    def _bounds(self, unit: str | None) -> tuple[float, float]:
        if unit is None:
            return WRITTEN
        return PLAUSIBLE[0] / MS[unit], PLAUSIBLE[1] / MS[unit]

    def _count(self, kind: str, rows: NDArray[np.bool_], path: Path, first: int, raw: Numbers) -> None:
        if rows.any():
            place = int(rows.argmax())
            known = self._found.setdefault(kind, _Found(0, path, first + place, raw[place].item()))
            known.rows += int(rows.sum())

    def _say(self, found: _Found, what: str) -> str:
        held = f"{found.value:.0f}" if self._unit else _moment(found.value)
        return f"{found.path}: timestamp {self._name!r} holds {held} in row {found.row}, {what}"

    def _as_dates(self, form: str) -> str:
        return (
            f"which is a date written as a number and no count of {self._unit!r}: take `timestamp_unit` out and set "
            f'`timestamp_format = "{form}"`'
        )

    def _other_unit(self, unit: str, found: _Found, inside: int) -> str:
        assert self._unit
        day = _moment(found.value * MS[unit])[:10]
        if not inside:
            return (
                f"which is in {day} if it counts {unit!r}, and no date of our time in {self._unit!r}: set "
                f'`timestamp_unit = "{unit}"`'
            )
        return (
            f"which is in {day} if it counts {unit!r} (rows that fit {unit!r}: {found.rows:,}, {self._unit!r}: "
            f"{inside:,}); write all times in one unit"
        )

    def _missing(self, found: _Found, what: str) -> str:
        moment = _moment(found.value * MS[self._unit or "ms"])
        relative = (
            "" if self._unit is None else "; if times count from a start of their own, say `relative_time = true`"
        )
        return (
            f"{what} ({moment}), as {found.rows:,} of {self._rows:,} rows do: that stands for a missing time; give "
            f"every row its time, or drop these rows{relative}"
        )

    def _no_date(self, found: _Found, inside: int) -> str:
        if self._unit is None:
            return (
                f"and {found.rows:,} of {self._rows:,} rows hold a time before 1971 or after 2098: correct or drop them"
            )
        return (
            f"which is {_moment(found.value * MS[self._unit])} in {self._unit!r}; {found.rows:,} of {self._rows:,} "
            f"rows hold no date of our time (1990 to 2098) in {'it' if inside else 'any unit'}: correct or drop them; "
            "if times count from a start of their own, say `relative_time = true`"
        )


def _moment(milliseconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "beyond the calendar"
