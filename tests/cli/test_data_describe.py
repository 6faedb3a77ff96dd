"""``mtlbench data describe``: the profile, the draft, and that the draft runs as it is."""

import datetime
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from case_logs import visits
from own_tables import own_table
from pyarrow import parquet

from mtlbench_plugins.datasets.table import Table
from mtlbench_plugins.describing.leaks import alone

DRAFT = """\
# A draft: check each line. An input must be known before the outcome is.
# the tasks are a guess, by names and values: click, purchase; check that each is an outcome of its row, and that each \
can happen only after the one before. --task names others
files = "my_log.csv"
tasks = ["click", "purchase"]
relation = "funnel"
categorical = ["user_id", "item_id"]
numerical = ["price"]
timestamp = "time"
timestamp_unit = "s"
user = "user_id"
session = "visit"
"""


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def save(frame: pd.DataFrame, name: str = "my_log.csv") -> Path:
    frame.to_csv(name, index=False)
    return Path(name)


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_draft_of_a_plain_log_is_what_one_would_write(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", save(own_table()))
    assert result.code == 0
    assert result.out.endswith(DRAFT)


def test_the_profile_has_rows_missing_values_rates_funnel_and_session_lengths(mtlbench: Any, here: Path) -> None:
    text = words(mtlbench("data", "describe", save(own_table())).out)
    frame = own_table()
    assert "my_log.csv: 300 rows; 7 columns" in text
    assert f"item_id text 3 {frame['item_id'].isna().mean():.2%} categorical" in text
    assert "price number 290 0.33% numerical -3.899 to 2.119" in text
    assert "click 100 33.3333%" in text
    assert "purchase 50 16.6667% 50.00% of click" in text
    assert "from 2023-11-14 22:13:20 UTC to 2023-11-15 03:12:20 UTC" in text
    lengths = frame["visit"].value_counts()
    assert f"sessions (visit) {len(lengths)}" in text
    assert f"mean {lengths.mean():.1f}, median {lengths.median():.0f}" in text
    assert f"most {lengths.max()}; {(lengths == 1).mean():.0%} have one" in text


def test_the_draft_is_written_once_and_runs_as_it_is(mtlbench: Any, here: Path) -> None:
    (here / "data").mkdir()
    (here / "about").mkdir()
    save(own_table(), "data/my_log.csv")
    result = mtlbench("data", "describe", "data/my_log.csv", "--toml", "about/my_log.toml")
    assert result.code == 0
    assert 'files = "../data/my_log.csv"' in (here / "about/my_log.toml").read_text()
    assert "mtlbench advise about/my_log.toml --out advice, or mtlbench run --dataset" in result.err
    assert "mtlbench run --dataset 'table[schema=about/my_log.toml]'" in result.err
    study = ("--dataset", "table[schema=about/my_log.toml]", "--backbone", "ple", "--seeds", 1, "--epochs", 1)
    assert mtlbench("run", *study, "--jobs", 1, "--quiet").code == 0
    again = mtlbench("data", "describe", "data/my_log.csv", "--toml", "about/my_log.toml")
    assert again.code == 2
    assert "exists already" in again.err
    assert again.out == ""


def as_tsv() -> str:
    own_table().to_csv("log.tsv", index=False, sep="\t")
    return "log.tsv"


def as_semicolons() -> str:
    own_table().to_csv("log.csv", index=False, sep=";")
    return "log.csv"


def as_gzip() -> str:
    Path("log.csv.gz").write_bytes(gzip.compress(own_table().to_csv(index=False).encode()))
    return "log.csv.gz"


def as_parquet() -> str:
    own_table().to_parquet("log.parquet")
    return "log.parquet"


def as_folder() -> str:
    Path("days").mkdir()
    own_table()[:150].to_csv("days/1.csv", index=False)
    own_table()[150:].to_csv("days/2.csv", index=False)
    return "days"


@pytest.mark.parametrize("write", [as_tsv, as_semicolons, as_gzip, as_parquet, as_folder])
def test_every_form_of_a_table_is_described_and_the_draft_reads_it(
    write: Callable[[], str], mtlbench: Any, here: Path
) -> None:
    name = write()
    result = mtlbench("data", "describe", name, "--toml", "log.toml")
    assert result.code == 0, result.err
    assert f"{name}: 300 rows" in result.out
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert len(log.frame) == 300
    assert [*log.task_names, *log.categorical, *log.numerical] == ["click", "purchase", "user_id", "item_id", "price"]


def test_what_alone_predicts_a_label_is_left_out_and_called_a_suspect(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    random = np.random.default_rng(1)
    frame["seconds_watched"] = np.where(frame["click"] == 1, random.gamma(3, 10, size=300), 0).round(2)
    frame["order_number"] = np.where(frame["purchase"] == 1, np.arange(300), np.nan)
    result = mtlbench("data", "describe", save(frame))
    text = words(result.out)
    assert "seconds_watched (leak suspect: alone it predicts click with AUC 1.000)" in text
    assert "order_number (leak suspect: alone it predicts purchase" in text
    assert 'numerical = ["price"]' in result.out


def test_a_column_that_says_little_is_no_suspect() -> None:
    random = np.random.default_rng(0)
    label = random.random(20_000) < 0.1
    noise = pd.Series(random.integers(5000, size=20_000))
    assert abs(alone(noise, label) - 0.5) < 0.05
    shifted = pd.Series(random.normal(size=20_000) + label)
    assert 0.7 < alone(shifted, label) < 0.8
    assert alone(pd.Series(np.where(label, "a", "b")), label) == 1
    assert alone(pd.Series(np.zeros(20_000)), label) == pytest.approx(0.5)


def test_what_teaches_nothing_is_left_out_with_the_reason(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    frame["constant"], frame["request"] = "x", [f"r{number}" for number in range(300)]
    frame["day"] = pd.to_datetime(frame["time"], unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    text = words(mtlbench("data", "describe", save(frame)).out)
    assert "# left out: constant (one value alone)" in text
    assert "# left out: request (a value of its own in each row)" in text
    assert 'timestamp = "day"' in text


def test_labels_that_form_no_funnel_are_parallel_and_words_become_a_rule(mtlbench: Any, here: Path) -> None:
    frame = own_table().drop(columns=["purchase", "time", "visit"])
    frame["income"] = np.where(np.arange(300) % 7 == 0, ">50K", "<=50K")
    result = mtlbench("data", "describe", save(frame))
    assert 'tasks = ["click", { name = "income", column = "income", equals = ">50K" }]' in result.out
    assert 'relation = "parallel"' in result.out
    assert "income (1 where it is '>50K')" in result.out
    assert "timestamp" not in result.out


def test_a_log_without_outcomes_gets_a_hint(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", save(own_table().drop(columns=["click", "purchase"])))
    assert result.code == 0
    assert "tasks = []  # no column looks like an outcome" in result.out


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Path("absent.csv"), "absent.csv is not there"),
        (lambda: Path("notes.txt").write_text("hello") and Path("notes.txt"), "notes.txt is no table by its name"),
        (lambda: save(own_table()[:0]), "no rows"),
        (
            lambda: save(own_table().rename(columns={"price": "=" * 1_000_000})),
            "the name of column 3 has 1,000,000 characters, more than 1,000 ('====",
        ),
    ],
)
def test_what_cannot_be_described_exits_2(make: Callable[[], Path], message: str, mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", make(), "--toml", "new.toml")
    assert result.code == 2
    assert message in result.err
    assert result.out == ""
    assert not (here / "new.toml").exists()


# What would be silently wrong.


def lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_ids_beyond_2_to_the_63_are_ids(write: str, mtlbench: Any, here: Path) -> None:
    frame = visits()
    frame["user_id"] = frame["user_id"].astype("uint64") + np.uint64(2**64 - 100)
    frame.to_csv("log.csv", index=False)
    frame.to_parquet("log.parquet")
    text = mtlbench("data", "describe", f"log.{write}").out
    assert 'user = "user_id"' in text
    assert "session_id" in lines(text, "session = ")[0]
    assert '"user_id"' in lines(text, "categorical = ")[0]
    assert f"users {frame['user_id'].nunique()}" in words(text)


def test_ids_with_gaps_keep_their_last_digits(mtlbench: Any, here: Path) -> None:
    frame = visits()
    big = (frame["item_id"] + 2**62).astype("Int64").where(frame.index % 50 > 0)
    text = words(mtlbench("data", "describe", save(frame.assign(item_id=big))).out)
    assert f"item_id integer {frame['item_id'].nunique()} 2.00% categorical" in text
    assert f"to {2**62 + frame['item_id'].max()}" in text


def test_sessions_are_counted_by_user_and_shared_ids_are_named(mtlbench: Any, here: Path) -> None:
    frame = visits()
    text = words(mtlbench("data", "describe", save(frame)).out)
    pairs = frame[["user_id", "session_id"]].drop_duplicates()
    assert f"sessions (session_id) {len(pairs)}" in text
    shared = pairs["session_id"][pairs["session_id"].duplicated()].nunique()
    assert f"session ids of several users {shared}; a session is one user's" in text


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"])
def test_dates_written_as_numbers_are_drafted_with_their_form_and_read(form: str, mtlbench: Any, here: Path) -> None:
    frame = visits()
    frame["time"] = pd.to_datetime(frame["time"], unit="s").dt.strftime(form).astype("int64")
    text = mtlbench("data", "describe", save(frame), "--toml", "log.toml").out
    assert "from 2023-11-14" in words(text)
    draft = (here / "log.toml").read_text()
    assert f'timestamp = "time"\ntimestamp_format = "{form}"\n' in draft
    assert "timestamp_unit" not in draft
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert (
        pd.to_datetime(log.frame["time"], unit="ms").dt.strftime(form).astype("int64").tolist()
        == frame["time"].tolist()
    )


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%Y%m%dT%H%M%SZ", "%a %b %d %H:%M:%S %Y"],
)
def test_times_as_text_are_the_timestamp_and_no_input(form: str, mtlbench: Any, here: Path) -> None:
    frame = visits()
    frame["time"] = pd.to_datetime(frame["time"], unit="s").dt.strftime(form)
    mtlbench("data", "describe", save(frame), "--toml", "log.toml")
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert log.timestamp == "time"
    assert log.frame["time"].tolist() == (visits()["time"] * 1000).tolist()
    assert "time" not in [*log.categorical, *log.numerical]


def test_dates_of_mixed_zones_are_the_timestamp(mtlbench: Any, here: Path) -> None:
    frame = visits()
    moments = pd.to_datetime(frame["time"], unit="s").astype(str)
    frame["time"] = moments.where(frame.index % 2 == 0, moments + "+08:00")
    assert 'timestamp = "time"\n' in mtlbench("data", "describe", save(frame)).out


def test_dates_in_doubt_are_left_out_and_said_how_to_name(mtlbench: Any, here: Path) -> None:
    frame = visits().assign(time=lambda frame: [f"0{1 + row % 9}/0{1 + row % 7}/2024" for row in range(len(frame))])
    text = mtlbench("data", "describe", save(frame)).out
    assert "# left out: time (dates whose day and month cannot be told apart" in text
    assert '# timestamp = "time"\n# timestamp_format = "%d/%m/%Y %H:%M"' in text
    assert "time" not in lines(text, "categorical")[0]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("when", "%m/%d/%y"),
        ("when", "%d-%b-%y %I.%M.%S %p"),
        ("when", "%Y-%m-%d-%H-%M-%S"),
        ("when", "%Y_%m_%d %H:%M:%S"),
        ("when", "%Y-%m-%d %H:%M:%S EST"),
        ("when", "%G-W%V-%u"),
        ("time", "%H h %M, day %j of %Y"),
    ],
)
def test_times_that_cannot_be_read_are_no_inputs(name: str, form: str, mtlbench: Any, here: Path) -> None:
    frame = visits()
    texts = pd.to_datetime(frame.pop("time"), unit="s").dt.strftime(form)
    text = mtlbench("data", "describe", save(frame.assign(**{name: texts}))).out
    assert f"# left out: {name} (a time that cannot be read in every row" in text
    assert f'# timestamp = "{name}"\n# timestamp_format =' in text
    assert name not in lines(text, "categorical")[0]


