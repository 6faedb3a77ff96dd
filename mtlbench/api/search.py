"""How the value of a parameter is searched: where each point of the unit interval lies in the parameter's range.

A parameter says it beside its default and its bounds::

    learning_rate: Annotated[float, api.search.Log(1e-3, 0.1)] = pydantic.Field(0.025, gt=0, description="...")

A parameter that does not say it keeps its value in every trial.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

DIGITS = 4
"""Significant digits of a number that is drawn: enough for a setting, and short enough to be read."""


class Search(ABC):
    """The range of one parameter, and how densely its parts are searched."""

    def dimensions(self, tasks: int) -> int:
        """How many numbers make one value, on a dataset with ``tasks`` tasks."""
        return 1

    def first(self, tasks: int) -> Any:
        """The value of trial 0; ``None``: the parameter's own, which is its default or what the user set."""
        return None

    @abstractmethod
    def at(self, point: Sequence[float], tasks: int) -> Any:
        """The value at ``point``, as many numbers in [0, 1) as :meth:`dimensions` says, uniform over trials."""

    @abstractmethod
    def __str__(self) -> str:
        """The range as a reader expects it."""


@dataclass(frozen=True)
class Linear(Search):
    """Numbers from ``low`` to ``high``, all parts of the range alike."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        _require_order(self.low, self.high)

    def at(self, point: Sequence[float], tasks: int) -> float:
        """The number at that share of the way from low to high."""
        return _rounded(self.low + point[0] * (self.high - self.low))

    def __str__(self) -> str:
        """The range."""
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Log(Search):
    """Numbers from ``low`` to ``high``, both positive, each factor of ten alike."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an empty range, and one without logarithms."""
        _require_order(self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"a logarithmic range begins above 0, not at {self.low:g}")

    def at(self, point: Sequence[float], tasks: int) -> float:
        """The number at that share of the way from low to high, by logarithms."""
        low, high = math.log(self.low), math.log(self.high)
        return _rounded(math.exp(low + point[0] * (high - low)))

    def __str__(self) -> str:
        """The range."""
        return f"{self.low:g} to {self.high:g}, by logarithm"


class Choice(Search):
    """One of some values, each as often as the others."""

    def __init__(self, *values: Any) -> None:
        if not values:
            raise ValueError("a choice needs at least one value")
        self.values = values

    def at(self, point: Sequence[float], tasks: int) -> Any:
        """The value whose equal part of the unit interval the point is in."""
        return self.values[min(int(point[0] * len(self.values)), len(self.values) - 1)]

    def __str__(self) -> str:
        """The values."""
        return " | ".join(map(_value, self.values))


@dataclass(frozen=True)
class OrZero(Search):
    """0 for a ``share`` of the trials, else a number of ``range``."""

    range: Search
    share: float = 0.25

    def at(self, point: Sequence[float], tasks: int) -> Any:
        """0 below the share; what is above it covers the range."""
        if point[0] < self.share:
            return 0.0
        return self.range.at([(point[0] - self.share) / (1 - self.share)], tasks)

    def __str__(self) -> str:
        """The range."""
        return f"0 in {self.share:.0%} of the trials, else {self.range}"


@dataclass(frozen=True)
class Mapped(Search):
    """A function of what another range gives, such as one minus a rate, or one number for a list of one.

    Args:
        range: where the argument comes from.
        function: from the argument and the number of tasks to the value.
        text: the function as a reader expects it, with x for the argument.
    """

    range: Search
    function: Callable[[Any, int], Any]
    text: str

    def dimensions(self, tasks: int) -> int:
        """Those of the range."""
        return self.range.dimensions(tasks)

    def at(self, point: Sequence[float], tasks: int) -> Any:
        """The function's value, its numbers rounded."""
        return _tidy(self.function(self.range.at(point, tasks), tasks))

    def __str__(self) -> str:
        """The function and the range."""
        return f"{self.text}, x {self.range}"


@dataclass(frozen=True)
class TaskWeights(Search):
    r"""A weight for each task, of sum K, uniform over all such weights; trial 0 has weights of one.

    With K - 1 uniform numbers, sorted as :math:`u_{(1)} \le \dots \le u_{(K-1)}`, the weights are K times the gaps
    between 0, these numbers and 1: every way of dividing the sum is equally likely. No weight is below ``least``.
    """

    least: float = 0.01

    def dimensions(self, tasks: int) -> int:
        """One less than there are tasks."""
        return max(tasks - 1, 1)

    def first(self, tasks: int) -> tuple[float, ...]:
        """Weights of one."""
        return (1.0,) * tasks

    def at(self, point: Sequence[float], tasks: int) -> tuple[float, ...]:
        """The weights, as a tuple of one number for each task."""
        edges = [0.0, *sorted(point[: tasks - 1]), 1.0]
        free = tasks * (1 - self.least)
        gaps = (high - low for low, high in pairwise(edges))
        return tuple(_rounded(self.least + free * gap) for gap in gaps)

    def __str__(self) -> str:
        """What the weights are."""
        return "a weight for each task, of sum K"


def _require_order(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"a range goes from a number to a larger one, not from {low:g} to {high:g}")


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _tidy(value: Any) -> Any:
    """``value`` with six significant digits: one minus a small number keeps what it has."""
    if isinstance(value, tuple):
        return tuple(map(_tidy, value))
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _value(value: Any) -> str:
    """As it is typed in the spec of a plugin."""
    if isinstance(value, tuple | list):
        return "-".join(map(_value, value)) or "()"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
