"""Rows of one time at the boundary of two splits."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from logs import small_log

from mtlbench import api
from mtlbench.data.building import build


def days(rows: int = 6000, per_day: int = 250, **changes: Any) -> api.Log:
    """A log whose times are days, sorted by its label within nothing but the file."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "day": np.arange(rows) // per_day * 86_400_000,
            "item": random.integers(50, size=rows),
            "price": random.normal(size=rows),
            "click": (random.random(rows) < 0.4).astype(int),
        }
    ).sort_values("click", kind="stable", ascending=False, ignore_index=True)
    return api.Log(**{"frame": frame, "tasks": ["click"], "categorical": ["item"], "numerical": ["price"], **changes})


def rates(splits: api.Splits) -> list[float]:
    return [float(split.labels.mean()) for split in splits.parts().values()]


def test_a_file_sorted_by_label_gives_splits_of_the_same_rate() -> None:
    log = days(timestamp="day", per_day=2000)
    splits = build(log, "days", "key")
    overall = log.frame["click"].mean()
    assert rates(splits) == pytest.approx([overall] * 3, abs=0.03)
    assert [len(split) for split in splits.parts().values()] == [3600, 1200, 1200]
    assert splits.train.timestamp.max() <= splits.validation.timestamp.min()
    assert splits.validation.timestamp.max() <= splits.test.timestamp.min()


def test_the_share_of_tied_rows_is_a_fact() -> None:
    facts = build(days(timestamp="day", per_day=2000), "days", "key").facts
    assert facts["tied_at_the_start_of.validation"] == facts["tied_at_the_start_of.test"] == pytest.approx(1 / 3)
    exact = build(days(timestamp="day", per_day=1200), "days", "key").facts
    assert not [name for name in exact if name.startswith("tied")]


def test_the_splits_hold_the_same_rows_however_the_file_is_sorted() -> None:
    log = days(timestamp="day", per_day=700)
    shuffled = days(timestamp="day", per_day=700, frame=log.frame.sample(frac=1, random_state=1, ignore_index=True))
    one, other = (build(some, "days", "") for some in (log, shuffled))
    for part in ("train", "validation", "test"):
        rows = [
            (split.numerical[:, 0].double() + 100 * split.labels[:, 0]).sort().values
            for split in (one.parts()[part], other.parts()[part])
        ]
        torch.testing.assert_close(*rows, atol=1e-4, rtol=0)


def test_rows_that_stay_together_keep_the_order_of_the_file() -> None:
    log = days(timestamp="day", per_day=700, optimum=["place"])
    log.frame["place"] = np.arange(len(log.frame)) / len(log.frame)
    for split in build(log, "days", "").parts().values():
        rises = (split.optimum[:, 0].diff() > 0) | (split.timestamp.diff() > 0)
        assert rises.all()


def test_all_rows_of_one_time_are_split_by_their_hashes() -> None:
    splits = build(days(timestamp="day", per_day=6000), "days", "key")
    assert [len(split) for split in splits.parts().values()] == [3600, 1200, 1200]
    assert rates(splits) == pytest.approx([0.4] * 3, abs=0.04)


def test_another_order_is_another_identity_and_the_same_order_the_same() -> None:
    tied = build(days(timestamp="day", per_day=2000), "days", "key").fingerprint
    untied = build(days(timestamp="day", per_day=1200), "days", "key").fingerprint
    assert untied == "key"
    assert tied not in {"key", build(days(timestamp="day", per_day=2000), "days", "other").fingerprint}


def test_a_few_tied_rows_keep_the_order_of_the_file() -> None:
    log = days(timestamp="day", per_day=1)
    log.frame = log.frame.sort_values("day", ignore_index=True)
    log.frame.loc[[3599, 3600], "day"] = log.frame.loc[3600, "day"]
    plain = build(log, "days", "key")
    assert plain.facts["tied_at_the_start_of.validation"] == pytest.approx(2 / 6000)
    assert plain.fingerprint == "key"
    labels = torch.cat([split.labels[:, 0] for split in plain.parts().values()])
    assert labels.tolist() == log.frame["click"].tolist()


def test_a_published_test_part_begins_where_its_publisher_says() -> None:
    log = small_log(rows=100, held_out="late", numerical=["row"])
    log.frame["late"] = log.frame["row"] >= 60
    log.frame["time"] = np.where(log.frame["late"], 2, 1)
    splits = build(log, "my-log", "key")
    assert [len(split) for split in splits.parts().values()] == [45, 15, 40]
    assert (splits.train.timestamp == 1).all()
    assert (splits.test.timestamp == 2).all()
    assert set(splits.facts) & {"tied_at_the_start_of.validation", "tied_at_the_start_of.test"} == {
        "tied_at_the_start_of.validation"
    }


@pytest.mark.parametrize("kind", ["bags", "vectors"])
@pytest.mark.parametrize("written", [list, np.array, tuple], ids=["lists", "arrays", "tuples"])
def test_rows_that_differ_in_their_lists_alone_are_told_apart(kind: str, written: Any) -> None:
    """However the file is sorted, and of whatever type the lists are."""
    rows = 3000
    frame = pd.DataFrame({"day": np.zeros(rows, int), "item": 1, "price": 1.0, "click": np.arange(rows) % 2})
    sizes = [1 + place % 19 if kind == "bags" else 2 for place in range(rows)]
    plain = [[place % 7, *[place] * (size - 1)] for place, size in enumerate(sizes)]
    if kind == "vectors":
        plain = [[float(number) for number in one] for one in plain]
    frame["lists"] = pd.Series(plain, dtype=object)
    given = {"timestamp": "day", kind: ["lists"]}
    one = build(days(frame=frame, **given), "days", "")
    other = frame.assign(lists=pd.Series([written(few) for few in plain], dtype=object))
    two = build(days(frame=other.sample(frac=1, random_state=1, ignore_index=True), **given), "days", "")

    def held(split: api.Split) -> list[tuple[float, ...]]:
        values = split.bags[0].lengths[:, None] if kind == "bags" else split.vectors[0]
        return sorted(map(tuple, torch.cat([values.double(), split.labels.double()], dim=1).round(decimals=4).tolist()))

    for part, split in one.parts().items():
        assert held(split) == held(two.parts()[part])


def test_the_fingerprint_changes_only_where_lists_decided() -> None:
    log = days(timestamp="day", per_day=2000)
    log.frame["tags"] = pd.Series([[place % 5] for place in range(6000)], dtype=object)
    plain, tagged = (
        build(days(frame=log.frame, timestamp="day", **more), "days", "key") for more in ({}, {"bags": ["tags"]})
    )
    assert plain.fingerprint != tagged.fingerprint
    untied = days(timestamp="day", per_day=1)
    untied.frame["tags"] = log.frame["tags"]
    untied.bags = ["tags"]
    assert build(untied, "days", "key").fingerprint == "key"
