"""Which column says when a row happened, and how its times are written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_clock import MS, PLAUSIBLE, Clock, date_format, to_milliseconds
from mtlbench_plugins.datasets._table_dates import DAY_MS, FORMS, parse, parse_as
from mtlbench_plugins.describing.sample import Sample

TIME = r"time|date|stamp|^t$|(^|_)(ts|at|dt|day|when)$"
"""Names of columns of times, among others."""
NAMED_TIME = r"^((event|log|click|view)_?)?(time|date|datetime|time_?stamp|ts)$"
"""Names of columns that can be nothing else."""
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
LIKE_A_DATE = (
    r"(?i)^\W*(?:[a-z]{3,9}\.?,? )?(?:\d{4}[-/_.]\d{1,2}[-/_.]\d{1,2}|\d{1,2}[-/_]\d{1,2}[-/_](?:\d{4}|\d{2})|"
    rf"\d{{4}}-W\d{{2}}|\d{{1,2}}[-/. ]+{MONTH}[-/., ]+\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{2,4}})(?!\d)"
)
"""Texts that a person takes for a date."""
MOST = 0.5
"""Share of dates among the numbers of a column of dates."""


@dataclass(frozen=True)
class Timestamp:
    """A column of times, and what its description must say of it."""

    name: str
    unit: str | None = None
    """Of a timestamp that is a number."""
    form: str | None = None
    """The codes of ``strptime``, for dates written as numbers."""


def find_timestamps(sample: Sample) -> list[Timestamp]:
    """The columns of times, first what is likely to be the time of each row: the one with the most different ones."""
    return sorted(_candidates(sample), key=lambda one: -sample.frame[one.name].nunique())


def _candidates(sample: Sample) -> Iterator[Timestamp]:
    """Dates, dates as numbers, and numbers of our time, which dates as numbers may be as well."""
    for name, kind in sample.kinds.items():
        if kind == "time":
            yield Timestamp(name)
    numbers = [name for name in sample.kinds if _is_number(sample, name) and re.search(TIME, name.lower())]
    for name in numbers:
        found = date_format(_numbers(sample.frame[name].dropna()))
        if found and found[1].mean() > MOST:
            yield Timestamp(name, form=found[0])
    for name in numbers:
        typical = sample.frame[name].median()
        for unit, factor in MS.items():
            if PLAUSIBLE[0] <= typical * factor < PLAUSIBLE[1]:
                yield Timestamp(name, unit=unit)


def milliseconds(sample: Sample, timestamp: Timestamp) -> "pd.Series[int]":
    """The times of the sample; a missing one, or one that is no date, is the earliest."""
    column = sample.frame[timestamp.name]
    seen = column.dropna()
    raw = _milliseconds(seen, timestamp)
    return pd.Series(raw, index=seen.index).reindex(column.index, fill_value=raw.min())


def complaint(sample: Sample, timestamp: Timestamp, first: int) -> str | None:
    """Why a study would refuse the times of the sample; ``first`` is the number of the first row of a file."""
    clock = Clock(timestamp.name, timestamp.unit, relative=False)
    seen = sample.frame[timestamp.name].dropna()
    numbers = _numbers(seen) if timestamp.unit else _milliseconds(seen, timestamp)
    start = 0
    for path, rows in sample.origins:
        inside = (seen.index >= start) & (seen.index < start + rows)
        if inside.any():
            clock.see(path, first, numbers[inside])
        start += rows
    try:
        clock.check()
    except DataError as error:
        return str(error)
    return None


def is_named_as_time(name: str) -> bool:
    """Whether the name says that the column is a time and nothing else."""
    return re.search(NAMED_TIME, name.lower()) is not None


def is_unread_time(name: str, column: "pd.Series[Any]") -> bool:
    """Whether most texts of a column are times by their look, or by its name, although they cannot be read as times."""
    texts = pd.Series(column.dropna().unique()).astype("str")
    pattern = r"\d" if is_named_as_time(name) else LIKE_A_DATE
    return bool(texts.str.contains(pattern, regex=True).mean() > MOST)


def are_days_alone(sample: Sample, timestamp: Timestamp) -> bool:
    """Whether the times say the day and no time of day, so that the order of rows within a day is not known."""
    times = milliseconds(sample, timestamp)
    return times.nunique() > 1 and (times % DAY_MS).nunique() == 1


def without_a_time(column: "pd.Series[Any]") -> tuple[int, str] | None:
    """In how many rows of a column of texts there is no time of the form that most rows have, and one of those texts.

    ``None`` where there is no such form.
    """
    counts = column.dropna().astype("str").value_counts()
    texts = pa.array(counts.index.to_numpy(), pa.string())
    rows = counts.to_numpy()
    fits = max((parse(texts, form).fits for form in FORMS), key=lambda fits: rows[fits].sum())
    if rows[fits].sum() <= MOST * rows.sum():
        return None
    return int(rows[~fits].sum()), str(counts.index[int(np.argmin(fits))])


def _milliseconds(seen: "pd.Series[Any]", timestamp: Timestamp) -> NDArray[np.int64]:
    if timestamp.form:
        times = parse_as(pa.array(_numbers(seen).astype(np.int64).astype(str)), timestamp.form)
        return np.where(times.fits, times.milliseconds, times.milliseconds[times.fits].min())
    if timestamp.unit:
        return to_milliseconds(_numbers(seen), timestamp.unit)
    return seen.to_numpy().astype("datetime64[ms]").astype(np.int64)


def _is_number(sample: Sample, name: str) -> bool:
    return sample.kinds[name] in {"integer", "number"} and pd.api.types.is_numeric_dtype(sample.frame[name])


def _numbers(seen: "pd.Series[Any]") -> NDArray[np.int64] | NDArray[np.float64]:
    whole: NDArray[np.int64] = seen.to_numpy(np.int64) if seen.dtype.kind in "iu" else seen.to_numpy(np.float64)
    return whole
