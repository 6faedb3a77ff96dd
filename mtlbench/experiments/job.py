"""One cell as work to do: everything a worker process needs, picklable and small."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mtlbench.cells import Cell
from mtlbench.config.settings import RunSettings
from mtlbench.records.schema import Failure


@dataclass(frozen=True)
class Job:
    """A cell, the settings of its run, and what its record must say beyond the cell."""

    cell: Cell
    settings: RunSettings
    changed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Kind of plugin -> the parameters that the user changed."""
    warm_start: Cell | None = None
    """The cell whose backbone this one continues from."""
    source: Cell | None = None
    """The cell whose weighting this one reuses."""
    reference: Cell | None = None
    """The cell whose validation scores the objective of this one is measured against."""
    keep_checkpoint: bool = False
    """Whether another cell builds on this one."""
    controls: tuple[str, ...] = ()
    """Ids of the cells that show where a gain of this one comes from, whether or not the study runs them."""
    not_applicable: str | None = None
    """The reason why the combination makes no sense, known before any training."""
    failure: Failure | None = None
    """What went wrong when its plugins were asked about it, before any training."""

    @property
    def sensible(self) -> bool:
        """Whether there is something to train, as far as is known."""
        return self.not_applicable is None and self.failure is None

    @property
    def sources(self) -> tuple[Cell, ...]:
        """The cells whose checkpoints this one reads."""
        return tuple(cell for cell in (self.warm_start, self.source) if cell is not None)

    @property
    def before(self) -> tuple[Cell, ...]:
        """The cells that must be done before this one."""
        return self.sources if self.reference is None else (*self.sources, self.reference)

    @property
    def checkpoint(self) -> Path:
        """Where this cell's best state is kept."""
        return self.settings.checkpoint(self.cell)

    @property
    def journal(self) -> Path:
        """Folder of what the running cell has done so far."""
        return self.settings.journal(self.cell)


class WorkerLostError(Exception):
    """The process that ran a cell died, as often as the executor tries it, and the executor goes on.

    Args:
        deaths: how often that was.
    """

    def __init__(self, deaths: int) -> None:
        super().__init__(deaths)
        self.deaths = deaths


def merged(*parts: list[Job]) -> list[Job]:
    """All jobs, each cell once, in the order of its first; a checkpoint is kept where one of them asks for it."""
    found: dict[str, Job] = {}
    for job in (job for part in parts for job in part):
        first = found.setdefault(job.cell.id, job)
        if job.keep_checkpoint and not first.keep_checkpoint:
            found[job.cell.id] = replace(first, keep_checkpoint=True)
    return list(found.values())