@pytest.mark.parametrize(
    "texts", [["morning", "night"], ["1.2.3", "2.10.0"], ["A-12-34-5", "B-1-2-3"], ["24/7", "9-5"]]
)
def test_words_and_codes_are_no_times(texts: list[str], mtlbench: Any, here: Path) -> None:
    frame = visits().assign(part=lambda frame: np.resize(texts, len(frame)))
    assert "part" in lines(mtlbench("data", "describe", save(frame)).out, "categorical")[0]


def test_relative_times_are_left_out_and_said_how_to_name(mtlbench: Any, here: Path) -> None:
    frame = visits()
    frame["time"] -= frame["time"].min()
    text = mtlbench("data", "describe", save(frame)).out
    assert "# left out: time (a time by its name, and no date of our time" in text
    assert '# timestamp = "time"\n# timestamp_unit = "s"\n# relative_time = true' in text
    assert "time" not in lines(text, "numerical")[0]


def test_missing_times_are_noted(mtlbench: Any, here: Path) -> None:
    frame = visits().assign(time=lambda frame: frame["time"].where(frame.index % 3 > 0, 0))
    text = words(mtlbench("data", "describe", save(frame)).out)
    assert "'time' holds 0 in row 2, the epoch's start (1970-01-01 00:00:00), as 500 of 1,500 rows do" in text


