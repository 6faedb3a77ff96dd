"""What weightings reported of themselves, and the weights that they applied, as texts."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from mtlbench.leaderboards.boards.board import MISSING
from mtlbench.records import Record

WEIGHTS = "weights"


def diagnostics_of(done: Sequence[Record]) -> dict[str, str]:
    """Name -> text, of the finished records of one row; empty for a method that reports nothing and keeps its weights.

    A number, or one per task, is the mean over seeds. A curve is its first and its last value, and its mean length. The
    weights are those of the last epoch that had any, for each task their mean and 5 % and 95 % quantiles.
    """
    weights = _weights(done)
    texts = {WEIGHTS: weights} if weights else {}
    names = dict.fromkeys(name for record in done for name in record.diagnostics)
    for name in names:
        values = [_listed(record.diagnostics[name]) for record in done if name in record.diagnostics]
        texts[name] = " / ".join(_mean(column) for column in zip(*values, strict=False))
    for name in dict.fromkeys(name for record in done for name in record.series):
        curves = [record.series[name] for record in done if record.series.get(name)]
        if curves:
            ends = _mean([curve[0] for curve in curves]), _mean([curve[-1] for curve in curves])
            texts[name] = f"{ends[0]} to {ends[1]} in {fmean(map(len, curves)):.3g}"
    return texts


def _weights(done: Sequence[Record]) -> str:
    last = [next((epoch.weights for epoch in reversed(record.curve) if epoch.weights), None) for record in done]
    found = [weights for weights in last if weights is not None]
    if not found or all(_constant(weights) for weights in found):
        return ""
    return " / ".join(
        f"{_of(found, task, 'mean')} [{_of(found, task, 'q05')}, {_of(found, task, 'q95')}]" for task in found[0]
    )


def _constant(weights: Mapping[str, Mapping[str, float | None]]) -> bool:
    return all(of_task.get("min") == of_task.get("max") for of_task in weights.values())


def _of(found: Sequence[Mapping[str, Mapping[str, float | None]]], task: str, name: str) -> str:
    return _mean([weights.get(task, {}).get(name) for weights in found])


def _listed(value: float | list[float | None] | None) -> list[float | None]:
    return value if isinstance(value, list) else [value]


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.3g}" if known else MISSING
