from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from logs import small_log

from mtlbench import api
from mtlbench.data.building import build


def with_column(name: str, change: Callable[["pd.Series[Any]"], Any]) -> api.Log:
    log = small_log()
    log.frame = log.frame.reset_index(drop=True)
    log.frame[name] = change(log.frame[name])
    return log


def one_value(value: object, row: int = 7) -> Callable[["pd.Series[Any]"], Any]:
    def change(column: "pd.Series[Any]") -> "pd.Series[Any]":
        changed = column.astype("float64")
        changed.iloc[row] = value
        return changed

    return change


def only_late_clicks() -> api.Log:
    log = small_log()
    log.frame["buy"] = np.where(log.frame["row"] < 36, 0, log.frame["buy"])
    return log


BROKEN: list[tuple[Callable[[], api.Log], list[str]]] = [
    (lambda: small_log(rows=0), ["empty", "no rows"]),
    (lambda: small_log(rows=1), ["train split is empty", "1 rows", "at least 5"]),
    (lambda: small_log(tasks=[]), ["no task"]),
    (lambda: small_log(categorical=[], numerical=[]), ["no input"]),
    (lambda: small_log(min_count=0), ["min_count is 0"]),
    (lambda: small_log(categorical=["colour"]), ["'colour'", "no such column", "price"]),
    (lambda: small_log(session="sitting"), ["'sitting'", "no such column"]),
    (lambda: small_log(categorical=["item", "item"]), ["'item'", "twice"]),
    (lambda: small_log(tasks=["click", "click"]), ["'click'", "twice"]),
    (lambda: small_log(categorical=["click"]), ["'click'", "leaks"]),
    (
        lambda: small_log(frame=pd.concat([small_log().frame, small_log().frame[["item"]]], axis=1)),
        ["'item'", "several"],
    ),
    (lambda: with_column("click", lambda c: c.map({0: "no", 1: "yes"})), ["'click'", "not numeric", "0 or 1"]),
    (lambda: with_column("click", one_value(2.0)), ["'click'", "2.0", "row 7", "0 or 1"]),
    (lambda: small_log(tasks=[api.Task("click", "real"), api.Task("buy", after="click")]), ["'buy'", "real", "leave"]),
    (lambda: small_log(tasks=["click", api.Task("buy", after="clik")]), ["'clik'", "no task", "did you mean 'click'"]),
    (
        lambda: small_log(tasks=[api.Task("click", after="buy"), api.Task("buy", after="click")]),
        ["circle", "click after buy after click"],
    ),
    (lambda: small_log(tasks=["click", api.Task("buy", within=True)]), ["'buy'", "`after`"]),
    (
        lambda: small_log(tasks=["click", api.Task("price", "nonnegative")], numerical=[]),
        ["'price'", "0 or more", "row"],
    ),
    (lambda: with_column("buy", lambda c: 1 - c), ["'buy' is 1 where 'click' is 0", "come after it", "parallel"]),
    (only_late_clicks, ["'buy'", "one class", "train split", "0 of 36"]),
    (lambda: with_column("buy", lambda c: c * 0), ["'buy'", "one class", "0 of 36"]),
    (lambda: with_column("time", lambda c: c / 1000), ["'time'", "not an integer", "milliseconds", "int64"]),
    (lambda: with_column("time", lambda c: pd.to_datetime(c, unit="ms")), ["'time'", "not an integer"]),
    (lambda: with_column("time", lambda c: c.astype("Int64").where(c.index != 7)), ["'time'", "<NA>", "row 7"]),
    (lambda: with_column("visit", one_value(np.nan)), ["session column 'visit'", "row 7"]),
    (lambda: with_column("user", one_value(np.nan)), ["user column 'user'", "row 7"]),
    (lambda: with_column("price", lambda c: c.astype(str)), ["'price'", "not numeric", "categorical"]),
    (lambda: with_column("price", one_value(np.inf)), ["'price'", "inf", "row 7"]),
    (lambda: small_log(numerical=[], optimum=["price"]), ["1 columns of true means for 2 tasks"]),
    (lambda: small_log(numerical=[], optimum=["price", "price"]), ["true probabilities", "[0, 1]", "the first is"]),
]


@pytest.mark.parametrize(("make", "words"), BROKEN, ids=[" ".join(words) for _, words in BROKEN])
def test_a_broken_log_is_refused_by_name(make: Callable[[], api.Log], words: list[str]) -> None:
    with pytest.raises(api.DataError) as caught:
        build(make(), "my-log", "")
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in ["'my-log'", *words] if word not in message] == []


def test_a_broken_funnel_is_sound_as_parallel_tasks() -> None:
    log = with_column("buy", lambda column: 1 - column)
    log.tasks = ["click", "buy"]
    assert not build(log, "my-log", "").schema.chain


@pytest.mark.parametrize("dtype", ["bool", "int8", "float32", "Int64", "boolean"])
def test_labels_of_any_numeric_type_are_taken(dtype: str) -> None:
    log = small_log()
    plain = build(log, "my-log", "").train.labels
    log.frame = log.frame.astype({"click": dtype, "buy": dtype})
    assert build(log, "my-log", "").train.labels.equal(plain)


def test_a_missing_label_was_not_observed_which_is_said() -> None:
    log = with_column("click", one_value(np.nan))
    log.tasks = ["click", "buy"]
    splits = build(log, "my-log", "")
    assert sum(int(split.labels[:, 0].isnan().sum()) for split in splits.parts().values()) == 1
    [warning] = [text for text in splits.warnings if "missing" in text]
    assert "'click' in 1.7%" in warning
    assert "'buy'" not in warning


def test_a_task_within_another_is_observed_where_that_happened() -> None:
    splits = build(small_log(tasks=["click", api.Task("buy", after="click", within=True)]), "my-log", "")
    for split in splits.parts().values():
        click, buy = split.labels.unbind(1)
        assert buy.isnan().equal(click == 0)
    assert splits.warnings == ()
    assert splits.facts["observed.train.buy"] == pytest.approx(splits.facts["rate.train.click"])