ODD_TYPES = {
    "time64": pa.time64("us"),
    "time32": pa.time32("s"),
    "duration": pa.duration("s"),
    "list of numbers": pa.list_(pa.float64()),
    "list of lists": pa.list_(pa.list_(pa.int64())),
    "list of structs": pa.list_(pa.struct([("a", pa.int64())])),
    "map": pa.map_(pa.string(), pa.int64()),
    "bytes": pa.binary(),
    "fixed bytes": pa.binary(2),
    "null": pa.null(),
}
ODD_VALUES: dict[str, Any] = {
    "duration": [5, 6],
    "list of numbers": [[0.5], None],
    "list of lists": [[[1]], None],
    "list of structs": [[{"a": 1}], [{"a": 2}]],
    "map": [[("k", 1)], []],
    "bytes": [b"\xff\xfe", b"ok"],
    "fixed bytes": [b"\xff\xfe", b"ok"],
    "null": [None, None],
}


@pytest.mark.parametrize("name", ODD_TYPES)
def test_a_column_of_any_type_is_named_as_left_out_with_the_reason(name: str, mtlbench: Any, here: Path) -> None:
    frame = visits()
    values = ODD_VALUES.get(name, [datetime.time(13, 45), datetime.time(14, 50)]) * (len(frame) // 2)
    odd = pa.array(values, ODD_TYPES[name])
    parquet.write_table(pa.table({**{one: pa.array(frame[one]) for one in frame}, "odd": odd}), "log.parquet")
    result = mtlbench("data", "describe", "log.parquet", "--toml", "log.toml")
    assert result.code == 0, result.err
    [line] = lines((here / "log.toml").read_text(), "# left out: odd (")
    assert len(line) > len("# left out: odd ()") + 8
    assert "odd" in result.out
    assert len(Table(Table.Params(schema_=Path("log.toml"))).load(here).frame) == len(frame)


def test_the_fields_of_a_struct_and_the_names_of_folders_are_columns(mtlbench: Any, here: Path) -> None:
    frame = visits()
    odd = pa.array([{"a": 1.5, "b": [1]}, {"a": 2.5, "b": None}] * (len(frame) // 2))
    table = pa.table({**{one: pa.array(frame[one]) for one in frame}, "odd": odd})
    for land in ("no", "pe"):
        path = Path("parts") / f"land={land}"
        path.mkdir(parents=True)
        parquet.write_table(table, path / "part.parquet")
    result = mtlbench("data", "describe", "parts", "--toml", "log.toml")
    assert result.code == 0, result.err
    text = (here / "log.toml").read_text()
    assert "odd.a" in lines(text, "numerical")[0]
    assert "odd.b" in text
    assert '"land"' in lines(text, "categorical")[0]  # of both files, though the first has one value
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert log.frame["land"].value_counts().to_dict() == {"no": len(frame), "pe": len(frame)}


def test_a_time_of_day_in_a_csv_is_named_as_left_out(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "describe", save(visits().assign(clock=["13:45", "14:50:00"] * 750)))
    assert result.code == 0
    assert "# left out: clock (a time of day: join it with its date to the time of the row, or write" in result.out


def test_every_column_that_is_left_out_has_a_reason(mtlbench: Any, here: Path) -> None:
    frame = visits()
    frame["like"] = (frame["price"] > 20).astype(float).where(frame.index % 2 == 0)
    frame["row_id"], frame["constant"], frame["day"] = np.arange(len(frame)), 1, "2024-05-31"
    frame["opened_at"] = pd.to_datetime(frame["time"], unit="s")
    text = mtlbench("data", "describe", save(frame)).out
    left = lines(text, "# left out: ")
    assert {line.split()[3] for line in left} == {"like", "row_id", "constant", "day", "time"}
    assert all(re.fullmatch(r"# left out: \w+ \(.{10,}\)", line) for line in left), left
    assert "# left out: like (an outcome by its name, not observed in 750 rows" in text


def test_a_copy_of_a_label_is_no_third_task(mtlbench: Any, here: Path) -> None:
    frame = visits()
    frame["ctcvr_label"] = frame["purchase"]
    frame["is_order"] = frame["purchase"].where(frame.index != 5, 1 - frame["purchase"])
    text = mtlbench("data", "describe", save(frame)).out
    assert 'tasks = ["click", "purchase"]' in text
    assert "# left out: ctcvr_label (a copy of purchase: equal in 100.00% of the rows)" in text
    assert "# left out: is_order (a copy of purchase: equal in 99.93% of the rows)" in text


def test_the_opposite_of_a_label_is_no_third_task(mtlbench: Any, here: Path) -> None:
    text = mtlbench("data", "describe", save(visits().assign(no_click=lambda frame: 1 - frame["click"]))).out
    assert 'tasks = ["click", "purchase"]' in text
    assert "# left out: no_click (the opposite of click: equal in 0.00% of the rows)" in text


def test_an_outcome_coded_1_and_2_is_no_input(mtlbench: Any, here: Path) -> None:
    text = mtlbench("data", "describe", save(visits().assign(click=lambda frame: frame["click"] + 1))).out
    assert 'tasks = ["purchase"]' in text
    assert "# left out: click (an outcome by its name, of 1 and 2: to use it, name it as a task with a rule)" in text


def test_large_numbers_that_differ_in_each_row_are_left_out(mtlbench: Any, here: Path) -> None:
    frame = visits()
    for name, start in {"hash": 2**53, "checksum": 2**63}.items():
        frame[name] = np.arange(len(frame)).astype("uint64") * np.uint64(1_000_003) + np.uint64(start)
    text = mtlbench("data", "describe", save(frame)).out
    assert len(lines(text, "# left out: hash (a value of its own in each row)")) == 1
    assert len(lines(text, "# left out: checksum (a value of its own in each row)")) == 1


def test_rare_labels_are_no_copies_of_one_another(mtlbench: Any, here: Path) -> None:
    frame = own_table(3000).drop(columns=["click", "purchase"])
    for name, rows in {"follow": [3, 1500], "share": [7, 2500]}.items():
        frame[name] = frame.reset_index().index.isin(rows).astype(int)
    assert 'tasks = ["follow", "share"]' in mtlbench("data", "describe", save(frame)).out


@pytest.mark.parametrize("scale", [1.0, 1e307, 1e-307])
def test_a_count_of_the_label_over_the_whole_log_is_a_suspect(mtlbench: Any, here: Path, scale: float) -> None:
    frame = visits()
    frame["n_clicks_total"] = frame.groupby("user_id")["click"].transform("sum") * scale
    frame["user_rate"] = frame.groupby("user_id")["purchase"].transform("mean")
    frame["age"] = frame["user_id"].map(lambda user: 20 + user * 7 % 53)
    text = mtlbench("data", "describe", save(frame)).out
    assert "# left out: n_clicks_total (leak suspect: it counts click over all rows of its user_id)" in text
    assert "# left out: user_rate (leak suspect: it counts purchase over all rows of its user_id)" in text
    assert "left out: age" not in text


def test_repeated_rows_of_a_random_split_are_noted(mtlbench: Any, here: Path) -> None:
    frame = visits().drop(columns=["time", "session_id"])
    twice = pd.concat([frame, frame[:300]])
    text = words(mtlbench("data", "describe", save(twice)).out)
    assert f"{twice.duplicated().mean():.1%} of the rows equal an earlier row" in text
    assert "equal an earlier row" not in words(mtlbench("data", "describe", save(visits())).out)


def test_files_that_disagree_on_a_type_are_noted(mtlbench: Any, here: Path) -> None:
    Path("days").mkdir()
    visits()[:700].to_parquet("days/1.parquet")
    visits()[700:].astype({"item_id": "float64"}).to_parquet("days/2.parquet")
    text = words(mtlbench("data", "describe", "days").out)
    assert "the files disagree on a type: item_id is int64 in days/1.parquet and double in days/2.parquet" in text


EVENTS = {
    "words": ("event", ["view", "click", "purchase"]),
    "shop": ("action_type", ["pv", "cart", "buy"]),
    "capitals": ("eventType", ["VIEW", "LIKE", "COMMENT CREATED"]),
    "codes": ("behavior_type", [1, 3, 4]),
    "unnamed": ("what", ["page_view", "add_to_cart", "transaction"]),
}


def events(name: str) -> pd.DataFrame:
    column, kinds = EVENTS[name]
    frame = visits()
    happened = np.select([frame["purchase"] == 1, frame["click"] == 1], [kinds[2], kinds[1]], kinds[0])
    return frame.drop(columns=["click", "purchase"]).assign(**{column: happened})


@pytest.mark.parametrize("name", EVENTS)
def test_a_log_of_events_is_recognised_and_the_way_to_impressions_runs(name: str, mtlbench: Any, here: Path) -> None:
    column, kinds = EVENTS[name]
    frame = events(name)
    text = mtlbench("data", "describe", save(frame)).out
    assert f"this is a log of events: column '{column}' says what happened" in words(text)
    assert f"# left out: {column} (what happened, one event in a row)" in text
    code = "\n".join(line.removeprefix("#     ") for line in lines(text, "#     "))
    exec(code, {})
    made = pd.read_csv("impressions.csv")
    for kind in map(str, kinds[1:]):
        by_hand = (frame[column].astype(str) == kind).groupby([frame["user_id"], frame["session_id"], frame["item_id"]])
        expected = by_hand.max().astype(int)
        found = made.set_index(["user_id", "session_id", "item_id"])[kind]
        assert found.to_dict() == expected.to_dict()


def test_a_column_of_pages_is_no_event(mtlbench: Any, here: Path) -> None:
    frame = visits().assign(page=["home", "search", "cart"] * 500, device_type=["phone", "tablet", "desk"] * 500)
    text = mtlbench("data", "describe", save(frame)).out
    assert "log of events" not in text
    assert '"page"' in lines(text, "categorical = ")[0]


def test_an_event_beside_labels_is_an_outcome(mtlbench: Any, here: Path) -> None:
    frame = visits().assign(last_event=lambda frame: np.where(frame["click"] == 1, "click", "view"))
    text = mtlbench("data", "describe", save(frame)).out
    assert "# left out: last_event (what happened: not known at the impression)" in text
    assert 'tasks = ["click", "purchase"]' in text


def test_a_file_in_utf_16_is_refused_with_the_remedy(mtlbench: Any, here: Path) -> None:
    Path("log.csv").write_text(visits().to_csv(index=False), encoding="utf-16")
    result = mtlbench("data", "describe", "log.csv")
    assert result.code == 2
    assert "UTF-16 text: save it as UTF-8" in result.err


# Tasks of other kinds, stages, and labels that were not observed.


def candidates(text: str) -> dict[str, str]:
    """The tasks that a draft offers as comments, by name, each with the reason."""
    return {line.split('"')[1]: line.removeprefix("#   ") for line in lines(text, "#   { name")}


def rated() -> pd.DataFrame:
    """Visits with seconds watched, 0 without a click, and ratings from 1 to 5, given by some who clicked."""
    random = np.random.default_rng(3)
    frame = visits()
    click = frame["click"] == 1
    return frame.assign(
        seconds=np.where(click, random.gamma(2, 20, size=len(frame)).round(1), 0.0),
        rated=(click & (random.random(len(frame)) < 0.5)).astype(int),
        rating=lambda frame: pd.Series(random.integers(1, 6, size=len(frame))).where(frame["rated"] == 1),
    )


def test_numbers_that_go_with_a_task_are_offered_as_tasks_with_the_reason(mtlbench: Any, here: Path) -> None:
    frame = rated()
    text = mtlbench("data", "describe", save(frame)).out
    assert 'tasks = ["click", "purchase"]' in text
    offered = candidates(text)
    assert set(offered) == {"seconds", "rating"}
    assert offered["seconds"].startswith(
        '{ name = "seconds", kind = "nonnegative", after = "click", within = true },  # '
        f"{frame['seconds'].nunique()} values from 0 to "
    )
    assert offered["seconds"].endswith(", 0 wherever click is 0")
    assert offered["rating"] == (
        '{ name = "rating", kind = "real", observed = "rated == 1" },  # '
        "5 values from 1 to 5, missing only where rated is 0"
    )
    assert "# left out: rated (says where rating was observed)" in text
    assert not {"seconds", "rating", "rated"} & {*re.findall(r"\w+", " ".join(lines(text, "categorical")))}
    assert lines(text, "numerical = ") == ['numerical = ["price"]']
    assert "rating real 5 values from 1 to 5, missing only where rated is 0" in words(text)


def test_what_is_offered_can_be_used_as_it_is(mtlbench: Any, here: Path) -> None:
    mtlbench("data", "describe", save(rated()), "--toml", "log.toml")
    draft = (here / "log.toml").read_text()
    tasks = ", ".join(line.partition(",  #")[0] for line in candidates(draft).values())
    draft = draft.replace('relation = "funnel"\n', "")
    (here / "log.toml").write_text(draft.replace('"purchase"]', f'{{ name = "purchase", after = "click" }}, {tasks}]'))
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert [task.kind for task in log.described_tasks] == ["binary", "binary", "nonnegative", "real"]
    assert log.frame["seconds"].notna().sum() == rated()["click"].sum()
    assert log.frame["rating"].notna().sum() == rated()["rated"].sum()


def test_a_log_of_ratings_alone_is_drafted_as_it_can_run(mtlbench: Any, here: Path) -> None:
    frame = (
        rated().drop(columns=["click", "purchase", "seconds", "rated"]).assign(rating=lambda f: f.index % 9 // 2 + 1)
    )
    assert mtlbench("data", "describe", save(frame), "--toml", "log.toml").code == 0
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert [(task.name, task.kind) for task in log.described_tasks] == [("rating", "real")]
    zeros = frame.assign(rating=frame["rating"].where(frame.index % 4 > 0, 0))
    text = mtlbench("data", "describe", save(zeros)).out
    assert '{ name = "rating", kind = "real", observed = "rating > 0" },  # an outcome by its name, 6 values' in text


def test_a_number_of_any_sign_is_offered_as_real(mtlbench: Any, here: Path) -> None:
    margin = pd.Series(np.random.default_rng(0).normal(size=1500).round(2))
    text = mtlbench("data", "describe", save(visits().assign(margin=margin))).out
    assert candidates(text)["margin"].startswith('{ name = "margin", kind = "real" },  # an outcome by its name')


def test_a_number_with_gaps_of_its_own_is_offered_where_it_is_given(mtlbench: Any, here: Path) -> None:
    frame = rated().assign(spend=lambda frame: frame["price"].where(frame.index % 7 > 0))
    assert (
        'kind = "nonnegative", observed = "spend is given" }'
        in candidates(mtlbench("data", "describe", save(frame)).out)["spend"]
    )


def test_a_label_with_gaps_is_offered_where_it_was_observed(mtlbench: Any, here: Path) -> None:
    frame = visits()
    frame["follow"] = pd.Series(frame.index % 3 == 0).astype(float).where(frame["click"] == 1)
    frame["like"] = pd.Series(frame.index % 4 == 0).astype(float).where(frame.index % 5 > 0)
    offered = candidates(mtlbench("data", "describe", save(frame)).out)
    assert offered["follow"].startswith('{ name = "follow", after = "click", within = true },  # 0 and 1, missing only')
    assert offered["like"].startswith('{ name = "like", observed = "like is given" },  # 0 and 1, with gaps')


def test_an_earlier_stage_is_a_task_and_no_leak(mtlbench: Any, here: Path) -> None:
    frame = visits()
    random = np.random.default_rng(4)
    frame["opened"] = ((frame["click"] == 1) | (random.random(len(frame)) < 0.05)).astype(int)
    frame["vip"] = (random.random(len(frame)) < 0.5).astype(int)
    text = mtlbench("data", "describe", save(frame)).out
    assert 'tasks = ["opened", "click", "purchase"]\nrelation = "funnel"' in text
    assert "# opened is a task: it is 1 wherever click is 1, as its earlier stage" in text
    assert "leak" not in text
    assert '"vip"' in lines(text, "categorical = ")[0]


def test_numbers_known_before_are_no_tasks(mtlbench: Any, here: Path) -> None:
    frame = visits().assign(item_rating=lambda f: f["item_id"] % 5 + 1, avg_spend=lambda f: f["price"] * 2, age=30.5)
    frame["age"] += frame.index % 60
    text = mtlbench("data", "describe", save(frame)).out
    assert candidates(text) == {}
    assert lines(text, "numerical = ") == ['numerical = ["price", "avg_spend", "age"]']


def test_vectors_splits_and_skewed_numbers_are_drafted(mtlbench: Any, here: Path) -> None:
    frame = own_table().reset_index(drop=True)
    random = np.random.default_rng(0)
    place = np.arange(len(frame))
    arrays = {name: pa.array(frame[name]) for name in frame}
    arrays["embedding"] = pa.array(random.normal(size=(len(frame), 4)).round(3).tolist())
    arrays["lengths"] = pa.array([[0.5] * (1 + row % 3) for row in place])
    arrays["part"] = pa.array(np.select([place % 10 < 6, place % 10 < 8], ["train", "validation"], "test"))
    arrays["reach"] = pa.array(np.exp(3 * random.normal(size=len(frame))))
    parquet.write_table(pa.table(arrays), "log.parquet")
    result = mtlbench("data", "describe", "log.parquet", "--toml", "log.toml")
    assert result.code == 0, result.err
    text = (here / "log.toml").read_text()
    assert 'vectors = ["embedding"]' in text
    assert 'split = { column = "part" }' in text
    assert '# binned = { "reach" = 20 }  # not in `numerical` then' in text
    assert lines(text, "# left out: lengths (")
    log = Table(Table.Params(schema_=Path("log.toml"))).load(here)
    assert log.splitting.column == "part"
    assert list(log.vectors) == ["embedding"]
    assert "part" not in log.categorical
    bins = text.replace("# binned", "binned").replace(', "reach"]', "]")
    assert bins != text
    Path("log.toml").write_text(bins)
    assert dict(Table(Table.Params(schema_=Path("log.toml"))).load(here).binned) == {"reach": 20}


def test_a_column_named_as_a_split_that_holds_something_else_is_an_input(mtlbench: Any, here: Path) -> None:
    frame = own_table().assign(fold=lambda frame: np.arange(len(frame)) % 5)
    text = mtlbench("data", "describe", save(frame)).out
    assert "split = " not in text
    assert '"fold"' in lines(text, "categorical = ")[0]


def test_times_of_days_alone_make_no_sessions_of_pauses(mtlbench: Any, here: Path) -> None:
    frame = own_table().drop(columns="visit")
    frame["time"] = (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(frame)) // 10, "D")).strftime(
        "%Y-%m-%d"
    )
    text = mtlbench("data", "describe", save(frame)).out
    assert "sessions           none: the times are days alone" in text
    assert '# session_rule = "user-day"\n' in text
    assert "gap30m" not in text
    frame["time"] += " 10:30"
    frame.loc[0, "time"] = "2024-01-01 10:31"
    assert '\nsession_rule = "user-gap30m"\n' in mtlbench("data", "describe", save(frame)).out


def test_infinite_numbers_are_left_out_with_the_remedy(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    frame["price"] = frame["price"].astype("float64")
    frame.loc[[3, 4], "price"] = [np.inf, -np.inf]
    result = mtlbench("data", "describe", save(frame))
    assert "# left out: price (infinite in 2 of 300 rows: make it finite, or add it to `missing`)" in result.out
    assert result.err == ""


def test_a_date_that_is_none_is_named(mtlbench: Any, here: Path) -> None:
    frame = own_table()
    frame["time"] = (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(frame)), "D")).strftime("%Y-%m-%d")
    frame.loc[7, "time"] = "2024-13-45"
    text = mtlbench("data", "describe", save(frame)).out
    assert (
        "# left out: time (a time that cannot be read in 1 of 300 rows, such as '2024-13-45': correct or drop them, "
        "else the split is random)"
    ) in text
    assert '# timestamp = "time"  # once it can be read in each row' in text


def test_tasks_that_somebody_named_are_no_guess(mtlbench: Any, here: Path) -> None:
    text = mtlbench("data", "describe", save(own_table()), "--task", "click", "--task", "purchase").out
    assert 'tasks = ["click", "purchase"]' in text
    assert "guess" not in text
