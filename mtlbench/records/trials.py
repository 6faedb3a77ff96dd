"""The trials of a search: what each gave, which of them are trained to the end, and which is chosen."""

from collections.abc import Iterable, Sequence
from typing import Any

from mtlbench.records.schema import Count, Finite, Name, Number, Params, Status, Strict

SHORT = 5
"""Under halving, the short training of a trial has one in so many of the epochs, rounded up."""

KEPT = 4
"""Under halving, one in so many of the trials, rounded up, is trained to the end."""


class Trained(Strict):
    """What one training on the search's seed gave."""

    cell: Name
    status: Status
    score: Number = None
    """The objective on validation, of the epoch that was kept; ``None`` without a result."""
    loss: Number = None
    """The mean validation loss of that epoch, which breaks ties."""
    steps: Count = 0
    rows: Count = 0
    seconds: Finite = 0.0
    """In all stages, those of reused cells too."""


class Trial(Trained):
    """One setting and what it gave."""

    number: Count
    """0 has the study's own settings."""
    training: Params
    """What it changed of the training."""
    backbone: Params
    """The backbone's parameters that it set."""
    weighting: Params
    """The weighting's parameters that it set."""
    short: Trained | None = None
    """Under halving, its short training, where it was trained to the end in another one afterwards."""
    stopped: bool = False
    """Whether it had its short training alone, and what it gave is of that."""

    @property
    def settings(self) -> dict[str, Any]:
        """All that it set, by parameter."""
        return {**self.training, **self.backbone, **self.weighting}

    @property
    def trainings(self) -> list[Trained]:
        """All that it cost."""
        return [self] if self.short is None else [self.short, self]

    @property
    def full_score(self) -> float | None:
        """The score of a trial that was trained to the end; ``None`` without one."""
        return None if self.stopped else self.score


def short_epochs(epochs: int) -> int:
    """Of the short training of a trial that may have ``epochs``."""
    return -(-epochs // SHORT)


def most_kept(trials: int) -> int:
    """How many of so many trials are trained to the end, at most: fewer, where not as many have a result."""
    return -(-trials // KEPT)


def kept(short: Sequence[Trained]) -> list[int]:
    """The numbers of the trials that are trained to the end, sorted: those whose ``short`` trainings were best."""
    return sorted(_ranked(dict(enumerate(short)))[: most_kept(len(short))])


def choose(trials: Iterable[Trial]) -> int | None:
    """The number of the best trial: the highest score, of equals the lower loss, of those the lower number.

    ``None`` where no trial that was trained to the end has a score.
    """
    return next(iter(_ranked({trial.number: trial for trial in trials if not trial.stopped})), None)


def _ranked(results: dict[int, Trained]) -> list[int]:
    """Numbers of those with a score, from the best."""
    scored = {n: one for n, one in results.items() if one.status == "done" and one.score is not None}
    return sorted(scored, key=lambda n: _order(n, scored[n]))


def _order(number: int, one: Trained) -> tuple[float, float, int]:
    return -(one.score or 0.0), float("inf") if one.loss is None else one.loss, number
