"""From a plan to jobs: the cross product, the cells that others start from, and what makes no sense."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

from mtlbench.api import Source, Splits
from mtlbench.bounds import NAME
from mtlbench.cells import Cell, Training
from mtlbench.config.plan import Plan, TunedPlan
from mtlbench.config.specs import Resolved, resolve_sized
from mtlbench.data import announce
from mtlbench.discovery import Catalogue
from mtlbench.errors import DataError, TrainingError, UsageError
from mtlbench.experiments.applicability import Applicability
from mtlbench.experiments.job import Job
from mtlbench.experiments.misfits import Misfits
from mtlbench.experiments.run_cell import load_splits
from mtlbench.records.schema import Failure
from mtlbench.tasks.objective import DELTA_M, MEAN, canonical


def expand(plan: Plan, catalogue: Catalogue) -> list[Job]:
    """All jobs of ``plan``, each once, a cell before those that build on it.

    A cell to build on that the plan does not name is added, so that its row stands beside those that build on it.

    Raises:
        DataError: a dataset is missing or malformed.
        UsageError: the objective weighs a task that a dataset does not have, or has no reference, or the parameters of
            a weighting fit no dataset.
    """
    expansion, misfits = Expansion(plan, catalogue), Misfits(catalogue, plan.settings)
    pairs = [pair for grid in plan.grids for pair in product(*grid)]
    for dataset in plan.datasets:
        splits = load_splits(catalogue, dataset.spec, plan.settings)
        announce(splits, dataset.spec.name)
        if longest := max((task for task in splits.schema.task_names if len(task) > NAME), key=len, default=None):
            raise DataError(
                f"a task of the dataset {dataset.entry.name} has a name of {len(longest):,} characters, more than "
                f"{NAME:,}: {longest[:60]}...; rename its column"
            )
        misfits.ask(dataset, splits.schema, pairs)
        training, tasks = training_on(dataset, splits, plan.training), len(splits.schema.tasks)
        for seed in plan.seeds:
            block = Block(dataset, splits, seed, training, plan.yardstick)
            for backbone, weighting in pairs:
                before = dict(expansion.jobs)
                job = expansion.add(block, backbone, weighting)
                if plan.tuned is not None and not _at_defaults(weighting, plan.tuned, tasks) and job.sensible:
                    expansion.jobs = before
                    continue
                for control in expansion.controls(weighting) if plan.controls and job.failure is None else ():
                    expansion.add(block, backbone, control)
    misfits.refuse()
    jobs = list(expansion.jobs.values())
    return [replace(job, keep_checkpoint=True) for job in jobs] if plan.keep_checkpoints else jobs


def _at_defaults(weighting: Resolved, tuned: TunedPlan, tasks: int) -> bool:
    """Whether a method that is tuned has a row at its defaults too.

    A default that is a search of its own has other costs than the trials that all methods have.
    """
    return (tuned.defaults or weighting.entry.cls.baseline) and not tuned.space.has_own_start(weighting, tasks)


class Block(NamedTuple):
    """What a cell shares with those that it builds on."""

    dataset: Resolved
    splits: Splits
    seed: int
    training: Training
    yardstick: Training | None = None
    """Of the cell that the objective is measured against, where it is another one: trials share one."""


def training_on(dataset: Resolved, splits: Splits, training: Training) -> Training:
    """``training`` with the objective as it is named on this dataset."""
    try:
        return replace(training, objective=canonical(training.objective, splits.schema.task_names))
    except UsageError as error:
        raise UsageError(f"dataset {dataset.entry.name}: {error}") from error


class Expansion:
    """The jobs of a study, by the id of their cells, which grow as combinations are added.

    Args:
        plan: of the study.
        catalogue: of the plugins.
    """

    def __init__(self, plan: Plan, catalogue: Catalogue) -> None:
        self.jobs: dict[str, Job] = {}
        self._open: set[str] = set()
        """Cells whose plugins are being asked what they build on."""
        self._controls: dict[str, list[Resolved]] = {}
        self._plan = plan
        self._catalogue = catalogue
        self._applicability = Applicability()

    def add(self, block: Block, backbone: Resolved, weighting: Resolved) -> Job:
        """The job of one combination, new or known."""
        cell = self._cell(block, backbone, weighting)
        if cell.id in self.jobs:
            return self.jobs[cell.id]
        if cell.id in self._open:
            raise TrainingError(f"the weighting {weighting.entry.name} builds on itself")
        changed = {"dataset": block.dataset.changed, "backbone": backbone.changed, "weighting": weighting.changed}
        job = Job(cell, self._plan.settings, changed)
        self._open.add(cell.id)
        try:
            job = self._with_its_cells(job, block, backbone, weighting)
        except (UsageError, MemoryError):
            raise
        except Exception as error:  # of a plugin: its own row says so, and the others run
            job = replace(job, failure=Failure.of(error))
        self._open.remove(cell.id)
        self.jobs[cell.id] = job
        return job

    def _with_its_cells(self, job: Job, block: Block, backbone: Resolved, weighting: Resolved) -> Job:
        """``job`` with the cells that it builds on, its controls, and whether it makes sense: what its plugins say."""
        method = weighting.create()
        warm_start, source = (
            self._add_source(block, backbone, named) for named in (method.warm_start(), method.source())
        )
        reference = self._add_reference(block)
        return replace(
            job,
            warm_start=warm_start,
            source=source,
            reference=reference,
            controls=tuple(self._cell(block, backbone, control).id for control in self.controls(weighting)),
            not_applicable=self._applicability.reason(block.splits.schema, backbone, method)
            or self._without(warm_start, source, reference),
        )

    def controls(self, weighting: Resolved) -> list[Resolved]:
        """The control rows that a weighting names and, where it continues from a checkpoint, baselines that do too."""
        key = weighting.spec.canonical
        if key not in self._controls:
            method = weighting.create()
            named = [self._resolve(source) for source in method.controls()]
            if method.warm_start() is not None and not method.baseline:
                named += [self._resolve(source) for source in self._restarted()]
            self._controls[key] = list({control.spec.canonical: control for control in named}.values())
        return self._controls[key]

    def _restarted(self) -> list[Source]:
        """The baselines that continue from their own checkpoints."""
        found = self._catalogue.weightings.items()
        return [Source(name, entry.cls.restarted) for name, entry in found if entry.cls.restarted is not None]

    def _resolve(self, source: Source) -> Resolved:
        return self._sized("weighting", source.weighting, source.params)

    def _sized(self, kind: str, name: str, params: Mapping[str, Any]) -> Resolved:
        return resolve_sized(self._catalogue, self._plan.settings, kind, name, params)

    def _cell(self, block: Block, backbone: Resolved, weighting: Resolved) -> Cell:
        return Cell(
            block.dataset.spec,
            block.splits.fingerprint,
            backbone.spec,
            weighting.spec,
            block.seed,
            block.training,
        )

    def _add_source(self, block: Block, backbone: Resolved, source: Source | None) -> Cell | None:
        """The cell that ``source`` names, added to the jobs as one whose checkpoint is kept."""
        if source is None:
            return None
        if source.backbone is not None:
            backbone = self._sized("backbone", source.backbone, {})
        cell = self.add(block, backbone, self._resolve(source)).cell
        self.jobs[cell.id] = replace(self.jobs[cell.id], keep_checkpoint=True)
        return cell

    def _add_reference(self, block: Block) -> Cell | None:
        """The single-task baseline that the objective is measured against, added to the jobs; itself trained under the
        mean."""
        if block.training.objective != DELTA_M:
            return None
        backbone, weighting = self._the_one("backbone", "single_task"), self._the_one("weighting", "baseline")
        training = replace(block.yardstick or block.training, objective=MEAN)
        return self.add(block._replace(training=training), backbone, weighting).cell

    def _the_one(self, kind: str, flag: str) -> Resolved:
        """The one plugin of ``kind`` that declares ``flag``, at its defaults under the preset and the study's sizes."""
        names = [name for name, entry in self._catalogue.of_kind(kind).items() if getattr(entry.cls, flag)]
        if len(names) != 1:
            raise UsageError(
                f"the objective {DELTA_M} needs one {kind} that declares {flag}, and there are {len(names)}"
                f"{': ' if names else ''}{', '.join(names)}; choose another objective, or see `mtlbench list`"
            )
        return self._sized(kind, names[0], {})

    def _without(self, *before: Cell | None) -> str | None:
        """Why a cell that must be done before makes no sense."""
        for cell in before:
            job = self.jobs[cell.id] if cell is not None else None
            if job is not None and job.not_applicable is not None:
                return f"it builds on {job.cell.backbone.name} x {job.cell.weighting.name}: {job.not_applicable}"
        return None
