"""Bags and histories of a user's own table that make no sense: refused in one paragraph that names the remedy."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from own_tables import DESCRIPTION, own_table
from pyarrow import parquet

RUN = ("--backbone", "shared-bottom", "--weighting", "constant", "--seeds", 1, "--jobs", 1, "--out", "out")
TAGS = pa.array([["a"], ["a", "b"], None] * 100)
NAMES = pa.array(["a", "a|b", None] * 100)
NESTED = pa.array([[["a"]], None, None] * 100)
BRACKETS = pa.array(["['a', 'b']", "a|b", None] * 100)
BYTES = pa.array([[b"\xff"], None, None] * 100)
NO_ID = pa.array(["|", " | ", None] * 100)
VECTORS = pa.array([[0.5, 1.0], [0.0, 2.0], None] * 100)
PIPED = '{ column = "genre", separator = "|" }'
HISTORY = 'history = [{ of = "item_id", where = "click" }]'

BAGS: dict[str, tuple[str, list[str]]] = {
    "unknown key": (
        'bags = [{ column = "tags", seperator = "|" }]',
        ["'seperator' of a bag", "did you mean 'separator'?"],
    ),
    "no column": ('bags = [{ separator = "|" }]', ["'column' is missing in `bags`", 'bags = ["tags"']),
    "no table": ("bags = [3]", ["`bags` holds 3", "the name of a column, or a table in braces"]),
    "empty separator": ('bags = [{ column = "genre", separator = "" }]', ["`bags` holds ''", "1 character"]),
    "length of 0": ('bags = [{ column = "tags", length = 0 }]', ["`bags` holds 0", "greater than or equal to 1"]),
    "length beyond all": ('bags = [{ column = "tags", length = 10001 }]', ["`bags` holds 10001", "10000"]),
    "unknown pooling": ('bags = [{ column = "tags", pooling = "max" }]', ["'max'", "'mean', 'sum' or 'attention'"]),
    "absent column": ('bags = ["tagz"]', ["no column 'tagz'", "did you mean 'tags'?"]),
    "twice": ('bags = ["tags", "tags"]', ["'tags' stands twice", "keep one"]),
    "an input too": (
        f'bags = ["tags", {{ column = "item_id", separator = "|" }}, {PIPED}]',
        ["'item_id'", "among the other inputs", "name it once"],
    ),
    "a label too": ('bags = [{ column = "click", separator = "|" }]', ["'click'", "leaks the answer", "take it out"]),
    "the timestamp too": ('bags = [{ column = "time", separator = "|" }]', ["'time'", "the timestamp"]),
    "the session too": ('bags = [{ column = "visit", separator = "|" }]', ["'visit'", "the session"]),
    "a number in bins too": (
        'binned = { genre = 3 }\nbags = [{ column = "genre", separator = "|" }]',
        ["'genre'", "among the other inputs"],
    ),
    "the split too": (
        'split = { column = "genre" }\nbags = [{ column = "genre", separator = "|" }]',
        ["'genre' is a bag and says how the log is split"],
    ),
    "of no input": ('bags = [{ column = "tags", of = "item" }]', ["'tags'", "'item'", "did you mean 'item_id'?"]),
    "attention to nothing": (
        'bags = [{ column = "tags", pooling = "attention" }]',
        ["attention compares the ids of 'tags'", 'of = "item_id"'],
    ),
    "ids that are others": ('bags = [{ column = "tags", of = "user_id" }]', ["'tags'", "'user_id'", "in the same way"]),
    "text without a separator": ('bags = ["genre"]', ["'genre' is string", "no list", 'separator = "|"']),
    "separator of a list": (
        'bags = [{ column = "tags", separator = "|" }]',
        ["'tags' is list", "take its `separator`"],
    ),
    "lists of lists": ('bags = ["nested"]', ["'nested' is list", "no bag of ids"]),
    "text of a list": (
        'bags = [{ column = "brackets", separator = "," }]',
        ["'brackets' holds \"['a', 'b']\" in row 1", "without brackets"],
    ),
    "lists of bytes": ('bags = ["bytes"]', ["'bytes' is list<", "ids are no bytes", "write them as text"]),
    "no id at all": ('bags = [{ column = "no_id", separator = "|" }]', ["'no_id'", "no id in any row", "take it out"]),
    "a bag as user input": ('bags = ["tags"]\nuser_inputs = ["tag"]', ["'tag'", "did you mean 'tags'?"]),
}
HISTORIES: dict[str, tuple[str, list[str]]] = {
    "no table": ('history = ["item_id"]', ["`history` holds 'item_id'", "a history is a table in braces"]),
    "unknown key": ('history = [{ of = "item_id", were = "click" }]', ["'were' of a history", "did you mean 'where'?"]),
    "of what": ('history = [{ where = "click" }]', ["'of' is missing in `history`", 'history = [{ of = "item_id"']),
    "of no input": ('history = [{ of = "item" }]', ["'item'", "no categorical input", "did you mean 'item_id'?"]),
    "of a number": ('history = [{ of = "price" }]', ["'price'", "no categorical input"]),
    "last of 0": ('history = [{ of = "item_id", last = 0 }]', ["`history` holds 0", "greater than or equal to 1"]),
    "absent event": ('history = [{ of = "item_id", where = "clik" }]', ["no column 'clik'", "did you mean 'click'?"]),
    "event of other values": ('history = [{ of = "item_id", where = "price" }]', ["'price' holds", "0 and 1", ">= 1"]),
    "event by a bag": (
        'bags = ["tags"]\nhistory = [{ of = "item_id", where = "tags is given" }]',
        ['`where = "tags is given"`', "'tags', which holds lists", "write a column of 0 and 1"],
    ),
    "event by a vector": (
        'vectors = ["vector"]\nhistory = [{ of = "item_id", where = "vector > 1" }]',
        ["'vector', which holds lists", "write a column of 0 and 1"],
    ),
    "event by the time": (
        'history = [{ of = "item_id", where = "time > 1700000000" }]',
        ["'time', which is the timestamp", "write a column of 0 and 1"],
    ),
    "event that never happens": (
        'history = [{ of = "item_id", where = "price > 1000" }]',
        ["empty in all rows", "`price > 1000`", "correct `where`"],
    ),
    "no condition": ('history = [{ of = "item_id", where = "a = b" }]', ["`history` holds 'a = b'", "comparison"]),
    "twice": (f"{HISTORY[:-1]}, {HISTORY[11:]}", ["stands twice", "by `column`"]),
    "name of a column": ('history = [{ of = "item_id", column = "price" }]', ["'price'", "name it once"]),
    "name of a label": ('history = [{ of = "item_id", column = "click" }]', ["'click'", "leaks the answer"]),
}


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table of lists and of texts in it."""
    monkeypatch.chdir(tmp_path)
    frame = own_table()
    arrays = {name: pa.array(frame[name]) for name in frame}
    more = {
        "tags": TAGS,
        "genre": NAMES,
        "nested": NESTED,
        "brackets": BRACKETS,
        "bytes": BYTES,
        "no_id": NO_ID,
        "vector": VECTORS,
    }
    parquet.write_table(pa.table({**arrays, **more}), "my_log.parquet")
    return tmp_path


