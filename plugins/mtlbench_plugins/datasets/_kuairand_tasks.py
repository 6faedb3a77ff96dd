"""What happened after an impression of KuaiRand, as tasks, and the sets of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from mtlbench import api

Column: TypeAlias = "pd.Series[Any]"


@dataclass(frozen=True)
class Outcome:
    """A label of the log and the columns that it is made of."""

    columns: tuple[str, ...]
    label: Callable[[pd.DataFrame], Column]
    kind: str = "binary"
    after: str | None = None
    """The outcome without which it counts as 0."""


def _flag(column: str, after: str | None = None) -> Outcome:
    return Outcome((column,), lambda log: log[column], after=after)


CLICK = "click"
PAPER, FEEDBACK, ALL = "paper", "feedback", "all"

OUTCOMES = {
    CLICK: _flag("is_click"),
    "long_view": _flag("long_view", after=CLICK),
    "like": _flag("is_like"),
    "follow": _flag("is_follow"),
    "comment": _flag("is_comment"),
    "forward": _flag("is_forward"),
    "hate": _flag("is_hate"),
    "profile_enter": _flag("is_profile_enter"),
    "comment_open": Outcome(("comment_stay_time",), lambda log: (log["comment_stay_time"] > 0).astype("int64")),
    "finish": Outcome(
        ("play_time_ms", "duration_ms"), lambda log: (log["play_time_ms"] >= log["duration_ms"]).astype("int64")
    ),
    "watch_time": Outcome(("play_time_ms",), lambda log: log["play_time_ms"] / 1000, "nonnegative"),
}
SETS = {
    PAPER: (CLICK, "long_view"),
    FEEDBACK: (CLICK, "long_view", "like", "profile_enter", "comment_open", "finish"),
    ALL: tuple(OUTCOMES),
}
CLIPPED = {"watch_time": 0.999}
"""Quantile of the training labels above which labels are cut."""


def normal_form(text: str) -> str:
    """The one spelling of a set of tasks: its name, or the names of its tasks in the order of ``OUTCOMES``.

    Raises:
        ValueError: a task is unknown, or stands there twice.
    """
    if text in SETS:
        return text
    names = [name.strip() for name in text.split("+")]
    for name in names:
        if name in SETS:
            raise ValueError(f"{name!r} is a whole set: give it alone, or the names of tasks joined by +")
        if name not in OUTCOMES:
            raise ValueError(f"there is no task {name!r}: {api.did_you_mean(name, [*OUTCOMES, *SETS])}")
        if names.count(name) > 1:
            raise ValueError(f"the task {name!r} is named twice: name it once")
    ordered = tuple(name for name in OUTCOMES if name in names)
    return next((name for name, tasks in SETS.items() if tasks == ordered), "+".join(ordered))


def chosen(tasks: str) -> dict[str, Outcome]:
    """The outcomes that the normal form ``tasks`` names, by name."""
    names = SETS[tasks] if tasks in SETS else tasks.split("+")
    return {name: OUTCOMES[name] for name in names}


def without_click(labels: Mapping[str, Column], clicked: "pd.Series[bool]", tasks: str) -> dict[str, float]:
    """How often the outcomes ``labels`` happen without a click, as facts.

    Of the set of the paper the share of the rows without a click on which the second outcome happens; of others the
    share of an outcome's rows that are without a click.
    """
    happened = {name: label > 0 for name, label in labels.items() if name != CLICK}
    if tasks == PAPER:
        return {f"{name}_without_click": float(rows[~clicked].mean()) for name, rows in happened.items()}
    return {f"without_click.{name}": float((~clicked[rows]).mean()) for name, rows in happened.items() if rows.any()}
