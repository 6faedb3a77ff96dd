"""The tasks of a description: columns, rules over them, and conditions that say where a label was observed."""

import math
import operator
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr, StringConstraints

from mtlbench.api import Params, Task
from mtlbench_plugins.datasets._table_ids import spelling

Text = Annotated[str, StringConstraints(min_length=1, strict=True)]
Number = Annotated[float, Field(strict=True)]
Constant = str | bool | float

TRUTHS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
NEITHER = 2
"""Stands for a value that is not a label."""

GIVEN = "is given"
ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
GRAMMAR = re.compile(
    rf"(?P<column>[^=<>!]+?)\s*(?:(?P<given>\s{GIVEN})|(?P<sign>==|!=|<=|>=|<|>)\s*(?P<value>'[^']*'|\"[^\"]*\"|[^=<>!'\"]+))?"
)
MALFORMED = (
    "it is the name of a column of 0 and 1, or one comparison (==, !=, <, <=, >, >=) of a column with a number, true, "
    "false or a text in single quotes, or COLUMN is given"
)

EXAMPLES_OF_TASKS = {
    "kind": 'kind = "real", or "nonnegative"',
    "params": 'params = { loss = "huber" }',
    "after": 'after = "click"',
    "within": "within = true",
    "observed": 'observed = "rated == 1", "rated", "segment == \'gold\'", or "rating is given"',
}

_one_spelling = lru_cache(spelling)


@dataclass(frozen=True)
class Condition:
    """A condition on one column, in which a missing value fulfils no condition."""

    text: str
    """As the description has it."""
    column: str
    sign: str | None = None
    """``None``: the column holds 0 and 1. ``is given``: there is a value. Else a comparison with ``value``."""
    value: Constant = True

    @property
    def is_of_numbers(self) -> bool:
        """Whether the column has to hold numbers."""
        return self.sign in ORDERS

    def of_text(self, value: str) -> int:
        """0, 1 or ``NEITHER`` for a value of the column, where it is compared as a text or as 0 and 1."""
        if self.sign is None:
            return TRUTHS.get(value.strip().lower(), NEITHER)
        return int(is_equal(value, self.value) == (self.sign == "=="))


def parse_condition(text: object) -> Condition:
    """The condition that a description writes as ``text``.

    Raises:
        ValueError: it is none; the message says what one looks like.
    """
    found = GRAMMAR.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or not isinstance(text, str):
        raise ValueError(MALFORMED)
    sign = GIVEN if found["given"] else found["sign"]
    value = _constant(found["value"].strip()) if found["value"] else True
    if value is None or (sign in ORDERS and (isinstance(value, str | bool))):
        raise ValueError(MALFORMED)
    return Condition(text.strip(), found["column"].strip(), sign, value)


def is_equal(text: str, value: Constant) -> bool:
    """Whether a value of a column is ``value``, compared as number, truth or text, outer spaces aside."""
    text = text.strip()
    if isinstance(value, str):
        return text == _one_spelling(value.strip())
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    try:
        return float(text) == value
    except ValueError:
        return False


def _constant(text: str) -> Constant | None:
    if text[0] in "'\"":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class TableTask(Params):
    """A label: a column, or a rule over one, which a missing value does not fulfil."""

    name: Text
    column: Text | None = None
    equals: StrictStr | StrictBool | StrictInt | StrictFloat | None = None
    at_least: Number | None = None
    kind: Text = "binary"
    params: dict[str, Any] = Field(default_factory=dict)
    after: Text | None = None
    within: StrictBool = False
    observed: Annotated[Condition, BeforeValidator(parse_condition)] | None = None

    @property
    def source(self) -> str:
        """The column that the label is read from."""
        return self.column or self.name

    @property
    def columns(self) -> list[str]:
        """The columns that are read for it."""
        return [self.source, *([self.observed.column] if self.observed else [])]

    @property
    def is_plain(self) -> bool:
        """Whether it is of 0 and 1 in every row, and says nothing of other tasks."""
        binary = self.kind == "binary" and not self.params
        return binary and self.after is None and not self.within and self.observed is None

    @property
    def is_of_numbers(self) -> bool:
        """Whether its column has to hold numbers."""
        return self.kind != "binary" or self.at_least is not None

    def described(self) -> Task:
        """What the log says of it."""
        observed = self.observed.text if self.observed else None
        return Task(self.name, self.kind, self.after, self.within, self.params, observed)

    def label(self, value: str | None) -> int:
        """0, 1 or ``NEITHER`` for a value of the column."""
        text = "" if value is None else value.strip()
        return TRUTHS.get(text.lower(), NEITHER) if self.equals is None else int(is_equal(text, self.equals))

    def contradiction(self) -> str | None:
        """What is wrong only when its keys are taken together, with the remedy."""
        rules = [key for key in ("equals", "at_least") if getattr(self, key) is not None]
        if len(rules) > 1:
            return f"task {self.name!r} has both `equals` and `at_least`: keep one"
        if rules and self.kind != "binary":
            return f"task {self.name!r} is {self.kind} and has `{rules[0]}`, which makes 0 and 1 of numbers: keep one"
        return None


def as_task(value: object) -> object:
    """A bare name as a task."""
    return {"name": value} if isinstance(value, str) else value
