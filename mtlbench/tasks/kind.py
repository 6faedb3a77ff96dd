"""The interface of a task kind, and what all kinds share."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mtlbench.api import DataError, Params
from mtlbench.tasks.metrics.metric import Metric

LARGEST = float(np.finfo(np.float32).max)
"""Labels are kept in float32."""


Place = Callable[[int], str]


@dataclass(frozen=True)
class Scaling:
    """Three numbers of the observed training labels of a task, by which its labels are scaled."""

    mean: float
    """Their mean in the label's own unit, the base rate of a binary task: the prediction that knows no input."""
    centre: float = 0.0
    """What a label, transformed as its kind says, is moved by; subtracted first."""
    scale: float = 1.0
    """What it is divided by then, > 0."""


class TaskKind(Params, ABC):
    """What a label is, and all that follows from it: check, scaling, loss, prediction, metrics.

    An instance is its parameters, validated and frozen, and has no other state. A label passes through three forms::

        raw value --read--> label, in its own unit --targets--> target, scaled --losses--> loss of a logit

    and a logit becomes a prediction in the label's unit by :meth:`predictions`. NaN is a label that was not observed.

    ``read`` and ``fit`` take numpy arrays, for they run once over a log; the others take tensors of any shape.
    """

    name: ClassVar[str]
    """By which the kind is named, the file's stem."""
    metrics: ClassVar[tuple[Metric, ...]]
    """What predictions are scored by. The first one is primary: it ranks methods and selects epochs."""
    expected: ClassVar[str]
    """What every observed label must be, for messages, such as ``"0 or 1"``."""
    remedy: ClassVar[str]
    """What to do with labels that are something else."""

    @property
    def primary(self) -> Metric:
        """The metric that ranks methods and selects epochs."""
        return self.metrics[0]

    # -- labels ---------------------------------------------------------------------------------------------------

    def read(self, values: NDArray[Any], task: str, place: Place = "row {}".format) -> NDArray[np.float32]:
        """Raw ``values`` (N,) of the label ``task`` as labels (N,), NaN where they are missing.

        ``place`` says what a row, counted from 0, is called in messages.

        Raises:
            DataError: a value is text, infinite, too large for float32, or not in the range of this kind.
        """
        numbers = _numbers(values, task, self.expected, place)
        bad = ~np.isnan(numbers) & ~((np.abs(numbers) <= LARGEST) & self.holds(numbers))
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"label {task!r} holds {_plain(values[row])!r} in {place(row)}{_more(bad)}; every label must be "
                f"{self.expected}: {self.remedy}"
            )
        return numbers.astype(np.float32)

    def check_split(self, labels: NDArray[np.float32], task: str, split: str) -> None:
        """Refuse the ``labels`` (N,) of a split, on which ``task`` could be neither learnt nor scored.

        Raises:
            DataError: none is observed, or all that are have one value.
        """
        seen = labels[~np.isnan(labels)]
        if seen.size == 0:
            flaw = f"has no observed label in the {split} split: all {len(labels)} are missing"
        elif seen.min() == seen.max():
            flaw = self._constant(seen, split)
        else:
            return
        raise DataError(
            f"task {task!r} {flaw}, so it can be neither learnt nor scored there; give a longer log, or another label"
        )

    def fit(self, labels: NDArray[np.float32], task: str, weight: NDArray[np.float32] | None = None) -> Scaling:
        """The scaling of the training ``labels`` (N,) of ``task``; those not observed do not count.

        Args:
            labels: NaN where not observed.
            task: its name, for messages.
            weight: (N,) sample weights, by which means are taken; ``None``: all rows count the same.

        Raises:
            DataError: none is observed, or all that are have one value.
        """
        self.check_split(labels, task, "train")
        seen = ~np.isnan(labels)
        return self._fitted(labels[seen].astype(np.float64), None if weight is None else weight[seen])

    @abstractmethod
    def holds(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of ``numbers`` (N,) this kind can hold; NaN and infinity are judged elsewhere."""

    @abstractmethod
    def targets(self, labels: Tensor, scaling: Scaling) -> Tensor:
        """Scaled labels, float32, NaN where ``labels`` is NaN. A target of 0 is valid for every kind."""

    # -- training -------------------------------------------------------------------------------------------------

    @abstractmethod
    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss >= 0 of each logit, in the dtype of ``logits``; 0 for the best possible logit of a target.

        Finite, with a finite gradient, for any logit that a training may reach.
        """

    # -- predictions ----------------------------------------------------------------------------------------------

    @abstractmethod
    def predictions(self, logits: Tensor, scaling: Scaling) -> Tensor:
        """What ``logits`` predict, in the label's unit, float64; never decreasing in the logit."""

    @abstractmethod
    def logits(self, predictions: Tensor, scaling: Scaling) -> Tensor:
        """The logits, float64, that predict ``predictions``: the inverse of :meth:`predictions`.

        Raises:
            DataError: a prediction lies outside the range of this kind.
        """

    # -- of a kind's own ------------------------------------------------------------------------------------------

    @abstractmethod
    def _fitted(self, seen: NDArray[np.float64], weight: NDArray[np.float32] | None) -> Scaling:
        """The scaling of labels that are observed and not all the same, by the ``weight`` of each."""

    def _constant(self, seen: NDArray[np.float32], split: str) -> str:
        """That the observed labels of a split have one value, for a message."""
        return f"has one value in the {split} split: all of its {seen.size} observed labels are {seen[0]:g}"

    def _refuse(self, predictions: Tensor, bad: Tensor, wanted: str) -> None:
        """Raise where a prediction, such as a generator's true one, is ``bad``."""
        if bad.any():
            first = float(predictions[bad][0])
            raise DataError(
                f"{int(bad.sum())} true {wanted}, the first is {first:g}; check the columns that the dataset names as "
                "its optimum"
            )


def mean_of(values: NDArray[np.float64], weight: NDArray[np.float32] | None) -> float:
    """Mean of ``values`` (N,), by ``weight`` (N,) where there is one."""
    return float(np.average(values, weights=None if weight is None else weight.astype(np.float64)))


def mean_and_deviation(values: NDArray[np.float64], weight: NDArray[np.float32] | None) -> tuple[float, float]:
    """Mean and population standard deviation of ``values`` (N,), by ``weight`` (N,) where there is one."""
    mean = mean_of(values, weight)
    return mean, float(values.std()) if weight is None else mean_of((values - mean) ** 2, weight) ** 0.5


def _numbers(values: NDArray[Any], task: str, expected: str, place: Place) -> NDArray[np.float64]:
    """``values`` as float64, missing ones as NaN."""
    if values.dtype.kind == "O":
        # A text such as "1.5" would be converted without a word.
        text = np.array([not (value is None or isinstance(value, Real | np.bool_)) for value in values], dtype=bool)
    else:
        text = np.full(len(values), values.dtype.kind not in "biuf")
    if text.any():
        row = int(text.argmax())
        raise DataError(
            f"label {task!r} is not numeric: it holds {_plain(values[row])!r} in {place(row)}{_more(text)} "
            f"({values.dtype}); map it to numbers, each of them {expected}"
        )
    return values.astype(np.float64)


def _plain(value: Any) -> Any:
    """A numpy number as Python's, for messages."""
    return value.item() if isinstance(value, np.generic) else value


def _more(bad: NDArray[np.bool_]) -> str:
    others = int(bad.sum()) - 1
    return f" (and {others} more rows)" if others else ""
