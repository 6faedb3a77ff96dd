"""What a run would do, without doing it."""

from dataclasses import dataclass

from mtlbench.config.parameters import spec_text
from mtlbench.config.plan import Plan
from mtlbench.discovery import Catalogue
from mtlbench.experiments.expand import expand
from mtlbench.experiments.job import Job
from mtlbench.experiments.results_folder import require_writable
from mtlbench.records import RecordStore


@dataclass(frozen=True)
class PlannedCell:
    """A cell as its study names it."""

    dataset: str
    backbone: str
    weighting: str
    seed: int
    recorded: bool
    """Whether the results folder has its record."""
    remark: str
    """Why it will not be trained; empty where it will."""


def preview(plan: Plan, catalogue: Catalogue) -> list[PlannedCell]:
    """The cells of ``plan`` in the order in which they would run.

    Raises:
        UsageError: what :func:`mtlbench.experiments.run` would refuse.
    """
    require_writable(plan.settings.out)
    recorded = RecordStore(plan.settings.out).summaries()
    return [
        PlannedCell(
            spec_text(job.cell.dataset.name, job.changed["dataset"]),
            spec_text(job.cell.backbone.name, job.changed["backbone"]),
            spec_text(job.cell.weighting.name, job.changed["weighting"]),
            job.cell.seed,
            job.cell.id in recorded,
            _remark(job),
        )
        for job in expand(plan, catalogue)
    ]


def _remark(job: Job) -> str:
    if job.failure is not None:
        return f"fails: {job.failure.reason}"
    return f"not applicable: {job.not_applicable}" if job.not_applicable else ""
