"""The objective: one number of the validation scores of all tasks, by which epochs and settings are chosen."""

import math
import re
from collections.abc import Collection, Mapping
from fractions import Fraction

from mtlbench.bounds import TEXT
from mtlbench.errors import TrainingError, UsageError, did_you_mean
from mtlbench.statistics.relative import delta_m
from mtlbench.tasks.metrics.metric import Metric
from mtlbench.text import shown

MEAN, DELTA_M = "mean", "delta-m"

_LARGEST = 10**12
"""Of the whole numbers that weights become."""
_WEIGHT = r"\d{1,12}(?:\.\d{1,6})?"
_TASK = re.compile(
    rf"""\s*(?:'(?P<single>[^']+)'|"(?P<double>[^"]+)"|(?P<bare>[^,='"]+?))\s*=\s*(?P<weight>{_WEIGHT})\s*(?:,(?=.)|$)"""
)


class Objective:
    """One number of the primary metrics of all tasks; more is better.

    - ``mean``: their mean, those where lower is better negated (:meth:`~mtlbench.tasks.metrics.metric.Metric.gain`).
    - weights such as ``conversion=3,click=1``: the weighted mean. A task that is not named has weight 0.
    - ``delta-m``: ``100/K sum_k (-1)^l_k (M_k - B_k) / B_k``, where M_k is the primary metric of task k, B_k that of
      the reference, and l_k is 1 if lower is better, else 0 (:func:`mtlbench.statistics.delta_m`).

    Args:
        text: the objective, as :func:`canonical` takes it.
        metrics: task -> its primary metric.
        reference: task -> B_k, the validation score of the single-task baseline, which ``delta-m`` alone needs.

    Raises:
        UsageError: ``text`` is no objective, or names a task that there is not.
        TrainingError: ``delta-m`` has no reference, or one of its scores is undefined or not above 0.
    """

    def __init__(
        self, text: str, metrics: Mapping[str, Metric], reference: Mapping[str, float | None] | None = None
    ) -> None:
        self.text = canonical(text, metrics)
        self._metrics = dict(metrics)
        self._weights = dict.fromkeys(metrics, 1) if self.text in {MEAN, DELTA_M} else _weights(self.text)
        self._reference = _checked(reference, metrics) if self.text == DELTA_M else {}

    def of(self, scores: Mapping[str, float | None]) -> float:
        """The objective of ``scores``, task -> primary metric; NaN where one that counts is undefined."""
        found = {task: math.nan if (score := scores.get(task)) is None else score for task in self._weights}
        if self._reference:
            lower = [self._metrics[task].lower_is_better for task in found]
            return float(delta_m(list(found.values()), [self._reference[task] for task in found], lower))
        gains = [weight * self._metrics[task].gain(found[task]) for task, weight in self._weights.items()]
        return sum(gains) / sum(self._weights.values())


def canonical(text: str, tasks: Collection[str] | None = None) -> str:
    """``text`` in the one form that all texts of its meaning share.

    Weights become the smallest whole numbers of the same ratios, in the order of the tasks' names. Where the ``tasks``
    of a dataset are given, equal weights of all of them become ``mean``.

    Raises:
        UsageError: it is no objective, or it names a task that is not among ``tasks``.
    """
    if not isinstance(text, str):
        raise UsageError(f"the objective {shown(text)} is no text; expected {MEAN}, {DELTA_M}, or TASK=WEIGHT,...")
    if text.strip() in {MEAN, DELTA_M}:
        return text.strip()
    weights = _weights(text)
    if tasks is not None:
        for task in weights:
            if task not in tasks:
                hint = did_you_mean(task, list(tasks))
                raise UsageError(f"the objective {text!r} weighs {task!r}, which is no task of the dataset: {hint}")
        if len(weights) == len(tasks) and len(set(weights.values())) == 1:
            return MEAN
    found = ",".join(f"{_quoted(task)}={weight}" for task, weight in weights.items())
    if len(found) > TEXT:
        raise UsageError(f"the objective has {len(found):,} characters, more than {TEXT:,}; weigh fewer tasks")
    return found


def _weights(text: str) -> dict[str, int]:
    """Task -> weight above 0, the smallest whole numbers, by name."""
    found: dict[str, Fraction] = {}
    place = 0
    while place < len(text) or not found:
        match = _TASK.match(text, place)
        if match is None:
            raise UsageError(
                f"{text!r} is no objective; expected {MEAN}, {DELTA_M}, or TASK=WEIGHT,..., such as "
                "'conversion=3,click=1', with plain numbers of at most six digits after the point as weights"
            )
        task = match["single"] or match["double"] or match["bare"]
        if task in found:
            raise UsageError(f"the objective {text!r} names the task {task!r} twice; give each task one weight")
        found[task], place = Fraction(match["weight"]), match.end()
    if not any(found.values()):
        raise UsageError(f"the objective {text!r} has no weight above 0; give at least one")
    scale = math.lcm(*(weight.denominator for weight in found.values()))
    whole = {task: int(weight * scale) for task, weight in sorted(found.items()) if weight > 0}
    smallest = {task: weight // math.gcd(*whole.values()) for task, weight in whole.items()}
    if max(smallest.values()) > _LARGEST:
        raise UsageError(f"the objective {text!r} has weights of too many digits; round them")
    return smallest


def _quoted(task: str) -> str:
    if not any(mark in task for mark in ",='\"") and task == task.strip():
        return task
    return f'"{task}"' if "'" in task else f"'{task}'"


def _checked(reference: Mapping[str, float | None] | None, metrics: Mapping[str, Metric]) -> dict[str, float]:
    """The scores that Delta_m divides by."""
    if reference is None:
        raise TrainingError(f"the objective {DELTA_M} needs the validation scores of the single-task baseline")
    found = {}
    for task, metric in metrics.items():
        score = reference.get(task)
        if score is None or not score > 0:
            value = "undefined" if score is None or math.isnan(score) else f"{score:g}"
            raise TrainingError(
                f"the objective {DELTA_M} divides by the single-task baseline's validation {metric.label} of the task "
                f"{task!r}, which is {value}; choose another objective, or weigh the tasks that have one"
            )
        found[task] = score
    return found
