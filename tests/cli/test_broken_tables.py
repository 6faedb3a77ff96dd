"""Broken tables and descriptions: each is refused in one paragraph that names file, column and remedy."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mixed_tables import MIXED, mixed_table, write_mixed_table
from own_tables import own_table, write_own_table
from pyarrow import parquet

Break = Callable[[Path], object]
RUN = ("--backbone", "shared-bottom", "--weighting", "constant", "--seeds", 1, "--jobs", 1, "--out", "out")


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a good table and description in it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_own_table(folder)
    return folder


def describe(old: str, new: str) -> Break:
    """Replace a part of the description."""

    def change(here: Path) -> None:
        path = here / "my_log.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def add(line: str) -> Break:
    """Add a line to the description."""
    return describe('session = "visit"\n', f'session = "visit"\n{line}\n')


def rewrite(old: str, new: str, count: int = -1) -> Break:
    """Replace text of the table."""

    def change(here: Path) -> None:
        path = here / "my_log.csv"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))

    return change


def row(number: int, column: str, value: object) -> Break:
    """Set one value of the table; the header is row 1."""

    def change(here: Path) -> None:
        frame = own_table().astype(object).reset_index(drop=True)
        frame.loc[number - 2, column] = value
        frame.to_csv(here / "my_log.csv", index=False)

    return change


def column(name: str, value: object) -> Break:
    """Set one column of the table."""
    return lambda here: own_table().assign(**{name: value}).to_csv(here / "my_log.csv", index=False)


def table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Break:
    """Write a changed table."""
    return lambda here: change(own_table()).to_csv(here / "my_log.csv", index=False)


def both(*changes: Break) -> Break:
    def change(here: Path) -> None:
        for one in changes:
            one(here)

    return change


def content(name: str, data: bytes) -> Break:
    """Write a file, and let the description name it."""
    return both(describe('"my_log.csv"', f'"{name}"'), lambda here: (here / name).write_bytes(data))


def folder_of(*names: str) -> Break:
    """A folder of tables with the given names; a Parquet one is a good table."""

    def change(here: Path) -> None:
        (here / "days").mkdir()
        for name in names:
            if name.endswith(".parquet"):
                own_table().to_parquet(here / "days" / name)
            else:
                own_table().to_csv(here / "days" / name, index=False)

    return both(describe('"my_log.csv"', '"days"'), change)


def cut_gzip(here: Path) -> None:
    (here / "my_log.csv.gz").write_bytes(gzip.compress((here / "my_log.csv").read_bytes())[:-60])


def second_file_lacks_a_column(here: Path) -> None:
    (here / "days").mkdir()
    own_table().to_csv(here / "days" / "1.csv", index=False)
    own_table().drop(columns="price").to_csv(here / "days" / "2.csv", index=False)


def nested_parquet(here: Path) -> None:
    frame = own_table()
    arrays = {name: pa.array(frame[name]) for name in frame} | {"item_id": pa.array([["a"]] * len(frame))}
    parquet.write_table(pa.table(arrays), here / "my_log.parquet")


def typed(name: str, kind: pa.DataType, value: object) -> Break:
    """Write the table as Parquet, with a column of one type and value."""

    def change(here: Path) -> None:
        frame = own_table()
        arrays = {one: pa.array(frame[one]) for one in frame} | {name: pa.array([value] * len(frame), kind)}
        parquet.write_table(pa.table(arrays), here / "my_log.parquet")

    return both(describe("csv", "parquet"), change)


def json_lines(change: Callable[[list[str]], object]) -> Break:
    """Write the table as JSON Lines, with changed lines."""

    def write(here: Path) -> None:
        lines = own_table().to_json(orient="records", lines=True).splitlines()
        change(lines)
        (here / "my_log.jsonl").write_text("\n".join(lines) + "\n")

    return both(describe("my_log.csv", "my_log.jsonl"), write)


def put(number: int, line: str) -> Break:
    """Replace a line of the table as JSON Lines."""
    return json_lines(lambda lines: lines.__setitem__(number - 1, line))


def in_folders(*names: str, drop: str = "price") -> Break:
    """A hive-partitioned table without the column that its folders give."""

    def change(here: Path) -> None:
        for place, name in enumerate(names):
            (here / "days" / name).mkdir(parents=True)
            part = own_table()[place :: len(names)]
            part.drop(columns=drop or []).to_csv(here / "days" / name / "part.csv", index=False)

    return both(describe("my_log.csv", "days"), change)


def text_prices(here: Path) -> None:
    own_table().assign(price="9,90 €").to_parquet(here / "my_log.parquet")


def latin_1(here: Path) -> None:
    (here / "my_log.csv").write_bytes(own_table().assign(item_id="café").to_csv(index=False).encode("latin-1"))


def encoded(encoding: str) -> Break:
    """Write the table in another encoding."""
    return lambda here: (here / "my_log.csv").write_text(own_table().to_csv(index=False), encoding=encoding)


def description_in(encoding: str) -> Break:
    """Write the description in another encoding."""

    def change(here: Path) -> None:
        path = here / "my_log.toml"
        path.write_text(path.read_text(), encoding=encoding)

    return change


def utf_16_gzip(here: Path) -> None:
    (here / "my_log.csv.gz").write_bytes(gzip.compress(own_table().to_csv(index=False).encode("utf-16")))


def events(here: Path) -> None:
    frame = own_table()
    happened = np.where(frame["purchase"] == 1, "purchase", np.where(frame["click"] == 1, "click", "view"))
    frame.drop(columns=["click", "purchase"]).assign(event=happened).to_csv(here / "my_log.csv", index=False)


def semicolons(here: Path) -> None:
    own_table().to_csv(here / "my_log.csv", index=False, sep=";")


TABLES: dict[str, tuple[Break, list[str]]] = {
    "absent file": (describe("my_log.csv", "log.csv"), ["log.csv is not there", "`files`"]),
    "folder without tables": (
        both(describe("my_log.csv", "empty"), lambda here: (here / "empty").mkdir()),
        ["empty holds no table", ".parquet"],
    ),
    "two kinds": (folder_of("1.csv", "2.parquet"), ["1.csv", "2.parquet", "not both"]),
    "spreadsheet": (content("my_log.xlsx", b"PK"), ["my_log.xlsx", "export it"]),
    "empty file": (content("none.csv", b""), ["none.csv", "empty", "header"]),
    "absent column": (rewrite("item_id", "item"), ["my_log.csv", "'item_id'", "did you mean 'item'?"]),
    "column named twice": (rewrite(",visit", ",price", 1), ["my_log.csv", "'price'", "2 times", "rename"]),
    "one field": (
        both(semicolons, rewrite(", ", " ")),
        ["my_log.csv", "'click'", "'user_id;item_id;price;", "`delimiter = "],
    ),
    "wrong delimiter": (semicolons, ["my_log.csv", "row 4", "the header 1", "`delimiter = "]),
    "not UTF-8": (latin_1, ["my_log.csv", "'item_id'", "row 2", "save the file as UTF-8"]),
    "UTF-16": (encoded("utf-16"), ["my_log.csv", "UTF-16", "save it as UTF-8"]),
    "UTF-16 without a mark": (encoded("utf-16-le"), ["my_log.csv", "UTF-16", "save it as UTF-8"]),
    "UTF-32": (encoded("utf-32"), ["my_log.csv", "UTF-32", "save it as UTF-8"]),
    "UTF-16 gzipped": (both(describe("csv", "csv.gz"), utf_16_gzip), ["my_log.csv.gz", "UTF-16", "save it as UTF-8"]),
    "log of events": (events, ["my_log.csv", "no column 'click'", "'event' holds 'click'", "pivot", "data describe"]),
    "too few fields": (
        rewrite("\n", "\n1,2\n", 1),
        ["my_log.csv", "row 2 has 2 fields", "the header 7", "double quotes"],
    ),
    "text for a number": (row(9, "price", "cheap"), ["my_log.csv", "'price'", "'cheap'", "row 9", "`missing`"]),
    "huge number": (row(9, "price", 1e300), ["my_log.csv", "'price'", "1e+300", "row 9", "correct it"]),
    "huge negative number": (row(9, "price", -1e300), ["my_log.csv", "'price'", "-1e+300", "row 9", "correct it"]),
    "infinite number": (row(9, "price", "inf"), ["my_log.csv", "'price'", "inf", "row 9", "finite"]),
    "infinite binned number": (
        both(describe('numerical = ["price"]', "binned = { price = 5 }"), row(9, "price", "inf")),
        ["my_log.csv", "'price'", "inf", "row 9", "finite"],
    ),
    "a word among binned numbers": (
        both(describe('numerical = ["price"]', "binned = { price = 5 }"), row(9, "price", "dear")),
        ["my_log.csv", "'price'", "'dear'", "row 9", "call for a number"],
    ),
    "one bin": (describe('numerical = ["price"]', "binned = { price = 1 }"), ["`binned` holds 1", "price = 20"]),
    "binned and numerical": (add("binned = { price = 5 }"), ["'price' stands twice among", "name it once"]),
    "binned timestamp": (add("binned = { time = 5 }"), ["'time' is the timestamp and an input", "take it out there"]),
    "unknown split": (add('split = { column = "item_id" }'), ["'item_id' says how the log is split, and is an input"]),
    "no name of a split": (add('split = { column = "visit" }'), ["'visit' of splits holds", "row 2", "write train"]),
    "empty split": (add("split = { fractions = [0.998, 0.001, 0.001] }"), ["split is empty", "300 rows", "at least 5"]),
    "fractions of more than 1": (add("split = { fractions = [1, 1, 1] }"), ["[1.0, 1.0, 1.0], which sum to 3", "give"]),
    "a cut after the log": (
        add("split = { validation_from = 2023-11-15, test_from = 2031-01-01 }"),
        [
            "test split is empty",
            "2031-01-01 00:00:00 UTC",
            "its times run from 2023-11-14 22:13:20 UTC to",
            "choose both",
        ],
    ),
    "a cut that is no date": (
        add('split = { validation_from = "May", test_from = 2031-01-01 }'),
        ["`split` holds 'May'", "no date such as 2024-05-31"],
    ),
    "label of three values": (row(7, "click", 2), ["my_log.csv", "'click'", "'2'", "row 7", "equals"]),
    "label in words": (column("click", "yes"), ["my_log.csv", "'click'", "'yes'", "row 2", "equals"]),
    "label missing": (
        row(4, "purchase", None),
        ["my_log.csv", "'purchase'", "no value", "row 4", 'observed = "purchase is given"', "drop the row"],
    ),
    "label of one class": (column("purchase", 0), ["my_log.csv", "'purchase'", "one class", "another label"]),
    "no funnel": (row(5, "purchase", 1), ["my_log.csv", "'purchase'", "'click'", "row 5", '`relation = "parallel"`']),
    "time missing": (row(3, "time", None), ["my_log.csv", "'time'", "row 3", "drop the row"]),
    "time in words": (column("time", "noon"), ["my_log.csv", "'time'", "text", "ISO 8601"]),
    "time of another unit": (describe('"s"', '"ms"'), ["my_log.csv", "'time'", "2023-11-1", '`timestamp_unit = "s"`']),
    "date and a unit": (column("time", "2024-01-01 10:00:00"), ["my_log.csv", "'time'", "date already", "take it out"]),
    "session missing": (row(8, "visit", None), ["my_log.csv", "'visit'", "row 8", "session id"]),
    "cut gzip": (both(describe("csv", "csv.gz"), cut_gzip), ["my_log.csv.gz", "whole"]),
    "no Parquet": (content("my_log.parquet", b"user_id\n1\n"), ["my_log.parquet", "Parquet", "named .csv"]),
    "list in Parquet": (
        both(describe("csv", "parquet"), nested_parquet),
        ["my_log.parquet", "'item_id'", 'bags = ["item_id"]', "leave it out"],
    ),
    "text in Parquet": (both(describe("csv", "parquet"), text_prices), ["my_log.parquet", "'price'", "convert it"]),
    "second file without a column": (
        both(describe("my_log.csv", "days"), second_file_lacks_a_column),
        ["2.csv", "'price'"],
    ),
    "a map": (
        typed("item_id", pa.map_(pa.string(), pa.int64()), [("a", 1)]),
        ["my_log.parquet", "'item_id' is map<", "as an id", "those keys", "leave it out"],
    ),
    "a struct": (
        typed("item_id", pa.struct({"a": pa.int64(), "b": pa.int64()}), {"a": 1, "b": 2}),
        ["my_log.parquet", "'item_id' is a struct", "its fields", "'item_id.a'"],
    ),
    "a list as a number": (
        typed("price", pa.large_list(pa.int64()), [1, 2]),
        ["my_log.parquet", "'price' is large_list<", 'bags = ["price"]', "leave it out"],
    ),
    "a list as a label": (
        typed("click", pa.list_(pa.int64()), [1]),
        ["my_log.parquet", "'click' is list<", 'bags = ["click"]', "leave it out"],
    ),
    "a list of structs": (
        typed("item_id", pa.list_(pa.struct({"a": pa.int64()})), [{"a": 1}]),
        ["my_log.parquet", "'item_id' is list<", "columns of their own"],
    ),
    "bytes": (typed("item_id", pa.binary(), b"a"), ["my_log.parquet", "'item_id' is binary", "as text"]),
    "a time of day as a number": (
        typed("price", pa.time32("ms"), 3600),
        ["my_log.parquet", "'price' is time32[ms]", "seconds since midnight", "as categorical"],
    ),
    "a date as a number": (
        typed("price", pa.date32(), 19000),
        ["my_log.parquet", "'price' is date32", "days since an event"],
    ),
    "broken line": (put(7, '{"user_id": 1,'), ["my_log.jsonl", "line 7 is no JSON", "correct or drop the line"]),
    "line that is no object": (put(7, "[1, 2]"), ["my_log.jsonl", "line 7 is a list", "an object is called for"]),
    "line of another type": (
        put(7, '{"user_id": 1, "price": "dear"}'),
        ["my_log.jsonl", "'price' is a text in line 7 and a number in line 1", "in one type"],
    ),
    "items of another type": (
        both(
            add('bags = ["tags"]'),
            json_lines(lambda lines: lines.__setitem__(slice(0, 2), ['{"tags": ["a"]}', '{"tags": ["b", 1]}'])),
        ),
        ["my_log.jsonl", "'tags[]' is a ", " in line 2 and a ", "in one type"],
    ),
    "lines that are not UTF-8": (
        both(
            describe("my_log.csv", "my_log.jsonl"),
            lambda here: (here / "my_log.jsonl").write_bytes('{"item_id": 1}\n{"item_id": "é"}\n'.encode("latin-1")),
        ),
        ["my_log.jsonl", "line 2 is not UTF-8 text", "save the file as UTF-8"],
    ),
    "no line": (json_lines(lambda lines: lines.clear()), ["my_log.jsonl", "empty", "JSON object in each line"]),
    "lines of an absent column": (
        both(json_lines(len), describe("item_id", "item")),
        ["my_log.jsonl", "no column 'item'", "did you mean 'item_id'?"],
    ),
    "JSON Lines and CSV": (
        both(in_folders("a"), lambda here: (here / "days" / "b.jsonl").write_text("{}")),
        ["part.csv", "b.jsonl", "of two kinds", "CSV or JSON Lines"],
    ),
    "a key that is a column": (
        in_folders("price=1", "price=2", drop=""),
        ["part.csv", "'price' is in the file and in the name of a folder", "rename one"],
    ),
    "a key of one folder alone": (in_folders("price=1", "other"), ["other/part.csv", "no column 'price'"]),
    "a key that is text and a number": (
        in_folders("price=1", "price=dear"),
        ["price=dear/part.csv", "'price'", "as a number", "dear"],
    ),
    "a key twice": (in_folders("price=1/price=2"), ["part.csv", "'price' twice", "rename one"]),
    "one row": (table(lambda frame: frame[:1]), ["my_log.csv", "1 rows", "thousands"]),
    "no row": (table(lambda frame: frame[:0]), ["my_log.csv", "no rows"]),
}

DESCRIPTIONS: dict[str, tuple[Break, list[str]]] = {
    "no TOML": (describe("tasks = [", "tasks = click, ["), ["line 2", "double quotes"]),
    "unknown key": (describe("categorical", "categoricals"), ["'categoricals'", "did you mean 'categorical'?"]),
    "no files": (describe('files = "my_log.csv"', ""), ["'files' is missing", 'files = "my_log.csv"']),
    "UTF-16 description": (description_in("utf-16"), ["my_log.toml", "UTF-8"]),
    "no tasks": (describe('tasks = ["click", "purchase"]', ""), ["'tasks' is missing", "tasks = ["]),
    "empty tasks": (describe('["click", "purchase"]', "[]"), ["`tasks`", "at least 1", "tasks = ["]),
    "task is a number": (describe('"click", ', "3, "), ["`tasks`", "3", "tasks = ["]),
    "unknown key of a task": (describe('"click", ', '{ name = "click", equal = 1 }, '), ["'equal'", "'equals'?"]),
    "two rules": (describe('"click", ', '{ name = "click", equals = 1, at_least = 1 }, '), ["'click'", "keep one"]),
    "no inputs": (
        both(describe('["user_id", "item_id"]', "[]"), describe('["price"]', "[]")),
        ["no input", "categorical = ["],
    ),
    "input named twice": (describe('["price"]', '["price", "item_id"]'), ["'item_id'", "twice", "once"]),
    "label among the inputs": (describe('["price"]', '["price", "click"]'), ["'click'", "leaks", "take it out"]),
    "wrong relation": (add('relation = "tree"'), ["`relation`", "'tree'", '"parallel"']),
    "wrong unit": (describe('"s"', '"seconds"'), ["`timestamp_unit`", "'seconds'", '"ms"']),
    "no unit": (describe('timestamp_unit = "s"', ""), ["my_log.csv", "'time'", "is a number", 'timestamp_unit = "s"']),
    "unit of no time": (describe('timestamp = "time"', ""), ["`timestamp_unit`", 'timestamp = "time"']),
    "time as an input": (describe('["price"]', '["time"]'), ["'time'", "timestamp and an input", "take it out"]),
    "an input of the user that is none": (
        add('user_inputs = ["user_ids"]'),
        ["my_log.toml", "`user_inputs`", "'user_ids'", "did you mean 'user_id'"],
    ),
    "two kinds of session": (add('session_rule = "user"'), ["`session_rule`", "exclude", "keep"]),
    "wrong session rule": (
        describe('session = "visit"', 'session_rule = "gap30"'),
        ["`session_rule`", "'gap30'", "user-gap30m"],
    ),
    "session rule without a user": (
        both(describe('user = "user_id"', ""), describe('session = "visit"', 'session_rule = "user"')),
        ["`session_rule`", 'user = "user_id"'],
    ),
    "rule that no row fulfils": (
        describe('["click", "purchase"]', '[{ name = "c", column = "item_id", equals = "x" }]\nrelation = "parallel"'),
        ["'item_id'", "an input"],
    ),
    "value that never occurs": (
        describe('["click", "purchase"]', '[{ name = "yes", column = "click", equals = "yes" }]'),
        ["my_log.csv", "'click'", "'yes'", "'0'", "correct `equals`"],
    ),
}

OBSERVED = '{ name = "stars", column = "rating", kind = "real", observed = "rated == 1" }'


def cell(number: int, column: str, value: object) -> Break:
    """Set one value of the table of tasks of every kind; the header is row 1."""

    def change(here: Path) -> None:
        frame = pd.read_csv(here / "mixed.csv").astype(object)
        frame.loc[number - 2, column] = value
        frame.to_csv(here / "mixed.csv", index=False)

    return change


def mixed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Break:
    """Write a changed table of tasks of every kind."""
    return lambda here: change(mixed_table()).to_csv(here / "mixed.csv", index=False)


def stars(task: str) -> Break:
    """Describe the ratings in another way."""
    assert OBSERVED in MIXED
    return lambda here: (here / "mixed.toml").write_text(MIXED.replace(OBSERVED, task))


LABELS: dict[str, tuple[Break, list[str]]] = {
    "negative seconds": (
        cell(7, "seconds", -0.1),
        ["mixed.csv", "'watch'", "-0.1 in row 7", "0 or more", "declare the task real"],
    ),
    "infinite seconds": (cell(7, "seconds", "inf"), ["mixed.csv", "'watch'", "inf in row 7", "drop these rows"]),
    "seconds in words": (cell(7, "seconds", "long"), ["mixed.csv", "'seconds'", "'long'", "row 7", "`missing`"]),
    "seconds missing": (
        cell(7, "seconds", None),
        ["mixed.csv", "'seconds'", "no value in row 7", 'observed = "seconds is given"', "drop the row"],
    ),
    "infinite mood": (cell(9, "mood", "-inf"), ["mixed.csv", "'mood'", "-inf in row 9", "finite number"]),
    "mood beyond float32": (cell(9, "mood", 1e300), ["mixed.csv", "'mood'", "1e+300 in row 9", "drop these rows"]),
    "mood in words": (cell(9, "mood", "good"), ["mixed.csv", "'mood'", "'good'", "row 9", "correct the row"]),
    "click of three values": (cell(9, "click", 3), ["mixed.csv", "'click'", "'3' in row 9", '`kind = "real"`']),
    "observed and missing": (
        both(cell(5, "rated", 1), cell(5, "rating", None)),
        ["mixed.csv", "'rating'", "no value in row 5", "'stars'", "`rated == 1`", "correct the row"],
    ),
    "observed nowhere": (
        stars(OBSERVED.replace("rated == 1", "rated == 2")),
        ["mixed.csv", "'rated == 2'", "'stars'", "nowhere", "'0', '1'", "correct `observed`"],
    ),
    "observed in no test row": (
        mixed(lambda frame: frame.assign(rated=frame["rated"].where(frame.index < 240, 0))),
        ["mixed.csv", "'stars'", "no observed label in the test split", "longer log"],
    ),
    "constant in a split": (
        mixed(lambda frame: frame.assign(mood=frame["mood"].where(frame.index < 240, 1.5))),
        ["mixed.csv", "'mood'", "one value in the test split", "1.5", "longer log"],
    ),
    "observed by words": (
        both(cell(4, "rated", "yes"), stars(OBSERVED.replace("rated == 1", "rated"))),
        ["mixed.csv", "'rated'", "'yes' in row 4", "0 and 1", 'correct the row, or compare, as "rated >= 1"'],
    ),
    "later without earlier": (
        both(
            both(cell(4, "click", 0), cell(4, "seconds", 5)),
            stars('{ name = "stay", column = "seconds", kind = "nonnegative", after = "click" }'),
        ),
        ["mixed.csv", "'stay' is 5 where 'click' is 0", "row 4", "0 where the earlier is 0"],
    ),
    "within and missing": (
        stars('{ name = "stars", column = "rating", kind = "real", after = "click", within = true }'),
        ["mixed.csv", "'rating'", "no value in row", "'click' is 1 there", "correct the row"],
    ),
    "after no task": (stars(OBSERVED.replace("observed", 'after = "clicks", observed')), ["'clicks'", "'click'?"]),
    "after itself": (
        stars('{ name = "rated", after = "paid" }, { name = "paid", column = "rated", after = "rated" }'),
        ["circle", "rated after paid after rated", "leave one `after` out"],
    ),
    "after a number": (
        stars(OBSERVED.replace("observed", 'after = "watch", observed')),
        ["'stars'", "'watch'", "nonnegative", "only a binary task"],
    ),
    "within nothing": (stars(OBSERVED.replace("observed", "within = true, observed")), ["'stars'", "`after`"]),
    "observed by an absent column": (
        stars(OBSERVED.replace("rated == 1", "ratd == 1")),
        ["mixed.csv", "no column 'ratd'", "did you mean 'rated'?"],
    ),
    "observed by a malformed rule": (
        stars(OBSERVED.replace("rated == 1", "rated = 1")),
        ["mixed.toml", "`observed`", "'rated = 1'", "COLUMN is given", 'write observed = "rated == 1"'],
    ),
    "observed by two rules": (
        stars(OBSERVED.replace("rated == 1", "rated == 1 and mood > 0")),
        ["mixed.toml", "`observed`", "'rated == 1 and mood > 0'", "one comparison"],
    ),
    "observed by an input": (
        stars(OBSERVED.replace("rated == 1", "price > 0")),
        ["mixed.toml", "'price'", "is an input and says where 'stars' was observed", "take it out"],
    ),
    "observed by the time": (
        stars(OBSERVED.replace("rated == 1", "time > 0")),
        ["mixed.toml", "'time'", "timestamp", "'stars'", "name another"],
    ),
    "observed is a number": (stars(OBSERVED.replace('"rated == 1"', "1")), ["mixed.toml", "`observed`", "holds 1"]),
    "task named twice": (stars(OBSERVED.replace('"stars"', '"mood"')), ["mixed.toml", "'mood'", "twice", "once"]),
    "unknown kind": (stars(OBSERVED.replace('"real"', '"reel"')), ["'reel'", "did you mean 'real'?"]),
    "unknown key of a kind": (
        stars(OBSERVED.replace("observed", 'params = { los = "huber" }, observed')),
        ["mixed.csv", "'los'", "did you mean 'loss'?"],
    ),
    "loss of another kind": (
        stars(OBSERVED.replace("observed", 'params = { loss = "tweedie" }, observed')),
        ["mixed.csv", "loss", "'tweedie'", "'squared' or 'huber'"],
    ),
    "unknown key of a task of numbers": (
        stars(OBSERVED.replace("observed", "observe")),
        ["mixed.toml", "'observe'", "did you mean 'observed'?"],
    ),
    "rule of a number": (
        stars('{ name = "stars", column = "rating", kind = "real", at_least = 4 }'),
        ["mixed.toml", "'stars'", "`at_least`", "keep one"],
    ),
    "relation of numbers": (
        both(stars(OBSERVED), lambda here: append(here / "mixed.toml", 'relation = "funnel"\n')),
        ["mixed.toml", "'funnel'", "'watch'", "leave `relation` out", "`after`"],
    ),
}


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_any_kind_that_make_no_sense_are_refused(
    name: str, mtlbench: Any, here: Path, cache_dir: Path
) -> None:
    write_mixed_table(here)
    damage, words = LABELS[name]
    damage(here)
    before = sorted(here.rglob("*"))
    result = mtlbench("run", "--dataset", "table[schema=mixed.toml]", *RUN)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert [word for word in [*words, "mixed."] if word not in result.err] == []
    assert sorted(here.rglob("*")) == before
    assert not list(cache_dir.glob("table-*"))


def test_there_are_at_least_27_ways_to_break_each_part() -> None:
    assert len(TABLES) + len(DESCRIPTIONS) >= 27


@pytest.mark.parametrize("name", [*TABLES, *DESCRIPTIONS])
def test_a_broken_table_is_refused_in_one_paragraph_and_nothing_is_written(
    name: str, mtlbench: Any, here: Path, cache_dir: Path
) -> None:
    damage, words = {**TABLES, **DESCRIPTIONS}[name]
    damage(here)
    before = sorted(here.rglob("*"))
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert [word for word in words if word not in result.err] == []
    if name in DESCRIPTIONS:
        assert "my_log.toml" in result.err or "my_log.csv" in result.err
    assert sorted(here.rglob("*")) == before
    assert not list(cache_dir.glob("table-*"))


def test_the_table_itself_is_good(mtlbench: Any, here: Path) -> None:
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN, "--epochs", 1)
    assert result.code == 0, result.err


def test_without_a_description_it_says_how_to_get_one(mtlbench: Any, here: Path) -> None:
    result = mtlbench("run", "--dataset", "table", *RUN)
    assert result.code == 2
    assert "table[schema=my_log.toml]" in result.err
    assert "mtlbench data describe" in result.err


def test_an_absent_description_is_named(mtlbench: Any, here: Path) -> None:
    result = mtlbench("run", "--dataset", "table[schema=absent.toml]", *RUN)
    assert result.code == 2
    assert "absent.toml: cannot read the description" in result.err
