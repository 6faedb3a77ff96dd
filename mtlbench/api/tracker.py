"""The tracker plugin interface: from a cell that was trained to a run in a tool such as TensorBoard or MLflow."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

from mtlbench.api.params import Params
from mtlbench.api.plugin import Plugin


@dataclass(frozen=True)
class TrackedPoint:
    """One point of a cell's curves."""

    step: int
    """From 1: number of the validation in the cell, whatever its stage; one after each epoch by default."""
    values: Mapping[str, float]
    """Name -> finite number: ``train/TASK/loss``, ``validation/TASK/METRIC``, ``weight/TASK`` (the mean weight since
    the point before), ``epoch`` (of its stage), ``series/NAME`` (the step-th number that the weighting logged)."""


@dataclass(frozen=True)
class TrackedCell:
    """What a tracker is told of a cell: its record, in names and numbers that any tool can show."""

    name: str
    """For people: ``rmtl[lambda=0.5]/mmoe/synthetic/seed0``; only parameters that were changed. Not unique."""
    path: str
    """For files: ``rmtl/mmoe/synthetic/seed0-1a2b3c4d5e6f``, with the start of the cell's id; unique among cells."""
    status: Literal["done", "failed"]
    reason: str | None
    """Why it failed; ``None`` where it did not."""
    tags: Mapping[str, str]
    """``cell`` (its whole id), ``record`` (path of its record), ``method``, ``dataset``, ``backbone``, ``weighting``,
    ``seed``, ``status``, ``mtlbench`` (version); ``reason`` where it failed."""
    parameters: Mapping[str, Any]
    """All that the cell was run with, as JSON values: ``weighting``, ``weighting.lambda``, ``training.epochs``, ..."""
    points: tuple[TrackedPoint, ...]
    """Its curves, in the order of ``step``; none of a failed cell."""
    scores: Mapping[str, float]
    """Name -> finite number: ``test/TASK/METRIC``; ``selected/TASK/METRIC`` on validation, and ``selected/objective``,
    of the state that was chosen; ``spend/steps``, ``spend/rows``, ``spend/seconds``; ``diagnostics/NAME``."""
    began: float
    """Seconds since 1970."""
    ended: float
    """Seconds since 1970."""


class Tracker(Plugin, ABC):
    """Base of a tracker plugin: it shows cells in a tool for experiments.

    It runs in the process that runs the study, never beside a cell in training, and hears of each cell that this run
    trained once, after its record is written. What it raises is a warning and changes no cell::

        class Printed(Tracker):
            \"\"\"A line on the screen for each cell.\"\"\"

            name, label = "printed", "Printed"

            def log(self, cell):
                print(cell.name, cell.status, dict(cell.scores))

    Import the tool inside the methods, so that mtlbench starts fast and works without it.

    Args:
        out: the results folder.
        params: the tracker's parameters.
    """

    package: ClassVar[str | None] = None
    """The package that must be installed."""
    install: ClassVar[str] = ""
    """The command that installs it, where that is not ``pip install`` and its name."""

    def __init__(self, out: Path, params: Params) -> None:
        self.out = out
        self.params = params

    @classmethod
    def missing(cls) -> str | None:
        """The command that installs the package that is missing; ``None`` where nothing is."""
        if cls.package is None or find_spec(cls.package) is not None:
            return None
        return cls.install or f"pip install {cls.package}"

    def start(self) -> None:
        """Called once before any cell is trained: reach the tool here, and raise what is wrong."""

    @abstractmethod
    def log(self, cell: TrackedCell) -> None:
        """Show ``cell``, as one run of the tool."""

    def close(self) -> None:
        """Called once after the last cell, also where the study was interrupted."""
