"""Dates and times written as text, read wherever a person would read them without a doubt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS = 86_400_000, 3_600_000, 60_000, 1000

FRACTION = r"(?P<fraction>\d{1,9})"
CLOCK = (
    rf"(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}})(?:[.,]{FRACTION})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
ZONE = r"(?: ?(?P<zone>[Zz]|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?)(?:\[[\w/+-]+\])?(?: \([\w ]+\))?)?"
WEEKDAY = r"(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"
MONTH = r"(?P<month>(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))[a-z]*\.?"
END = rf"(?:(?:T|:|,? (?:at )?){CLOCK}{ZONE})?$"
TWO = r"(?P<{}>\d{{1,2}})"
YEAR = r"(?P<year>\d{4})"

FORMS: Mapping[str, tuple[str, ...]] = {
    "year first": (
        rf"^{YEAR}[-/.年]{TWO.format('month')}[-/.月]{TWO.format('day')}日?{END}",
        r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
        rf"(?:[T ]?(?P<hour>\d{{2}}):?(?P<minute>\d{{2}})(?::?(?P<second>\d{{2}})(?:[.,]{FRACTION})?)?{ZONE})?$",
    ),
    "day first": (rf"^{WEEKDAY}{TWO.format('day')}[-/. ]{TWO.format('month')}[-/. ]{YEAR}{END}",),
    "month first": (rf"^{WEEKDAY}{TWO.format('month')}[-/. ]{TWO.format('day')}[-/. ]{YEAR}{END}",),
    "month in words": (
        rf"^{WEEKDAY}{TWO.format('day')}(?:st|nd|rd|th)?[-/. ](?:of )?{MONTH}[-/., ] ?{YEAR}{END}",
        rf"^{WEEKDAY}{MONTH} {TWO.format('day')}(?:st|nd|rd|th)?,? {YEAR}{END}",
        rf"^{WEEKDAY}{MONTH}  ?{TWO.format('day')} {CLOCK}{ZONE} {YEAR}$",
    ),
}
"""What may stand in a column of times, by what a column keeps to."""


@dataclass(frozen=True)
class Times:
    """Texts as times."""

    milliseconds: NDArray[np.int64]
    """Since the epoch; UTC where a text names no zone."""
    fits: NDArray[np.bool_]
    """Whether the text is such a time."""
    zoned: NDArray[np.bool_]
    """Whether the text names its zone."""


def parse(texts: pa.Array, form: str) -> Times:
    """The times that ``texts``, none of them missing, are in one of :data:`FORMS`."""
    texts = pc.utf8_trim_whitespace(texts.cast(pa.string()))
    found = Times(np.zeros(len(texts), np.int64), np.zeros(len(texts), bool), np.zeros(len(texts), bool))
    for pattern in FORMS[form]:
        if found.fits.all():
            break
        _fill(found, texts, pattern)
    return found


def parse_as(texts: pa.Array, form: str) -> Times:
    """The times that ``texts``, none of them missing, are under a ``form`` in the codes of ``strptime``."""
    plain = pd.Series(texts.to_pandas()).astype("str").str.strip()
    times = pd.to_datetime(plain, format=form, errors="coerce", utc=True)
    milliseconds = times.dt.tz_localize(None).astype("datetime64[ms]").to_numpy().astype(np.int64)
    return Times(milliseconds, times.notna().to_numpy(), np.full(len(plain), "%z" in form))


def _fill(found: Times, texts: pa.Array, pattern: str) -> None:
    """Put in what ``pattern`` reads."""
    parts = pc.extract_regex(texts, pattern=pattern)
    rows = np.flatnonzero(np.asarray(pc.is_valid(parts)) & ~found.fits)
    if not len(rows):
        return
    parts = parts.take(pa.array(rows))
    names = {parts.type.field(place).name for place in range(parts.type.num_fields)}

    def text(name: str) -> pa.Array:
        return pc.struct_field(parts, name) if name in names else pa.array([""] * len(rows))

    def number(name: str) -> NDArray[np.int64]:
        digits = text(name)
        filled = pc.if_else(pc.equal(digits, ""), "0", digits)
        return np.asarray(filled.cast(pa.int64()), dtype=np.int64)

    month = _month(text("month"))
    first = (number("year") - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1).astype(
        "timedelta64[M]"
    )
    days = first.astype("datetime64[D]").astype(np.int64)
    length = (first + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - days
    day, minute, second = number("day"), number("minute"), number("second")
    hour, hour_fits = _hour(number("hour"), np.asarray(text("half").to_pylist()))
    fraction = np.asarray(pc.utf8_slice_codeunits(pc.utf8_rpad(text("fraction"), 3, "0"), 0, 3).cast(pa.int64()))
    offset, zoned = _offset(text("zone"))

    fits = (month >= 1) & (month <= 12) & (day >= 1) & (day <= length) & hour_fits & (minute < 60) & (second < 60)
    clock = hour * HOUR_MS + (minute - offset) * MINUTE_MS + second * SECOND_MS + fraction
    found.milliseconds[rows[fits]] = ((days + day - 1) * DAY_MS + clock)[fits]
    found.zoned[rows[fits]] = zoned[fits]
    found.fits[rows[fits]] = True


def _month(texts: pa.Array) -> NDArray[np.int64]:
    return _by_text(texts, lambda text: int(text) if text.isdigit() else 1 + MONTHS.index(text.lower()))


def _hour(hour: NDArray[np.int64], half: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Hours of the day, and whether they are hours."""
    halved = half != ""
    of_day = np.where(halved, hour % 12 + 12 * np.char.equal(np.char.lower(half), "p"), hour)
    return of_day, np.where(halved, (hour >= 1) & (hour <= 12), hour < 24)


def _offset(zones: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Minutes that a zone is ahead of UTC, and whether one is named."""

    def minutes(zone: str) -> int:
        digits = zone.removeprefix("UTC").removeprefix("GMT").replace(":", "")
        if digits[:1] not in {"+", "-"}:
            return 0
        ahead = 60 * int(digits[1:3]) + int(digits[3:5] or 0)
        return -ahead if digits[0] == "-" else ahead

    return _by_text(zones, minutes), np.asarray(pc.not_equal(zones, ""))


def _by_text(texts: pa.Array, value: Callable[[str], int]) -> NDArray[np.int64]:
    """A number for each text, found once for each that is different."""
    encoded = texts.dictionary_encode()
    values = np.array([value(text) for text in encoded.dictionary.to_pylist()], dtype=np.int64)
    return values[np.asarray(encoded.indices)]
