"""Tasks that the user names: a column, or a rule over one, such as ``rating>=8`` or ``plan==gold``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench.api import DataError, did_you_mean
from mtlbench_plugins.datasets._table_tasks import TRUTHS, is_equal
from mtlbench_plugins.describing.candidates import Candidate, find_candidates, quantity
from mtlbench_plugins.describing.sample import Sample
from mtlbench_plugins.describing.stages import ones

RULE = re.compile(r"(?P<column>.+?)\s*(?P<sign>==|>=)\s*(?P<value>.+)")
SHOWN = 3


@dataclass(frozen=True)
class Rule:
    """A column, and which of its values count as 1."""

    column: str
    key: str
    """``equals`` or ``at_least``."""
    value: str | float


@dataclass(frozen=True)
class NamedTask:
    """A task of 0 and 1."""

    name: str
    rows: NDArray[np.bool_]
    """The rows of the sample in which it is 1."""
    rule: Rule | None = None
    """How 0 and 1 are made of a column; ``None``: the column holds them."""

    @property
    def column(self) -> str:
        """The column that the label is read from."""
        return self.rule.column if self.rule else self.name


def named_tasks(texts: Sequence[str], sample: Sample) -> tuple[list[NamedTask], list[Candidate]]:
    """The tasks of 0 and 1 that ``texts`` name, and those of other kinds or with gaps.

    Raises:
        DataError: a text names no column of the table, or one that gives no label; the message says what to write.
    """
    binary, others = [], []
    for text in dict.fromkeys(texts):
        rule = None if text in sample.kinds else _rule(text)
        column = _column(rule.column if rule else text, sample)
        if rule or _is_binary(column) or not pd.api.types.is_numeric_dtype(column):
            binary.append(_binary(text, rule, column))
        else:
            others.append(text)
    flags = [task.name for task in binary if task.rule is None]
    return binary, [_other(name, sample, flags) for name in others]


def _rule(text: str) -> Rule | None:
    found = RULE.fullmatch(text.strip())
    if found is None:
        return None
    value = found["value"].strip()
    if found["sign"] == "==":
        return Rule(found["column"], "equals", _unquoted(value))
    try:
        return Rule(found["column"], "at_least", _number(value))
    except ValueError:
        raise DataError(f"task {text!r}: {value!r} is no number; write COLUMN>=NUMBER, such as rating>=8") from None


def _unquoted(value: str) -> str | float:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    try:
        return _number(value)
    except ValueError:
        return value


def _number(value: str) -> float:
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(value)
    return int(number) if number.is_integer() else number


def _column(name: str, sample: Sample) -> "pd.Series[Any]":
    if name not in sample.kinds:
        known = did_you_mean(name, list(sample.kinds))
        raise DataError(f"there is no column {name!r} ({known}); a task is COLUMN, COLUMN>=NUMBER or COLUMN==VALUE")
    if name not in sample.frame or sample.kinds[name] in {"time", "date", "time of day", "empty"}:
        raise DataError(f"column {name!r} is {sample.kinds[name]}, which gives no label: name another for the task")
    return sample.frame[name]


def _is_binary(column: "pd.Series[Any]") -> bool:
    """Whether it holds 0 and 1, or true and false, in every row."""
    return not column.isna().any() and {str(value).strip().lower() for value in column.unique()} <= TRUTHS.keys()


def _binary(text: str, rule: Rule | None, column: "pd.Series[Any]") -> NamedTask:
    if rule is None:
        rows = ones(column)
        if rows is None:
            raise DataError(_no_label(text, column))
        return NamedTask(text, rows)
    if rule.key == "at_least" and not pd.api.types.is_numeric_dtype(column):
        raise DataError(f"task {text!r}: column {rule.column!r} holds no numbers; compare it with a value, by ==")
    rows = _fulfilling(column, rule)
    if rows.all() or not rows.any():
        every = "every row" if rows.all() else "no row"
        raise DataError(f"task {text!r} is 1 in {every} that was looked at, so nothing can be learnt: name another")
    return NamedTask(_name(rule), rows, rule)


def _no_label(name: str, column: "pd.Series[Any]") -> str:
    """Why a column is no label by itself."""
    values = [str(value).strip() for value in column.value_counts().index[:SHOWN]]
    if column.nunique() < 2:
        return f"column {name!r} holds one value alone, so nothing can be learnt: name another for the task"
    more = ", ..." if column.nunique() > SHOWN else ""
    return (
        f"column {name!r} holds {', '.join(map(repr, values))}{more}, not 0 and 1: say which value counts as 1, such "
        f"as {f'{name}=={values[-1]}'!r}"
    )


def _fulfilling(column: "pd.Series[Any]", rule: Rule) -> NDArray[np.bool_]:
    if rule.key == "at_least":
        return np.asarray(column.astype("float64") >= float(rule.value))
    return np.asarray(column.isin([one for one in column.dropna().unique() if is_equal(str(one), rule.value)]))


def _name(rule: Rule) -> str:
    """A name for tables: ``rating_at_least_8``, ``plan_is_gold``."""
    words = "at_least" if rule.key == "at_least" else "is"
    return f"{rule.column}_{words}_" + re.sub(r"[^\w+-]+", "_", str(rule.value))


def _other(name: str, sample: Sample, tasks: Sequence[str]) -> Candidate:
    column = sample.frame[name]
    gaps = bool(column.isna().any()) and {str(float(value)) for value in column.dropna().unique()} <= TRUTHS.keys()
    found = find_candidates(sample, [] if gaps else [name], [name] if gaps else [], tasks)
    return replace(found[0], is_outcome=True) if found else quantity(column, name)
