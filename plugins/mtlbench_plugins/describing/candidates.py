"""Columns that may be tasks of other kinds, or tasks whose labels were not all observed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mtlbench_plugins.describing.sample import Sample
from mtlbench_plugins.describing.stages import Flags, ones

MANY_VALUES = 50
"""Distinct numbers from which a column is a quantity."""
MOST = 0.99
"""Share of the rows without the earlier event in which a label has to be missing."""
MANY_ZEROS = 0.05
"""Share of zeros from which a rating of 0 may be no rating."""
LARGEST_RATING = 10

AMOUNT = r"watch|dwell|stay|second|play_?time|time_spent|spend|spent|revenue|sales|gmv|amount|profit|margin"
RATING = r"rating|^rate$|score|stars?$|grade"
AGGREGATE = r"avg|mean|average|median|count|total|prev|past|hist|item|product|video|movie|user|id$|code|number|index"
"""Names of what is known before the outcome, and of what is no quantity."""


@dataclass(frozen=True)
class Candidate:
    """A column that may be a task."""

    name: str
    kind: str
    why: str
    after: str | None = None
    """The task whose rows alone it is of."""
    observed: str | None = None
    """The condition that says in which rows it was observed."""
    flag: str | None = None
    """The column of 0 and 1 that ``observed`` reads."""
    is_outcome: bool = True
    """Whether it can be no input: by its name, or because it goes with a task."""


def find_candidates(
    sample: Sample, numbers: Sequence[str], gaps: Sequence[str], tasks: Sequence[str]
) -> list[Candidate]:
    """The columns that may be tasks beside those that were found.

    Args:
        sample: of the table.
        numbers: columns of which each that is a quantity or a rating, and no input by its name, may be one.
        gaps: columns of 0 and 1 with missing values, and the name of an outcome.
        tasks: columns of 0 and 1 that were found to be tasks.
    """
    flags = _flags(sample, tasks)
    found = [_number(sample.frame[name], name, flags, tasks) for name in numbers if _is_number(sample, name)]
    found += [_partial(sample.frame[name], name, flags, tasks) for name in gaps]
    return [one for one in found if one is not None]


def quantity(column: "pd.Series[Any]", name: str) -> Candidate:
    """A column of numbers as a task, whatever its name."""
    values = column.astype("float64")
    kind = "real" if _is_rating(values) or values.min() < 0 else "nonnegative"
    observed = f"{name} is given" if values.isna().any() else None
    return Candidate(name, kind, _what(values), observed=observed)


def _flags(sample: Sample, tasks: Sequence[str]) -> Flags:
    names = sorted(sample.readable, key=lambda name: name not in tasks)
    found = {name: ones(sample.frame[name]) for name in names}
    return {name: rows for name, rows in found.items() if rows is not None}


def _is_number(sample: Sample, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(sample.frame[name]) and not re.search(AGGREGATE, name.lower())


def _number(column: "pd.Series[Any]", name: str, flags: Flags, tasks: Sequence[str]) -> Candidate | None:
    values = column.astype("float64")
    is_rating = _is_rating(values)
    if not is_rating and values.nunique() < MANY_VALUES:
        return None
    kind = "real" if is_rating or values.min() < 0 else "nonnegative"
    what = _what(values)
    named = re.search(RATING if is_rating else AMOUNT, name.lower()) is not None
    missing, zero = values.isna().to_numpy(), (values == 0).to_numpy()
    if flag := _only_where_0(missing, flags):
        why = f"{what}, missing only where {flag} is 0"
        return _of_rows(flag, Candidate(name, kind, why, is_outcome=named or flag in tasks), tasks)
    if not missing.any() and (flag := _wherever_0(zero, {task: flags[task] for task in tasks if task in flags})):
        return _of_rows(flag, Candidate(name, kind, f"{what}, 0 wherever {flag} is 0"), tasks)
    if not named:
        return None
    if missing.any():
        return Candidate(name, kind, f"an outcome by its name, {what}, with gaps", observed=f"{name} is given")
    if is_rating and zero.mean() > MANY_ZEROS:
        return Candidate(name, kind, f"an outcome by its name, {what}; 0 may be no rating", observed=f"{name} > 0")
    return Candidate(name, kind, f"an outcome by its name, {what}")


def _what(values: "pd.Series[float]") -> str:
    return f"{values.nunique():,} values from {values.min():g} to {values.max():g}"


def _partial(column: "pd.Series[Any]", name: str, flags: Flags, tasks: Sequence[str]) -> Candidate:
    """A label of 0 and 1 that was not observed in each row."""
    if flag := _only_where_0(column.isna().to_numpy(), flags):
        return _of_rows(flag, Candidate(name, "binary", f"0 and 1, missing only where {flag} is 0"), tasks)
    return Candidate(name, "binary", "0 and 1, with gaps", observed=f"{name} is given")


def _is_rating(values: "pd.Series[float]") -> bool:
    """Whether numbers are a few whole or half marks from 0 to 10, as 1 to 5."""
    seen = values.dropna()
    few = 3 <= seen.nunique() <= 2 * LARGEST_RATING + 1
    return bool(few and seen.between(0, LARGEST_RATING).all() and (seen * 2 % 1 == 0).all())


def _only_where_0(missing: NDArray[np.bool_], flags: Flags) -> str | None:
    """The column that is 0 in all rows that are ``missing``, and 1 in nearly all others."""
    fits = (
        name
        for name, ones in flags.items()
        if missing.any() and not (missing & ones).any() and missing.sum() >= MOST * (~ones).sum()
    )
    return next(fits, None)


def _wherever_0(zero: NDArray[np.bool_], flags: Flags) -> str | None:
    """The column wherever which is 0 the number is ``zero``, while it is not in most other rows."""
    return next((name for name, ones in flags.items() if zero[~ones].all() and zero[ones].mean() < 0.5), None)


def _of_rows(flag: str, candidate: Candidate, tasks: Sequence[str]) -> Candidate:
    """``candidate`` as one of the rows alone in which ``flag`` is 1."""
    if flag in tasks:
        return replace(candidate, after=flag)
    return replace(candidate, observed=f"{flag} == 1", flag=flag)
