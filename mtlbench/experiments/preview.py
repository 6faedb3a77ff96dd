"""What a run would do, without doing it."""

from dataclasses import dataclass

from mtlbench.config.parameters import params_text, spec_text
from mtlbench.config.plan import Plan
from mtlbench.config.space import COMMON
from mtlbench.discovery import Catalogue
from mtlbench.experiments.expand import expand
from mtlbench.experiments.job import Job, merged
from mtlbench.experiments.matched_budgets import most_matched
from mtlbench.experiments.results_folder import require_writable
from mtlbench.experiments.searching import Searching
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
    """Why it will not be trained, or that it is a trial; empty for a cell of the study's rows."""


@dataclass(frozen=True)
class Preview:
    """The cells of a study."""

    cells: list[PlannedCell]
    """In the order in which they would run."""
    later: int
    """How many more follow from what these give, at most: reports of trials, or all once more under one budget."""


def preview(plan: Plan, catalogue: Catalogue) -> Preview:
    """The cells of ``plan``, as far as they are known before it has run.

    Raises:
        UsageError: what :func:`mtlbench.experiments.run` would refuse.
    """
    require_writable(plan.settings.out)
    recorded = RecordStore(plan.settings.out).summaries()
    study = expand(plan, catalogue)
    searching = Searching(plan, plan.tuned, catalogue, study) if plan.tuned else None
    rows = {job.cell.id for job in study}
    cells = [
        PlannedCell(
            spec_text(job.cell.dataset.name, job.changed["dataset"]),
            spec_text(job.cell.backbone.name, job.changed["backbone"]),
            spec_text(job.cell.weighting.name, job.changed["weighting"]),
            job.cell.seed,
            job.cell.id in recorded,
            _remark(job) or ("" if job.cell.id in rows else _trial(job, plan)),
        )
        for job in merged(study, searching.jobs if searching else [])
    ]
    return Preview(cells, searching.later if searching else most_matched(study, plan.budget))


def _trial(job: Job, plan: Plan) -> str:
    """That a cell is a trial, and what it changes of the training; what it changes of plugins stands in their specs."""
    changed = {name: value for name, value in job.cell.training.settings.items() if name in COMMON}
    own = {name: value for name, value in changed.items() if value != getattr(plan.training, name)}
    return f"trial: {params_text(own)}" if own else "trial"


def _remark(job: Job) -> str:
    if job.failure is not None:
        return f"fails: {job.failure.reason}"
    return f"not applicable: {job.not_applicable}" if job.not_applicable else ""
