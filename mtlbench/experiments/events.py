"""What a running study tells whoever watches: small, frozen, picklable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mtlbench.records.schema import Record


@dataclass(frozen=True)
class StudyStarted:
    """The study is expanded and about to run."""

    total: int
    """Cells of the study."""
    resumed: int
    """Cells whose record is there already and which do not run again."""
    later: int = 0
    """Most cells that may follow these, as those that report what trials choose."""


@dataclass(frozen=True)
class OtherCode:
    """Cells whose record is kept were trained with other code than would train them today."""

    cells: int
    plugins: tuple[str, ...]
    """Whose source file is another now, such as ``weighting mine``."""


@dataclass(frozen=True)
class CellStarted:
    """A cell begins."""

    cell: str
    """The cell's id."""
    title: str


@dataclass(frozen=True)
class StageProgress:
    """How far a stage of a running cell has come."""

    cell: str
    stage: str
    epoch: int
    """From 1."""
    epochs: int
    """Most epochs of the stage."""
    done: int
    """Units (training rows, for a stage of epochs) done in the stage so far."""
    total: int
    """Most units that the stage may take."""
    rows_per_second: float


@dataclass(frozen=True)
class CellFinished:
    """A cell has its record."""

    cell: str
    title: str
    status: Literal["done", "failed", "not-applicable"]
    seconds: float
    reason: str | None = None
    """Why there are no scores."""


@dataclass(frozen=True)
class CellRecorded:
    """This run has written a record. It follows :class:`CellFinished`, and never leaves the process of the study."""

    record: Record
    seconds: float


@dataclass(frozen=True)
class NoWorkers:
    """Cells wait, for the cluster has no worker."""

    cells: int
    seconds: float
    """How long that has been so."""


Event = StudyStarted | OtherCode | CellStarted | StageProgress | CellFinished | CellRecorded | NoWorkers

Listen = Callable[[Event], None]
"""Hears events, from any thread."""
