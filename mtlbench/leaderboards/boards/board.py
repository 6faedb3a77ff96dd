"""The board: records that may be compared, averaged over seeds and ranked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtlbench.leaderboards.boards.columns import Column, needs_two_tables, primaries_of
from mtlbench.leaderboards.boards.naming import canonical
from mtlbench.records import Record
from mtlbench.statistics import ALPHA, Difference, Estimate

RowState = Literal["complete", "partial", "failed", "not applicable", "optimum"]

OPTIMUM = "Bayes optimum"
MISSING = "–"
"""What stands where there is no value."""

TASKS = "tasks"
"""The parameter of a dataset that chooses among the labels of one log."""

Significance = Literal["better", "worse", "not told apart"]

MARKS = (("*", "°"), ("†", "‡"))
"""Of better and of worse than the first baseline, and than the second."""

Flag = Literal["not exercised", "more spend", "cut off", "worse than the base rate"]
"""What a reader must know of a row before its numbers; each is a note too."""


def claim(gain: float, p: float, sampling: Estimate | None = None) -> Significance:
    """What may be claimed of a gain, more of which is better: neither chance nor the test sample may explain it.

    Args:
        gain: its mean.
        p: its p-value, over all comparisons that are tested together.
        sampling: its interval over test samples, where that is known.
    """
    if not p < ALPHA or (sampling is not None and sampling.low <= 0 <= sampling.high):
        return "not told apart"
    return "better" if gain > 0 else "worse"


def mark_of(verdict: Significance | None, place: int = 0) -> str:
    """How tables and figures mark what is claimed beside the baseline of ``place``; empty where nothing is."""
    better, worse = MARKS[place]
    return {"better": better, "worse": worse}.get(verdict or "", "")


@dataclass(frozen=True)
class Contrast:
    """A value against that of a baseline on the same backbone, over paired seeds."""

    baseline: str
    """The baseline's row."""
    place: int
    """0 for the first baseline, 1 for the second."""
    difference: Difference
    """Value minus baseline, with its own t interval over seeds, which is not adjusted."""
    sampling: Estimate | None = None
    """The same difference with its 95 % interval over test samples; ``None`` where a record does not know it."""
    p: float = math.nan
    """By sign flips of seeds, of this comparison alone; NaN in columns that are not primary, which carry no marks."""
    adjusted: float = math.nan
    """The same over all comparisons of the board."""
    verdict: Significance | None = None
    """``None`` where there is no test."""

    @property
    def mark(self) -> str:
        """How the table marks the verdict."""
        return mark_of(self.verdict, self.place)


@dataclass(frozen=True)
class SeedMean:
    """Mean over seeds, its sample standard deviation (``None`` for one seed), and how it compares."""

    mean: float
    sd: float | None = None
    best: bool = False
    best_baseline: bool = False
    seeds: tuple[float, ...] = ()
    """The value of each of the row's seeds."""
    interval: Estimate | None = None
    """95 % interval of the mean over seeds."""
    contrasts: tuple[Contrast, ...] = ()
    decimals: int = 4
    """Digits behind the point."""

    @property
    def text(self) -> str:
        """The mean as it is printed; equal texts rank equal."""
        return f"{self.mean:.{self.decimals}f}"

    @property
    def spread(self) -> str:
        """Half the interval's width in units of the last printed digit: ``(12)`` is 0.0012; empty for one seed."""
        half_width = math.nan if self.interval is None else self.interval.half_width
        return "" if math.isnan(half_width) else f"({round(half_width * 10**self.decimals)})"

    @property
    def first(self) -> Contrast | None:
        """The contrast with the row's own baseline: the first, or of a tuned row the tuned one."""
        return min(self.contrasts, key=lambda contrast: contrast.place, default=None)

    @property
    def marks(self) -> str:
        """The marks of all contrasts."""
        return "".join(contrast.mark for contrast in self.contrasts)


@dataclass(frozen=True)
class MeanSpend:
    """Mean over seeds of what all stages of training used."""

    steps: float
    rows: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """One method."""

    method: str
    baseline: bool
    state: RowState
    values: dict[Column, SeedMean]
    gap: str = ""
    """Why the row is not complete, in a few words."""
    reasons: tuple[str, ...] = ()
    """The same in full, such as ``seed 2 failed: the loss is NaN``."""
    remarks: tuple[str, ...] = ()
    """What a reader should know all the same."""
    spend: MeanSpend | None = None
    order: tuple[Any, ...] = ()
    """Sort key: baselines first, then by weighting, then by backbone."""
    sample: Record | None = None
    """Any of the records, for what they share; ``None`` for the optimum."""
    seeds: tuple[int, ...] = ()
    """The seeds that have scores."""
    rank: float | None = None
    """Mean rank over the columns, of complete rows."""
    delta_m: SeedMean | None = None
    """Delta_m in percent, of complete rows."""
    controls: tuple[str, ...] = ()
    """The rows of the board that show where a gain of this one comes from."""
    diagnostics: Mapping[str, str] = field(default_factory=dict)
    """What the weighting reported, as text by name."""
    pareto: bool = False
    """Whether no complete row is better in the primary metric of one task and none worse in those of the others."""
    equals: str = ""
    """The first row of the backbone that has the same scores in every seed and column, to the last digit; empty where
    there is none before this one. Such rows are ranked as one."""
    flags: tuple[Flag, ...] = ()
    unit: str = ""
    """What test samples are drawn of: sessions, users or rows; empty where the records do not know."""
    sampling: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, compare=False, repr=False)
    """Task -> how much each group of test rows moves its primary metric, mean over seeds."""

    def by_seed(self, column: Column) -> dict[int, float]:
        """The score of each of the row's seeds; empty where it has none."""
        value = self.values.get(column)
        return {} if value is None else dict(zip(self.seeds, value.seeds, strict=True))


@dataclass(frozen=True)
class BaselineUse:
    """A baseline that the methods of a backbone are compared with."""

    backbone: str
    baseline: str
    """The weighting, by its label; empty where the backbone has none."""
    place: int
    """0 for the first baseline, 1 for the second."""
    comparable: bool
    """Whether it has every seed."""
    tuned: bool = False
    """Whether it is the baseline of rows that were tuned over trials, as it was."""


@dataclass(frozen=True)
class Board:
    """Records of one dataset under one protocol: every row was trained and scored under the same conditions."""

    title: str
    settings: dict[str, Any]
    """Preset, training and protocol: what boards may differ in beside the dataset."""
    sample: Record
    """Any of the records, for the facts that they share."""
    columns: tuple[Column, ...]
    seeds: tuple[int, ...]
    machines: tuple[str, ...]
    rows: tuple[Row, ...]
    baselines: tuple[BaselineUse, ...] = ()
    reference: str = ""
    """The row that Delta_m is measured against; empty where there is none."""

    @property
    def tested(self) -> tuple[Contrast, ...]:
        """The comparisons that can carry a mark, which are tested together."""
        values = (row.values[column] for row in self.rows for column in self.primaries if column in row.values)
        return tuple(contrast for value in values for contrast in value.contrasts if contrast.verdict)

    @property
    def log(self) -> str:
        """Equal for boards of the same log, whatever its tasks and conditions are."""
        dataset = self.sample.dataset
        return canonical([dataset.name, {name: value for name, value in dataset.params.items() if name != TASKS}])

    @property
    def primaries(self) -> tuple[Column, ...]:
        """The primary metric of each task."""
        return primaries_of(self.sample.dataset)

    @property
    def two_tables(self) -> bool:
        """Whether the primary metrics, which alone rank methods then, have a table of their own."""
        return needs_two_tables(self.sample.dataset)