def refusal(mtlbench: Any, here: Path, cache_dir: Path, description: str) -> str:
    """What a run on ``description`` is refused with, after which nothing is written."""
    (here / "my_log.toml").write_text(description)
    before = sorted(path for path in here.rglob("*") if path.is_file())
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert "my_log." in result.err
    assert sorted(path for path in here.rglob("*") if path.is_file()) == before
    assert not list(cache_dir.glob("table-*"))
    return str(result.err)


@pytest.mark.parametrize(("lines", "words"), [*BAGS.values(), *HISTORIES.values()], ids=[*BAGS, *HISTORIES])
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    lines: str, words: list[str], mtlbench: Any, here: Path, cache_dir: Path
) -> None:
    text = refusal(mtlbench, here, cache_dir, f"{DESCRIPTION.replace('csv', 'parquet')}{lines}\n")
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("line", ['user = "user_id"\n', 'timestamp = "time"\ntimestamp_unit = "s"\n'])
def test_a_history_needs_a_user_and_a_time(line: str, mtlbench: Any, here: Path, cache_dir: Path) -> None:
    description = DESCRIPTION.replace("csv", "parquet")
    assert line in description
    text = refusal(mtlbench, here, cache_dir, f"{description.replace(line, '')}{HISTORY}\n")
    assert "`history` needs `user` and `timestamp`" in text


def test_a_history_of_a_number_that_is_a_task_names_the_comparison(mtlbench: Any, here: Path, cache_dir: Path) -> None:
    spent = '{ name = "spent", column = "price", kind = "real" }'
    description = DESCRIPTION.replace('numerical = ["price"]\n', "").replace('"purchase"', spent)
    description = description.replace("csv", "parquet")
    text = refusal(mtlbench, here, cache_dir, f'{description}history = [{{ of = "item_id", where = "spent" }}]\n')
    assert '`where = "price >= 1"`' in text


def test_a_list_that_is_named_as_an_id_is_refused_with_the_bag(mtlbench: Any, here: Path, cache_dir: Path) -> None:
    description = DESCRIPTION.replace("csv", "parquet").replace('"item_id"]', '"item_id", "tags"]')
    text = refusal(mtlbench, here, cache_dir, description)
    assert "column 'tags' is list" in text
    assert 'bags = ["tags"]' in text


def test_a_history_without_two_times_is_refused(mtlbench: Any, here: Path, cache_dir: Path) -> None:
    table = parquet.read_table("my_log.parquet")
    place = table.column_names.index("time")
    parquet.write_table(table.set_column(place, "time", pa.array([1_700_000_000] * 300)), "my_log.parquet")
    text = refusal(mtlbench, here, cache_dir, f"{DESCRIPTION.replace('csv', 'parquet')}{HISTORY}\n")
    assert "no user has an earlier row for which `click` holds" in text


def test_the_table_itself_is_good(mtlbench: Any, here: Path) -> None:
    lines = f'bags = ["tags", {PIPED}]\n{HISTORY}\nuser_inputs = ["history of item_id where click"]\n'
    (here / "my_log.toml").write_text(DESCRIPTION.replace("csv", "parquet") + lines)
    result = mtlbench("run", "--dataset", "table[schema=my_log.toml]", *RUN, "--epochs", 1)
    assert result.code == 0, result.err
