from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from logs import small_log

from mtlbench.api import DataError, Log, Split, Splitting
from mtlbench.data.building import build
from mtlbench.data.splitting import divide, ends_of, order_of

PARTS = ("train", "validation", "test")


@given(st.integers(0, 10_000_000))
def test_splits_partition_the_rows_6_2_2(rows: int) -> None:
    train, validation, test = ends_of(rows, Splitting().fractions)
    assert (train, validation, test) == (rows * 6 // 10, rows * 8 // 10, rows)


@given(st.lists(st.integers(0, 20), min_size=1))
def test_order_is_by_time_and_ties_keep_the_order_of_the_file(times: list[int]) -> None:
    order = order_of(pd.Series(times), len(times))
    assert [(times[row], row) for row in order] == sorted((time, row) for row, time in enumerate(times))


def test_without_a_timestamp_the_order_is_random_and_always_the_same() -> None:
    order = order_of(None, 1000)
    assert sorted(order) == list(range(1000))
    assert (order == order_of(None, 1000)).all()
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1


def rows_in_time(times: list[int], **columns: Any) -> Log:
    return Log(pd.DataFrame({"time": times, "y": 0, **columns}), ["y"], timestamp="time")


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1))
def test_a_published_test_part_is_the_test_split_and_validation_a_quarter_of_the_rest(
    rows: list[tuple[int, bool]],
) -> None:
    log = rows_in_time([time for time, _ in rows], late=[late for _, late in rows])
    log.held_out = "late"
    division = divide(log)
    assert division.order.tolist() == [
        row for _, _, row in sorted((late, time, row) for row, (time, late) in enumerate(rows))
    ]
    rest = sum(not late for _, late in rows)
    assert [division.parts[name].stop for name in PARTS] == [rest - rest // 4, rest, len(rows)]


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(PARTS)), min_size=1))
def test_a_column_says_the_split_of_each_row_and_each_split_is_in_order_of_time(rows: list[tuple[int, str]]) -> None:
    log = rows_in_time([time for time, _ in rows], part=[part for _, part in rows])
    log.splitting = Splitting(column="part")
    division = divide(log)
    for name, part in division.parts.items():
        expected = sorted((time, row) for row, (time, one) in enumerate(rows) if one == name)
        assert division.order[part].tolist() == [row for _, row in expected]


@given(st.lists(st.integers(-9, 20), min_size=1), st.integers(-10, 20), st.integers(1, 9))
def test_cut_times_begin_their_splits(times: list[int], first: int, more: int) -> None:
    log = rows_in_time(times)
    log.splitting = Splitting(validation_from=first, test_from=first + more)
    division = divide(log)
    held = {name: [times[row] for row in division.order[part]] for name, part in division.parts.items()}
    assert held == {
        "train": sorted(time for time in times if time < first),
        "validation": sorted(time for time in times if first <= time < first + more),
        "test": sorted(time for time in times if time >= first + more),
    }


def test_users_are_drawn_whole_by_the_seed_wherever_their_rows_are() -> None:
    log = small_log(rows=2000)
    log.frame["user"] = np.random.default_rng(0).integers(100, size=2000)
    log.splitting = Splitting(fractions=(0.8, 0.1, 0.1), by_user=True)

    def users(seed: int, frame: pd.DataFrame) -> dict[str, set[int]]:
        log.frame, log.splitting = frame, Splitting((0.8, 0.1, 0.1), by_user=True, seed=seed)
        division = divide(log)
        return {name: set(frame["user"].to_numpy()[division.order[part]]) for name, part in division.parts.items()}

    drawn = users(0, log.frame)
    assert [len(drawn[name]) for name in PARTS] == [80, 10, 10]
    assert len(set.union(*drawn.values())) == 100
    assert users(0, log.frame.sample(frac=1, random_state=1)) == drawn
    assert users(1, log.frame)["test"] != drawn["test"]


def tensors(split: Split) -> list[Any]:
    return [value.tolist() for value in vars(split).values() if isinstance(value, torch.Tensor)]


def test_the_default_said_aloud_is_the_same_data_and_any_other_choice_is_other_data() -> None:
    plain = build(small_log(rows=100), "my-log", "key")
    assert plain.fingerprint == "key"
    same = build(small_log(rows=100, splitting=Splitting(fractions=(0.6, 0.2, 0.2))), "my-log", "key")
    assert same.fingerprint == "key"
    assert same.facts == plain.facts
    log = small_log(rows=100, splitting=Splitting(column="part"))
    log.frame["part"] = np.repeat(PARTS, [60, 20, 20])[log.frame["row"]]
    of_column = build(log, "my-log", "key")
    for name, split in of_column.parts().items():
        assert tensors(split) == tensors(plain.parts()[name])
    choices = [Splitting((0.8, 0.1, 0.1)), Splitting(by_user=True), Splitting(by_user=True, seed=1)]
    prints = {build(small_log(rows=100, splitting=choice), "my-log", "key").fingerprint for choice in choices}
    assert len(prints | {"key", of_column.fingerprint}) == 5


