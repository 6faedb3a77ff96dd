"""Leaks, copies and rows that come twice: facts with the figure, and a warning."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mtlbench import api
from mtlbench.api.leaks import auc_alone, binned
from mtlbench.data.building import build

ROWS = 4000


def log(rows: int = ROWS, rate: float = 0.3, **changes: Any) -> api.Log:
    """A log whose inputs say little of its labels."""
    random = np.random.default_rng(0)
    click = random.random(rows) < rate
    frame = pd.DataFrame(
        {
            "time": np.arange(rows),
            "item": random.integers(200, size=rows),
            "price": random.normal(size=rows) + click,
            "click": click,
            "buy": click & (random.random(rows) < 0.4),
        }
    )
    fields: dict[str, Any] = {"tasks": ["click", "buy"], "categorical": ["item"], "numerical": ["price"]}
    return api.Log(frame, **{**fields, "timestamp": "time", **changes})


def with_input(values: Any, kind: str = "numerical", **changes: Any) -> api.Splits:
    given = log(**changes)
    given.frame["extra"] = values(given.frame)
    setattr(given, kind, [*getattr(given, kind), "extra"])
    return build(given, "log", "")


def test_an_honest_log_has_no_suspicions() -> None:
    splits = build(log(), "log", "")
    assert splits.warnings == ()
    assert not [name for name in splits.facts if name.startswith(("auc_alone", "same_label", "test_rows"))]


LEAKS = {
    "seconds after the click": (
        "numerical",
        lambda frame: np.where(frame["click"], 5 + frame["price"] % 3, 0),
        "click",
    ),
    "less where it happens": ("numerical", lambda frame: -1.0 * frame["buy"], "buy"),
    "in the middle where it happens": (
        "numerical",
        lambda frame: np.where(frame["click"], 0.0, np.where(frame["price"] > 0, 1.0, -1.0)),
        "click",
    ),
    "a number only where it happens": (
        "numerical",
        lambda frame: np.where(frame["buy"], np.arange(len(frame)), np.nan),
        "buy",
    ),
    "an id only where it happens": (
        "categorical",
        lambda frame: np.where(frame["buy"], np.arange(len(frame)).astype(str), None),
        "buy",
    ),
    "a word": ("categorical", lambda frame: np.where(frame["click"], "paid", "open"), "click"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_input_that_gives_a_label_away_is_named_with_its_figure(name: str) -> None:
    kind, values, task = LEAKS[name]
    splits = with_input(values, kind)
    assert splits.facts[f"auc_alone.extra.{task}"] > 0.99
    [warning] = splits.warnings
    assert f"'extra' predicts '{task}' with AUC {splits.facts[f'auc_alone.extra.{task}']:.4f}" in warning
    assert "leave out" in warning


def test_a_rare_label_is_probed_as_well_as_a_frequent_one() -> None:
    splits = with_input(lambda frame: np.where(frame["click"], 3.0, 0.0), rows=40_000, rate=0.002)
    assert splits.facts["auc_alone.extra.click"] > 0.99


def test_a_strong_input_is_no_leak() -> None:
    splits = with_input(lambda frame: frame["click"] + np.random.default_rng(1).normal(0, 0.5, len(frame)))
    assert splits.warnings == ()


def test_many_leaks_are_counted_and_some_named() -> None:
    given = log()
    for number in range(9):
        given.frame[f"extra{number}"] = given.frame["click"] * 1.0
    given.numerical = [f"extra{number}" for number in range(9)]
    [warning] = build(given, "log", "").warnings
    assert warning.count("predicts") == 5
    assert ", and 4 more" in warning


@pytest.mark.parametrize(("noise", "copied"), [(0.0, True), (0.0005, True), (0.003, False)])
def test_a_copied_label_is_named_with_the_share_of_equal_rows(noise: float, copied: bool) -> None:
    given = log(tasks=["click", "again"])
    flips = np.random.default_rng(3).permutation(ROWS) < noise * ROWS
    given.frame["again"] = given.frame["click"] ^ flips
    splits = build(given, "log", "")
    assert ("same_label.again.click" in splits.facts) == copied
    if copied:
        assert splits.facts["same_label.again.click"] == pytest.approx(1 - flips.mean())
        assert f"'again' equals 'click' in {1 - flips.mean():.2%} of the rows" in splits.warnings[0]


def test_the_opposite_of_a_label_is_a_copy() -> None:
    given = log(tasks=["click", "none"])
    given.frame["none"] = ~given.frame["click"]
    splits = build(given, "log", "")
    assert splits.facts["same_label.none.click"] == 0
    assert "'none' equals 'click' in 0.00% of the rows, and is its opposite in the others" in splits.warnings[0]


@pytest.mark.parametrize(("noise", "copied"), [(0, True), (1, False)])
def test_a_label_in_another_unit_is_a_copy(noise: float, copied: bool) -> None:
    given = log(tasks=[api.Task("seconds", "nonnegative"), api.Task("minus_ms", "real")])
    seconds = np.random.default_rng(1).gamma(2, 30, size=ROWS)
    given.frame["seconds"] = seconds
    given.frame["minus_ms"] = 7 - 1000 * (seconds + noise * np.random.default_rng(2).normal(size=ROWS))
    splits = build(given, "log", "")
    assert ("correlation.minus_ms.seconds" in splits.facts) == copied
    if copied:
        assert "'minus_ms' is 'seconds' in another unit (correlation -1.000000)" in splits.warnings[0]


def test_two_rare_labels_are_no_copies_for_being_rare() -> None:
    given = log(rows=40_000, tasks=["one", "two"])
    random = np.random.default_rng(0)
    given.frame["one"], given.frame["two"] = random.random((2, 40_000)) < 0.0004
    assert (given.frame["one"] == given.frame["two"]).mean() > 0.999
    assert build(given, "log", "").warnings == ()


def test_the_share_of_test_rows_that_were_trained_on_is_that_of_pandas() -> None:
    given = log(timestamp=None, user="item")
    twice = given.frame.sample(frac=0.5, random_state=0)
    given.frame = pd.concat([given.frame, twice], ignore_index=True)
    given.frame["row"] = np.arange(len(given.frame)) / len(given.frame)
    given.optimum = ["row", "row"]
    splits = build(given, "log", "")
    train, test = (
        given.frame.loc[np.rint(split.optimum[:, 0].numpy() * len(given.frame)).astype(int)]
        for split in (splits.train, splits.test)
    )
    named = ["item", "price", "click", "buy"]
    expected = test[named].merge(train[named].drop_duplicates(), how="left", indicator=True)["_merge"].eq("both").mean()
    assert 0.2 < expected < 0.6
    assert splits.facts["test_rows_in_training"] == pytest.approx(expected)
    assert f"{expected:.1%} of the test rows equal a training row" in splits.warnings[0]


def test_rows_alike_of_a_split_by_time_are_no_suspicion() -> None:
    given = log()
    given.frame = pd.concat([given.frame, given.frame], ignore_index=True)
    assert "test_rows_in_training" not in build(given, "log", "").facts


def test_without_duplicates_there_is_no_such_fact() -> None:
    assert "test_rows_in_training" not in build(log(timestamp=None), "log", "").facts


def test_rows_that_differ_in_a_bag_are_no_duplicates() -> None:
    given = log(timestamp=None, bags=["tags"])
    given.frame = pd.concat([given.frame, given.frame], ignore_index=True)
    given.frame["tags"] = pd.Series([[place % 19, 1 + place % 2] for place in range(len(given.frame))], dtype=object)
    differing = build(given, "log", "").facts.get("test_rows_in_training", 0.0)
    given.frame["tags"] = pd.Series([[1, 2]] * len(given.frame), dtype=object)
    assert build(given, "log", "").facts["test_rows_in_training"] > 0.4
    assert differing < 0.1


def test_the_auc_of_a_number_is_near_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    label = random.random(20_000) < 0.2
    values = random.normal(size=20_000) + label
    assert auc_alone(binned(values), label) == pytest.approx(roc_auc_score(label, values), abs=0.01)
    assert auc_alone(binned(-values), label) == pytest.approx(roc_auc_score(label, values), abs=0.01)


@pytest.mark.parametrize(("rows", "least"), [(150, 0.95), (300, 0.98), (900, 0.995)])
def test_a_number_that_gives_a_label_away_does_so_in_a_short_log(rows: int, least: float) -> None:
    for seed in range(10):
        random = np.random.default_rng(seed)
        label = random.random(rows) < 0.3
        assert auc_alone(binned(label + np.arange(rows) * 1e-6), label) > least
        assert auc_alone(binned(random.normal(size=rows)), label) < 0.7


def test_labels_of_one_class_say_nothing() -> None:
    assert auc_alone(np.arange(10), np.zeros(10, dtype=bool)) == 0.5
    assert auc_alone(np.array([], dtype=np.int64), np.array([], dtype=bool)) == 0.5
    assert binned(np.array([np.nan, np.nan])).tolist()[0] == binned(np.array([np.nan])).tolist()[0]
