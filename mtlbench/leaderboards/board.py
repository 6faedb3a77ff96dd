"""The board: records that may be compared, averaged over seeds and ranked."""

from dataclasses import dataclass
from typing import Any, Literal

from mtlbench.records import Record

Column = tuple[str, str]
"""Task and metric."""

State = Literal["complete", "partial", "failed", "not applicable", "optimum"]

METRICS = {"auc": "AUC", "logloss": "Logloss", "s_logloss": "s-Logloss"}
HIGHER_IS_BETTER = frozenset({"auc"})
OPTIMUM = "Bayes optimum"


@dataclass(frozen=True)
class Value:
    """Mean over seeds and its sample standard deviation (``None`` for one seed)."""

    mean: float
    sd: float | None = None
    best: bool = False
    best_baseline: bool = False

    @property
    def text(self) -> str:
        """The mean as it is printed; equal texts rank equal."""
        return f"{self.mean:.4f}"

    @property
    def spread(self) -> str:
        """The standard deviation in units of the last printed digit: ``(12)`` is 0.0012."""
        return "" if self.sd is None else f"({round(self.sd * 1e4)})"


@dataclass(frozen=True)
class Spend:
    """Mean over seeds of what all stages of training used."""

    steps: float
    rows: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """One method."""

    method: str
    baseline: bool
    state: State
    values: dict[Column, Value]
    gap: str = ""
    """Why the row is not complete, in a few words."""
    reasons: tuple[str, ...] = ()
    """The same in full, such as ``seed 2 failed: the loss is NaN``."""
    remarks: tuple[str, ...] = ()
    """What a reader should know all the same."""
    spend: Spend | None = None
    order: tuple[Any, ...] = ()
    """Sort key: baselines first, then by weighting, then by backbone."""


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