@pytest.mark.parametrize(
    ("splitting", "fact", "sizes"),
    [
        (Splitting((0.8, 0.1, 0.1)), "8:1:1 by time", [80, 10, 10]),
        (Splitting((0.75, 0.05, 0.2)), "75:5:20 by time", [75, 5, 20]),
        (
            Splitting(validation_from=1_040_000, test_from=1_045_000),
            "at 1970-01-01 00:17:20 UTC and 1970-01-01 00:17:25 UTC",
            [80, 10, 10],
        ),
    ],
)
def test_the_leaderboard_says_how_a_log_was_split(splitting: Splitting, fact: str, sizes: list[int]) -> None:
    splits = build(small_log(rows=100, splitting=splitting), "my-log", "key")
    assert splits.facts["split"] == fact
    assert [len(split) for split in splits.parts().values()] == sizes
    assert not splits.warnings


def test_training_on_what_is_later_than_the_test_is_warned_of() -> None:
    log = small_log(rows=100, splitting=Splitting(column="part"))
    log.frame["part"] = np.repeat(["test", "validation", "train"], [20, 20, 60])[log.frame["row"]]
    splits = build(log, "my-log", "key")
    assert splits.facts["split"] == "by column 'part'"
    assert splits.facts["train_rows_after_the_first_test_row"] == 1
    assert "100.0% of the training rows are later" in splits.warnings[0]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"splitting": Splitting((0.8, 0.1, 0.2))}, r"\[0.8, 0.1, 0.2\], which sum to 1.1: give three numbers"),
        ({"splitting": Splitting((1.1, 0.1, -0.2))}, "give three numbers above 0 that sum to 1"),
        ({"splitting": Splitting((0.99, 0.005, 0.005))}, r"validation .*empty.* 60 rows, split 99:0.5:0.5 by time"),
        ({"splitting": Splitting(by_user=True), "user": None}, "names no user: name its `user` column"),
        ({"splitting": Splitting((0.9, 0.05, 0.05), by_user=True)}, "validation split is empty.*too few users"),
        ({"splitting": Splitting(seed=-1)}, "`seed` of the split is -1: give 0 or more"),
        ({"splitting": Splitting(seed=1)}, "draws nothing, so that `seed` has no meaning: take it out"),
        ({"splitting": Splitting(test_from=5)}, "no `validation_from`: give both times"),
        ({"splitting": Splitting(validation_from=5)}, "no `test_from`: give both times"),
        ({"splitting": Splitting(validation_from=5, test_from=6), "timestamp": None}, "names no timestamp"),
        (
            {"splitting": Splitting(validation_from=6000, test_from=6000)},
            "`validation_from` is 1970-01-01 00:00:06 UTC, which is not before",
        ),
        (
            {"splitting": Splitting(validation_from=1_040_000, test_from=9_000_000)},
            "validation split is empty.*run from 1970-01-01 00:16:40 UTC to 1970-01-01 00:17:09 UTC: choose both",
        ),
        ({"splitting": Splitting(validation_from=5, test_from=6, by_user=True)}, "keep one of them"),
        ({"splitting": Splitting(fractions=(0.8, 0.2))}, r"\[0.8, 0.2\], .*give three numbers"),
        ({"splitting": Splitting(column="visit", test_from=6)}, "keep `column` alone"),
        ({"splitting": Splitting(column="item"), "categorical": ["user"]}, r"'\w' in row \d+ .*59 more"),
        ({"splitting": Splitting(column="item")}, "is an input or a label: take it out there"),
        ({"splitting": Splitting(column="parts")}, "no such column"),
        ({"splitting": Splitting(by_user=True), "held_out": "visit"}, "keep one|booleans"),
    ],
)  # fmt: skip
def test_a_split_that_makes_no_sense_is_refused_with_its_remedy(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(DataError, match=error) as caught:
        build(small_log(**changes), "my-log", "key")
    assert str(caught.value).startswith("dataset 'my-log'")


def test_an_unknown_split_and_a_gap_are_refused_with_their_row() -> None:
    log = small_log(splitting=Splitting(column="part"), place="line {}".format)
    log.frame["part"] = np.repeat(PARTS, 20)
    for value in ("dev", np.nan):
        log.frame["part"] = log.frame["part"].astype(object).where(np.arange(60) != 7, value)
        with pytest.raises(DataError, match=rf"column 'part' of splits holds {value!r} in line 7 \(and 0 more rows\)"):
            build(log, "my-log", "key")
    log.frame["part"] = np.repeat(["train", "test"], 30)
    with pytest.raises(DataError, match=r"validation split is empty.*by column 'part'; give 'part' rows of all"):
        build(log, "my-log", "key")
