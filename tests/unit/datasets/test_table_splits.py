"""The key ``split`` of a description, from the text to the encoded splits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_tables import DESCRIPTION, own_table

from mtlbench import api
from mtlbench.data.building import build
from mtlbench_plugins.datasets.table import Table

NOWHERE = Path("not read")
START = 1_700_000_000
"""2023-11-14 22:13:20 UTC."""


def splits(folder: Path, line: str, frame: pd.DataFrame | None = None, text: str = DESCRIPTION) -> api.Splits:
    """The splits of ``frame`` under a description with one more line."""
    (own_table() if frame is None else frame).to_csv(folder / "my_log.csv", index=False)
    (folder / "my_log.toml").write_text(f"{text}{line}\n")
    table = Table(Table.Params(schema_=folder / "my_log.toml"))
    return build(table.load(NOWHERE), "table", "key")


def sizes(found: api.Splits) -> list[int]:
    return [len(split) for split in found.parts().values()]


@pytest.mark.parametrize(
    ("split", "rows", "fact"),
    [
        ("{}", [180, 60, 60], None),
        ("{ fractions = [0.8, 0.1, 0.1] }", [240, 30, 30], "8:1:1 by time"),
        (
            "{ validation_from = 2023-11-15T00:13:20, test_from = '2023-11-15T03:13:20+01:00' }",
            [120, 120, 60],
            "at 2023-11-15 00:13:20 UTC and 2023-11-15 02:13:20 UTC",
        ),
        (
            "{ validation_from = 2023-11-15, test_from = 1700014400 }",
            [107, 133, 60],
            "at 2023-11-15 00:00:00 UTC and 2023-11-15 02:13:20 UTC",
        ),
    ],
)
def test_fractions_and_dates_say_how_many_rows_each_split_has(
    tmp_path: Path, split: str, rows: list[int], fact: str | None
) -> None:
    found = splits(tmp_path, f"split = {split}")
    assert sizes(found) == rows
    assert found.facts.get("split") == fact


def test_relative_times_are_cut_at_numbers_of_their_unit(tmp_path: Path) -> None:
    frame = own_table().assign(time=lambda frame: frame["time"] - START)
    text = DESCRIPTION.replace('timestamp_unit = "s"', 'timestamp_unit = "s"\nrelative_time = true')
    assert sizes(splits(tmp_path, "split = { validation_from = 6000, test_from = 12000 }", frame, text)) == [
        100,
        100,
        100,
    ]


def test_all_rows_of_a_user_are_in_one_split_and_the_seed_draws_them(tmp_path: Path) -> None:
    def users(line: str) -> list[set[int]]:
        return [set(split.user.tolist()) for split in splits(tmp_path, line).parts().values()]

    drawn = users("split = { by_user = true }")
    assert [len(one) for one in drawn] == [7, 2, 3]
    assert len(set.union(*drawn)) == 12
    table = own_table()
    tests = set()
    for seed in range(3):
        found = splits(tmp_path, f"split = {{ by_user = true, seed = {seed} }}")
        tests.add(frozenset(found.test.timestamp.tolist()))
    assert len(tests) > 1
    assert len(table) == sum(sizes(found))


def test_a_column_says_the_split(tmp_path: Path) -> None:
    frame = own_table()
    frame["part"] = np.where(frame["user_id"] < 7, "train", np.where(frame["user_id"] < 9, "validation", "test"))
    found = splits(tmp_path, 'split = { column = "part" }', frame)
    assert sizes(found) == frame["part"].value_counts()[["train", "validation", "test"]].tolist()
    assert sorted(found.test.timestamp) == sorted(frame.loc[frame["part"] == "test", "time"] * 1000)
    assert "are later than the first test row" in found.warnings[0]


def with_part(value: object) -> Callable[[], pd.DataFrame]:
    def frame() -> pd.DataFrame:
        table = own_table().sort_values("time").assign(part=np.repeat(["train", "validation", "test"], 100))
        table.iloc[6, table.columns.get_loc("part")] = value
        return table

    return frame


@pytest.mark.parametrize(
    ("split", "frame", "error"),
    [
        ("{ colum = 'part' }", own_table, r"unknown key 'colum' of a split: did you mean 'column'\?"),
        ("'part'", own_table, "`split` holds 'part': a split is a table in braces; write split = { fractions"),
        ("{ column = 'part' }", own_table, "there is no column 'part'"),
        ("{ column = 'item_id' }", own_table, "'item_id' says how the log is split, and is an input"),
        ("{ column = 'click' }", own_table, "'click' says how the log is split, and gives the label 'click'"),
        ("{ column = 'part' }", with_part("dev"), r"of splits holds 'dev' in row 8 \(and 0 more rows\); write train, "),
        ("{ column = 'part' }", with_part(None), r"of splits holds nan in row 8 \(and 0 more rows\); write train, "),
        ("{ column = 'visit' }", own_table, r"of splits holds 'v\d+-\d' in row 2 \(and 299 more rows\)"),
        ("{ column = 'part', by_user = true }", with_part("train"), "keep `column` alone"),
        ("{ fractions = [0.8, 0.1] }", own_table, r"`split` holds \[0.8, 0.1\]: it should be three numbers"),
        ("{ fractions = ['a', 0.1, 0.1] }", own_table, "`split` holds 'a': it should be a valid number; write split"),
        ("{ fractions = [0.8, 0.1, 0.2] }", own_table, r"\[0.8, 0.1, 0.2\], which sum to 1.1: give three numbers"),
        ("{ fractions = [0.998, 0.001, 0.001] }", own_table, "validation split is empty: the log has 300 rows, spl"),
        ("{ validation_from = 2023-11-15 }", own_table, "no `test_from`: give both times"),
        ("{ validation_from = 'soon', test_from = 2024-01-01 }", own_table, "holds 'soon': it is no date such as 2024"),
        ("{ validation_from = 2024-01-01, test_from = 2024-02-01 }", own_table, "empty.*run from 2023-11-14 22:13"),
        ("{ validation_from = 2024-02-01, test_from = 2024-01-01 }", own_table, "is not before `test_from`, 2024"),
        ("{ validation_from = 13:45:00, test_from = 2024-01-01 }", own_table, "`split` holds .*; write split"),
        ("{ by_user = 1 }", own_table, "`split` holds 1: it should be true or false"),
        ("{ seed = 1 }", own_table, "draws nothing, so that `seed` has no meaning"),
    ],
)  # fmt: skip
def test_a_split_that_makes_no_sense_is_refused(
    tmp_path: Path, split: str, frame: Callable[[], pd.DataFrame], error: str
) -> None:
    with pytest.raises(api.DataError, match=error):
        splits(tmp_path, f"split = {split}", frame())


def test_cut_times_fit_the_timestamp(tmp_path: Path) -> None:
    dates = own_table().assign(
        time=lambda frame: pd.to_datetime(frame["time"], unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    )
    text = DESCRIPTION.replace('timestamp_unit = "s"\n', "")
    number = "split = { validation_from = 6000, test_from = 12000 }"
    assert sizes(
        splits(tmp_path, "split = { validation_from = 2023-11-15, test_from = 2023-11-15T01:00:00Z }", dates, text)
    )
    with pytest.raises(api.DataError, match="is the number 6000, and no `timestamp_unit` says of what: give a date"):
        splits(tmp_path, number, dates, text)
    relative = DESCRIPTION.replace('timestamp_unit = "s"', 'timestamp_unit = "s"\nrelative_time = true')
    with pytest.raises(
        api.DataError, match="is a date, and times count from a start of their own: give a number, in s"
    ):
        splits(tmp_path, "split = { validation_from = 2023-11-15, test_from = 2023-11-16 }", None, relative)
    without = DESCRIPTION.replace('timestamp = "time"\ntimestamp_unit = "s"\n', "")
    with pytest.raises(api.DataError, match="the log names no timestamp: name its column"):
        splits(tmp_path, "split = { validation_from = 2023-11-15, test_from = 2023-11-16 }", None, without)
