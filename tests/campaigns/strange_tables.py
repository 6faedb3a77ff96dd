"""Tables as users' systems write them, beside what each row truly says, which mtlbench never sees."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv, parquet

MINUTE, DAY = 60_000, 86_400_000
PER_MS = {"s": 1 / 1000, "ms": 1, "us": 1000, "ns": 1_000_000}
LONG_NAME = 1_000_000


@dataclass
class Input:
    """One table, its description, and what is true of it."""

    truth: pd.DataFrame
    """user, item, session: whole numbers, -1 where missing; time in milliseconds; labels; price. In file order."""
    written: dict[str, Any]
    """Column -> its values as they are written: texts for CSV, Arrow arrays for Parquet."""
    keys: dict[str, Any]
    """Of the description."""
    kind: str
    parquet: bool
    refusals: list[str] = field(default_factory=list)
    """Patterns, one of which the refusal must have; none: it must be accepted."""
    doubts: list[str] = field(default_factory=list)
    """Patterns of refusals that are right too."""
    warnings: list[str] = field(default_factory=list)
    """Patterns that its warnings must have."""
    encoding: str = "utf-8"
    inexact: bool = False
    """Whether ids were floats too large to be exact, so that nobody can say which are the same."""
    files: int = 1

    def write(self, folder: Path) -> Path:
        """Files and description; gives the latter."""
        folder.mkdir(parents=True)
        bounds = np.linspace(0, len(self.truth), self.files + 1).astype(int)
        for number, (start, stop) in enumerate(pairwise(bounds)):
            part = {name: _part(values, start, stop) for name, values in self.written.items()}
            if self.parquet:
                table = pa.table({name: _unchunked(values) for name, values in part.items()})
                parquet.write_table(table, folder / f"part{number}.parquet")
            else:
                (folder / f"part{number}.csv").write_bytes(_csv(part).encode(self.encoding, "surrogatepass"))
        lines = [f"{key} = {_toml(value)}" for key, value in {"files": ".", **self.keys}.items()]
        path = folder / "log.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


@dataclass
class Pieces:
    """A column that is in pieces, one for each file, which may differ in type."""

    pieces: list[pa.Array]


def _part(values: Any, start: int, stop: int) -> Any:
    if isinstance(values, Pieces):
        whole, begun = values.pieces, 0
        for piece in whole:
            if begun == start and len(piece) == stop - start:
                return piece
            begun += len(piece)
        raise AssertionError("pieces that are not the files")
    return values[start:stop]


def _unchunked(values: Any) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(list(values))


def _csv(part: dict[str, Any]) -> str:
    table = pa.table({name: pa.array(list(map(str, values)), pa.string()) for name, values in part.items()})
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue().to_pybytes().decode()


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def truth(draw: random.Random, fewest: int = 120) -> pd.DataFrame:
    """A log of some weeks: times at least a minute apart, a third of them clicks, half of these purchases."""
    rows = draw.randint(fewest, 3 * fewest)
    numpy = np.random.default_rng(draw.randrange(2**32))
    gaps = numpy.choice([1, 2, 7, 31, 400], size=rows) * MINUTE
    start = draw.randrange(800_000_000, 1_900_000_000) // 60 * MINUTE
    click = np.arange(rows) % 3 == numpy.integers(3)
    user = numpy.integers(draw.randint(2, 40), size=rows)
    time = start + np.cumsum(gaps)
    return pd.DataFrame(
        {
            "user": user,
            "item": numpy.integers(-1, draw.randint(3, 60), size=rows),
            "session": 1000 * user + np.arange(rows) // 25,
            "time": time,
            "click": click.astype(int),
            "buy": (click & (np.cumsum(click) % 2 == 0)).astype(int),
            "price": numpy.normal(size=rows).round(3),
        }
    )


def plain(kind: str, draw: random.Random, rows: pd.DataFrame | None = None) -> Input:
    """A table that nobody would stumble over."""
    frame = truth(draw) if rows is None else rows
    frame = frame.sample(frac=1, random_state=draw.randrange(2**32), ignore_index=True)
    in_parquet = draw.random() < 0.5
    written: dict[str, Any] = {
        name: frame[name].tolist() for name in ("user", "item", "session", "click", "buy", "price")
    }
    written["time"] = (frame["time"] // 1000).tolist()
    item = [None if value < 0 else value for value in frame["item"]]
    written["item"] = pa.array(item, pa.int64()) if in_parquet else ["" if value is None else value for value in item]
    keys: dict[str, Any] = {
        "tasks": ["click", "buy"],
        "categorical": ["user", "item"],
        "numerical": ["price"],
        "timestamp": "time",
        "timestamp_unit": "s",
        "user": "user",
        "session": "session",
    }
    return Input(frame, written, keys, kind, in_parquet)


# Identity.


def sessions_of_users(draw: random.Random) -> Input:
    """Session numbers that restart for each user, or sessions by rule, with or without a user."""
    given = plain("session ids that restart", draw)
    frame = given.truth
    by_time = frame.sort_values("time", kind="stable")
    numbers = by_time.groupby("user").cumcount() // draw.randint(2, 9)
    choice = draw.randrange(4)
    if choice < 2:
        given.written["session"] = numbers.reindex(frame.index).tolist()
        frame["session"] = frame["user"] * 100_000 + numbers.reindex(frame.index)
        if choice == 1:  # without a user, equal ids are one session
            del given.keys["user"]
            frame["session"] = numbers.reindex(frame.index)
    else:
        minutes = draw.choice([1, 5, 30, 300])
        rule = draw.choice(["user", "user-day", f"user-gap{minutes}m"])
        del given.keys["session"]
        given.keys["session_rule"] = rule
        day = frame["time"] // DAY
        pause = by_time.groupby("user")["time"].diff().fillna(0) > minutes * MINUTE
        number = pause.groupby(by_time["user"]).cumsum().reindex(frame.index)
        frame["session"] = frame["user"] * 10**9 + {"user": 0, "user-day": day}.get(rule, number)
    return given


def ids(draw: random.Random) -> Input:
    """The same ids in several spellings and types, across rows, files and kinds of files."""
    given = plain("ids in several spellings", draw)
    frame = given.truth
    offset = draw.choice([0, 0, 1, 10**6, 10**10, 10**10 - 20, 2**31 - 10, 2**53 - 100, 2**53 + 10, 2**63 - 10, 2**63])
    column = draw.choice(["user", "item", "session"])
    values = [None if value < 0 else int(value) + offset for value in frame[column]]
    given.files = draw.randint(1, 3)
    if not given.parquet:
        spell = [_csv_spelling(draw, values) for _ in range(draw.randint(1, 3))]
        missing = draw.choice(["", "NaN", "nan", "NULL", "None", "N/A", r"\N"])
        given.written[column] = [missing if value is None else draw.choice(spell)(value) for value in values]
        given.inexact = any(one in (_exponent, _point_exponent) for one in spell) and offset + 10**6 >= 2**53
        given.inexact |= any(one is _with_point for one in spell) and offset + 10**6 >= 2**53
        if given.inexact:
            given.warnings = []
        return given
    bounds = np.linspace(0, len(frame), given.files + 1).astype(int)
    pieces, families = [], set()
    for start, stop in pairwise(bounds):
        piece, family, inexact = _arrow_spelling(draw, values[start:stop], offset)
        pieces.append(piece)
        families.add(family)
        given.inexact |= inexact
    given.written[column] = Pieces(pieces)
    if len(families) > 1:
        given.warnings.append(f"column '{column}' is .* check that they mean the same")
    if given.inexact:
        given.warnings.append("floats too large to be exact")
    return given


def _exponent(value: int) -> str:
    return f"{Decimal(value).normalize():e}" if value >= 10 else str(value)


def _point_exponent(value: int) -> str:
    text = f"{Decimal(value):.25e}"
    mantissa, power = text.split("e")
    return f"{mantissa.rstrip('0') or '0'}e{power}".replace(".e", ".0e")


def _with_point(value: int) -> str:
    return f"{value}.0"


def _csv_spelling(draw: random.Random, values: Sequence[int | None]) -> Callable[[int], str]:
    return draw.choice([str, str, _with_point, lambda value: f"{value}.", lambda value: f"{value}.000", _exponent,
                        _point_exponent])  # fmt: skip


def _arrow_spelling(draw: random.Random, values: Sequence[int | None], offset: int) -> tuple[pa.Array, str, bool]:
    largest = max((value for value in values if value is not None), default=0)
    kinds: list[tuple[pa.DataType, str]] = [(pa.float64(), "floats"), (pa.string(), "text")]
    kinds += [(pa.large_string(), "text"), (pa.decimal128(38, 0), "floats"), (pa.decimal128(38, 2), "floats")]
    kinds += [(pa.uint64(), "integers")]
    if largest < 2**63:
        kinds += [(pa.int64(), "integers")] * 2
    if largest < 2**31:
        kinds += [(pa.int32(), "integers"), (pa.uint32(), "integers")]
    if largest < 2**24:
        kinds += [(pa.float32(), "floats")]
    if largest < 100:
        kinds += [(pa.int8(), "integers"), (pa.float16(), "floats")]
    kind, family = draw.choice(kinds)
    inexact = kind == pa.float64() and largest >= 2**53
    if pa.types.is_floating(kind):
        absent = draw.choice([None, float("nan")])
        numpy = {"halffloat": np.float16, "float": np.float32, "double": np.float64}[str(kind)]
        array = pa.array([absent if value is None else numpy(value) for value in values], kind, from_pandas=False)
    elif pa.types.is_decimal(kind):
        array = pa.array([None if value is None else Decimal(value) for value in values], kind)
    elif family == "text":
        array = pa.array([None if value is None else str(value) for value in values], kind)
    else:
        array = pa.array(values, kind)
    if draw.random() < 0.2 and not pa.types.is_decimal(kind) and kind != pa.float16():
        array = array.dictionary_encode()
    return array, family, inexact


def near_ids(draw: random.Random) -> Input:
    """Ids that look alike and are others: leading zeros, hexadecimal, case, spaces, an exponent without a sign."""
    given = plain("ids that look alike", draw)
    frame = given.truth
    texts = ["7", "07", "007", "1e10", "10000000000", "0x7", "A", "a", "\uff21", "\u00e9", "e\u0301", "7 7", "7,7",
             "7.5", "-7", "inf", "~"]  # fmt: skip
    frame["item"] = [draw.randrange(len(texts)) for _ in range(len(frame))]
    given.written["item"] = [texts[value] for value in frame["item"]]
    return given


# Time.

FORMS: tuple[tuple[str, int], ...] = (
    ("%Y-%m-%d %H:%M:%S", 1), ("%Y-%m-%dT%H:%M:%S", 1), ("%Y-%m-%dT%H:%M:%SZ", 1), ("%Y-%m-%d %H:%M", 1),
    ("%Y-%m-%d %H:%M:%S.000", 1), ("%Y/%m/%d %H:%M:%S", 1), ("%d.%m.%Y %H:%M", 1), ("%d/%m/%Y %H:%M:%S", 1),
    ("%m/%d/%Y %I:%M %p", 1), ("%m-%d-%Y %H:%M", 1), ("%d %B %Y %H:%M", 1), ("%b %d, %Y %H:%M:%S", 1),
    ("%a, %d %b %Y %H:%M:%S +0000", 1), ("%a %b %d %H:%M:%S %Y", 1), ("%Y%m%dT%H%M%S", 1), ("%Y-%m-%d", DAY),
    ("%d.%m.%Y", DAY), ("%B %d, %Y", DAY), ("%Y-%m-%d %H:%M:%S UTC", 1), ("%Y-%m-%dT%H:%M:%S.000000Z", 1),
)  # fmt: skip
DAY_OR_MONTH_FIRST = ("%d.", "%d/", "%m/", "%m-")


def text_times(draw: random.Random) -> Input:
    """Times as text, in one form, in one form and several zones, or in two forms."""
    given = plain("times as text", draw)
    frame = given.truth
    form, floor = draw.choice(FORMS)
    given.keys.pop("timestamp_unit")
    frame["time"] = frame["time"] // floor * floor
    moments = [datetime.fromtimestamp(value / 1000, UTC) for value in frame["time"]]
    if form.startswith(DAY_OR_MONTH_FIRST):
        if all(moment.day <= 12 for moment in moments):
            given.doubts.append("does not tell day and month apart")
        if draw.random() < 0.3:
            given.keys["timestamp_format"] = form
            given.doubts.clear()
    choice = draw.random()
    if choice < 0.25 and form == "%Y-%m-%dT%H:%M:%S":
        given.written["time"] = [_zoned(moment, draw) for moment in moments]
    elif choice < 0.4:
        other = "%d.%m.%Y %H:%M" if form.startswith("%Y") else "%Y-%m-%dT%H:%M:%S"
        given.keys.pop("timestamp_format", None)
        given.refusals, given.doubts = ["time"], ["column 'time' holds"]
        given.written["time"] = [moment.strftime(draw.choice([form, other])) for moment in moments]
        given.written["time"][:2] = [moments[0].strftime(form), moments[1].strftime(other)]
    elif choice < 0.5:
        given.written["time"] = [moment.strftime(form) for moment in moments]
        given.written["time"][draw.randrange(len(moments))] = draw.choice(
            ["yesterday", "31.31.2024", "-", "2024-02-30"]
        )
        given.refusals = ["time"]
    elif choice < 0.55:
        given.written["time"] = [moment.strftime(form) for moment in moments]
        given.written["time"][draw.randrange(len(moments))] = "" if not given.parquet else None
        given.refusals = ["give every row its time"]
    else:
        given.written["time"] = [moment.strftime(form) for moment in moments]
    return given


def _zoned(moment: datetime, draw: random.Random) -> str:
    zone = timezone(timedelta(minutes=draw.choice([-480, -330, 0, 60, 120, 345, 720])))
    return moment.astimezone(zone).isoformat(timespec="seconds")


def number_times(draw: random.Random) -> Input:
    """Times as numbers, in the unit that is said, in another, in two, with zeros, or dates written as one number."""
    given = plain("times as numbers", draw)
    frame = given.truth
    unit = draw.choice(list(PER_MS))
    counts = (frame["time"] * 1000 // 1000 // 1000).tolist() if unit == "s" else [
        value * int(PER_MS[unit]) for value in frame["time"].tolist()
    ]  # fmt: skip
    given.keys["timestamp_unit"] = unit
    choice = draw.randrange(9)
    where = draw.sample(range(len(frame)), draw.choice([1, 2, len(frame) // 3]))
    if choice == 0:
        given.keys["timestamp_unit"] = draw.choice([other for other in PER_MS if other != unit])
        given.refusals = [f'timestamp_unit = "{unit}"']
    elif choice == 1:
        other = draw.choice([other for other in PER_MS if other != unit])
        for place in where:
            milliseconds = int(frame["time"][place])
            counts[place] = milliseconds // 1000 if other == "s" else milliseconds * int(PER_MS[other])
        given.refusals = ["write all times in one unit", "correct or drop"]
    elif choice == 2:
        for place in where:
            counts[place] = draw.choice([0, -1, 0])
        given.refusals = ["1970-01-01", "correct or drop", "1969-12-31"]
    elif choice in (3, 4):
        form = draw.choice(["%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M"])
        counts = [int(datetime.fromtimestamp(value / 1000, UTC).strftime(form)) for value in frame["time"]]
        if choice == 3:
            given.refusals = [f'timestamp_format = "{form}"']
            if draw.random() < 0.5:
                del given.keys["timestamp_unit"]
        else:
            del given.keys["timestamp_unit"]
            given.keys["timestamp_format"] = form
            frame["time"] = frame["time"] // (DAY if form == "%Y%m%d" else 1) * (DAY if form == "%Y%m%d" else 1)
    elif choice == 5:
        start = frame["time"].min()
        frame["time"] -= start
        counts = [int(value * PER_MS[unit]) if unit == "s" else value * int(PER_MS[unit])
                  for value in frame["time"].tolist()]  # fmt: skip
        given.keys["relative_time"] = True
    elif choice == 6:
        del given.keys["timestamp_unit"]
        given.refusals = ['is a number: say `timestamp_unit = "s"`']
    if choice in (1, 2) and unit in ("ns", "us") and not given.parquet:
        given.doubts.append("time")
    if given.parquet:
        types = [pa.int64()] * 2
        if choice not in (1, 2):
            types += [pa.uint64(), pa.string()]
        if choice in (0, 3, 4, 5, 6, 7, 8) and unit != "ns" and max(counts) < 2**53:
            types += [pa.float64()]
        kind = draw.choice(types)
        given.written["time"] = pa.array([str(one) for one in counts] if kind == pa.string() else counts, kind)
        if pa.types.is_string(kind) and choice in (3, 6):
            given.refusals.append("time")
            if choice == 3 and "timestamp_unit" not in given.keys:  # dates that are text are read as dates
                given.refusals = []
                step = DAY if len(str(counts[0])) == 8 else 1
                frame["time"] = frame["time"] // step * step
    else:
        given.written["time"] = counts
    return given


def typed_times(draw: random.Random) -> Input:
    """Parquet's own types of time, some without a date."""
    given = plain("typed times", draw)
    given.parquet = True
    frame = given.truth
    item = [None if value < 0 else value for value in frame["item"]]
    given.written["item"] = pa.array(item, pa.int64())
    given.keys.pop("timestamp_unit")
    unit = draw.choice(list(PER_MS))
    zone = draw.choice([None, "UTC", "Europe/Berlin", "+05:45"])
    kind = draw.choice([pa.timestamp(unit, zone)] * 4 + [pa.date32(), pa.date64(), pa.time32("s"), pa.time64("us"),
                        pa.time64("ns"), pa.duration(unit)])  # fmt: skip
    if pa.types.is_date(kind):
        frame["time"] = frame["time"] // DAY * DAY
        days = pa.array((frame["time"] // DAY).tolist(), pa.int32()).cast(pa.date32())
        given.written["time"] = days.cast(kind)
    elif pa.types.is_timestamp(kind):
        given.written["time"] = pa.array(frame["time"].tolist(), pa.int64()).cast(pa.timestamp("ms", zone)).cast(kind)
    elif pa.types.is_duration(kind):
        given.written["time"] = pa.array(frame["time"].tolist(), pa.int64()).cast(pa.duration("ms")).cast(kind)
        given.refusals = ["duration without a date"]
    else:
        seconds = pa.array((frame["time"] // 1000 % 86400).tolist(), pa.int32()).cast(pa.time32("s"))
        given.written["time"] = seconds.cast(kind)
        given.refusals = ["time of day without a date"]
    if not given.refusals and draw.random() < 0.2:
        given.keys["timestamp_unit"] = unit
        given.refusals = ["take it out"]
    return given


def ties(draw: random.Random) -> Input:
    """Few different times, and a file sorted by a label or an input."""
    rows = truth(draw)
    step = draw.choice([DAY, 7 * DAY, 60 * MINUTE, 365 * DAY])
    rows["time"] = rows["time"] // step * step + DAY
    given = plain("ties at a boundary", draw, rows)
    order = given.truth.sort_values(
        draw.choice(["click", "buy", "price", "user"]), kind="stable", ascending=draw.random() < 0.5
    ).index
    _reorder(given, order)
    return given


def _reorder(given: Input, order: Any) -> None:
    given.truth = given.truth.loc[order].reset_index(drop=True)
    for name, values in given.written.items():
        taken = list(values) if not isinstance(values, pa.Array) else values
        given.written[name] = (
            taken.take(pa.array(list(order))) if isinstance(taken, pa.Array) else [taken[place] for place in order]
        )


# What makes scores doubtful.


def leaks(draw: random.Random) -> Input:
    """An input that gives a label away, a label that copies another, duplicate rows across a random split."""
    given = plain("leaks and copies", draw, truth(draw, fewest=1500 if draw.random() < 0.25 else 300))
    frame = given.truth
    choice = draw.randrange(4) if len(frame) < 1500 else 0
    if choice == 0:  # nearly all of it
        noise = draw.choice([0, 0, 0.3])
        flipped = np.array([draw.random() < noise for _ in range(len(frame))])
        leak = np.where(flipped, 1 - frame["click"], frame["click"])
        frame["price"] = leak + np.arange(len(frame)) * 1e-6
        given.written["price"] = frame["price"].tolist()
    elif choice == 1:
        frame["buy"] = frame["click"] if draw.random() < 0.5 else 1 - frame["click"]
        given.written["buy"] = frame["buy"].tolist()
        given.keys["relation"] = "parallel"
    elif choice == 2:
        for key in ("timestamp", "timestamp_unit", "session"):
            del given.keys[key]
        copies = draw.choice([0, 0.1, 0.5])
        source = [draw.randrange(len(frame)) if draw.random() < copies else place for place in range(len(frame))]
        _reorder(given, pd.Index(source))
    else:
        frame["item"] = frame["click"] + 100
        given.written["item"] = frame["item"].tolist()
    return given


# Numbers, names, encodings, rules.


def numbers(draw: random.Random) -> Input:
    """Numbers at the ends of their type, and what is no number."""
    given = plain("numbers at the ends", draw)
    prices = given.truth["price"].to_list()
    extremes = [1e308, -1e308, 1.7976931348623157e308, 5e-324, 1e-308, 1e30, -1e200, 1e16, 2.0**63, 1e15, 1e3]
    choice = draw.randrange(5)
    if choice == 0:
        prices = [draw.choice(extremes) for _ in prices]
    elif choice == 1:
        for place in draw.sample(range(len(prices)), draw.choice([1, 3, len(prices) // 3])):
            prices[place] = draw.choice(extremes)
    elif choice == 2:
        scale = draw.choice([1e-300, 1e300, 1e306, 1e100])
        prices = [value * scale for value in prices]
    elif choice == 3:
        for place in draw.sample(range(len(prices)), 3):
            prices[place] = draw.choice([float("inf"), -float("inf")])
        given.refusals = ["'price' holds"]
    else:
        for place in draw.sample(range(len(prices)), len(prices) // 2):
            prices[place] = float("nan")
    given.truth["price"] = prices
    if choice in (0, 1):
        given.doubts = ["most of its numbers are over", "beyond all bounds once scaled"]
    if given.parquet and choice == 4 and draw.random() < 0.5:
        given.written["price"] = pa.array([None if value != value else value for value in prices], pa.float64())
    elif given.parquet:
        given.written["price"] = pa.array(prices, pa.float64(), from_pandas=False)
    else:
        blank = draw.choice(["", "NaN", "NA"])
        infinite = draw.choice(["inf", "Infinity"])
        given.written["price"] = [
            blank if value != value else (repr(value).replace("inf", infinite) if abs(value) == float("inf") else value)
            for value in prices
        ]
    return given


def names(draw: random.Random) -> Input:
    """Names of a megabyte, of nothing, with line ends, and twice the same; in the file, the description or as an id."""
    given = plain("names of a megabyte", draw)
    long = draw.choice(["A", "é", "=", "\U0001f600"]) * (LONG_NAME // draw.choice([1, 1, 100]))
    choice = draw.randrange(4)
    if choice == 0:
        given.written[long] = given.written.pop("price")
        given.refusals = ["price"]
    elif choice == 1:
        given.written[long] = given.written["price"]
    elif choice == 2:
        given.keys["numerical"] = [long]
        given.refusals = ["there is no column", "numerical"]
    else:
        texts = [f"{value}" for value in given.truth["item"]]
        texts[draw.randrange(len(texts))] = long
        given.truth["item"] = [10**9 if text == long else value for text, value in
                               zip(texts, given.truth["item"], strict=True)]  # fmt: skip
        given.written["item"] = texts
    return given


def encodings(draw: random.Random) -> Input:
    """Text in other encodings than UTF-8."""
    given = plain("other encodings", draw)
    if given.parquet:
        given.parquet = False
        given.written["item"] = ["" if value < 0 else str(value) for value in given.truth["item"]]
    words = draw.choice([["a", "b", "c"], ["é", "ü", "ß"], ["日", "本", "語"]])
    given.truth["item"] = [draw.randrange(len(words)) for _ in range(len(given.truth))]
    given.written["item"] = [words[value] for value in given.truth["item"]]
    possible = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
    if words[0] == "é":
        possible += ["latin-1", "cp1252"]
    given.encoding = draw.choice(possible)
    if given.encoding.startswith(("utf-16", "utf-32")):
        given.refusals = [f"UTF-{given.encoding[4:6]} text: save it as UTF-8"]
    elif not given.encoding.startswith("utf-8"):
        given.refusals = ["not UTF-8 text.*save the file as UTF-8"]
    return given


def rules(draw: random.Random) -> Input:
    """Several tasks from one column."""
    given = plain("rules over one column", draw)
    frame = given.truth
    seconds = np.array([draw.choice([0, 1, 1, 2, 5, 20, 60]) for _ in range(len(frame))])
    frame["seconds"] = seconds
    given.written["seconds"] = (
        [draw.choice(["{}", "{}.0"]).format(value) for value in seconds] if not given.parquet else seconds.tolist()
    )
    low, high = sorted(draw.sample([1, 2, 5], 2))
    given.keys["tasks"] = [
        {"name": "click", "column": "seconds", "at_least": draw.choice([low, float(low)])},
        {"name": "buy", "column": "seconds", "at_least": high},
    ]
    frame["click"], frame["buy"] = (seconds >= low).astype(int), (seconds >= high).astype(int)
    if draw.random() < 0.6:
        wanted = draw.choice([0, 1, 2])
        given.keys["tasks"].append(
            {"name": "exact", "column": "seconds", "equals": draw.choice([wanted, float(wanted), str(wanted)])}
        )
        frame["exact"] = (seconds == wanted).astype(int)
        given.keys["relation"] = "parallel"
    if draw.random() < 0.3:
        given.keys["tasks"][0] = {"name": "click", "column": "seconds"}
        given.refusals = ["a label is 0 or 1"]
    return given


def typed_columns(draw: random.Random) -> Input:
    """Every type of Parquet as an id or a number."""
    given = plain("types of Parquet", draw)
    given.parquet = True
    frame = given.truth
    frame["item"] = [abs(value) for value in frame["item"]]
    items, prices = frame["item"].tolist(), frame["price"].tolist()
    given.written["item"] = items
    types: dict[str, tuple[str, pa.Array, str]] = {
        "decimal id": ("item", pa.array(map(Decimal, items), pa.decimal128(20, draw.choice([0, 0, 3]))), ""),
        "dictionary": ("item", pa.array(items).dictionary_encode(), ""),
        "time of day": ("item", pa.array(items, pa.int64()).cast(pa.time64("us")), ""),
        "list": ("item", pa.array([[value] for value in items], draw.choice([pa.list_, pa.large_list])(pa.int64())),
                 r'several values in a row: name it in `bags`|and cannot be read as an id: name it in `bags`'),
        "map": ("item", pa.array([[("a", value)] for value in items], pa.map_(pa.string(), pa.int64())), "those keys"),
        "struct": ("item", pa.array([{"a": value} for value in items]), "'item' is a struct.*'item.a'"),
        "bytes": ("item", pa.array([str(value).encode() for value in items], draw.choice([pa.binary(),
                  pa.large_binary()])), "write its bytes as text"),
        "decimal": ("price", pa.array([Decimal(str(value)) for value in prices], pa.decimal128(draw.choice([12, 30]),
                    draw.choice([3, 6]))), ""),
        "dictionary of numbers": ("price", pa.array(prices).dictionary_encode(), ""),
        "time of day as a number": ("price", pa.array(items, pa.int32()).cast(pa.time32("ms")), "since midnight"),
        "date as a number": ("price", pa.array(items, pa.int32()).cast(pa.date32()), "days since an event"),
        "map as a number": ("price", pa.array([[("a", value)] for value in prices], pa.map_(pa.string(),
                            pa.float64())), "those keys"),
        "list as a label": ("click", pa.array([[value] for value in frame["click"].tolist()]), "in `bags`"),
    }  # fmt: skip
    name, values, refusal = types[draw.choice(list(types))]
    given.written[name] = values
    given.refusals = [refusal] if refusal else []
    if not refusal and pa.types.is_decimal(values.type) and name == "price" and values.type.precision > 15:
        given.warnings = ["'price' is decimal128.*is lost"]
    return given


KINDS: dict[str, Callable[[random.Random], Input]] = {
    make.__name__: make
    for make in (
        sessions_of_users, ids, near_ids, text_times, number_times, typed_times, typed_columns, ties, leaks, numbers,
        names, encodings, rules,
    )
}  # fmt: skip
