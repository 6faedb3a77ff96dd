"""From a plan to jobs: the cross product, the cells that others start from, and what makes no sense."""

from dataclasses import replace
from itertools import product

from mtlbench.api import Source, Splits
from mtlbench.bounds import NAME
from mtlbench.cells import Cell, Training
from mtlbench.config.specs import Resolved, resolve
from mtlbench.config.study import Plan
from mtlbench.data import announce
from mtlbench.discovery import Catalogue
from mtlbench.errors import DataError, TrainingError, UsageError
from mtlbench.experiments.applicability import Applicability
from mtlbench.experiments.job import Job
from mtlbench.experiments.run_cell import load_splits
from mtlbench.records.schema import Failure


def expand(plan: Plan, catalogue: Catalogue) -> list[Job]:
    """All jobs of ``plan``, each once, a cell before those that build on it.

    A cell to build on that the plan does not name is added, so that its row stands beside those that build on it.

    Raises:
        DataError: a dataset is missing or malformed.
    """
    expansion = Expansion(plan, catalogue)
    pairs = [pair for grid in plan.grids for pair in product(*grid)]
    for dataset in plan.datasets:
        splits = load_splits(catalogue, dataset.spec, plan.settings.data_dir)
        announce(splits, dataset.spec.name)
        if longest := max((task for task in splits.schema.task_names if len(task) > NAME), key=len, default=None):
            raise DataError(
                f"a task of the dataset {dataset.entry.name} has a name of {len(longest):,} characters, more than "
                f"{NAME:,}: {longest[:60]}...; rename its column"
            )
        tasks = len(splits.schema.tasks)
        for seed in plan.seeds:
            for backbone, weighting in pairs:
                before = dict(expansion.jobs)
                job = expansion.add(dataset, splits, backbone, weighting, seed)
                if plan.tuned is not None and plan.tuned.space.has_own_start(weighting, tasks) and job.sensible:
                    # Its default is a search of its own, with other costs than the trials that all methods have.
                    expansion.jobs = before
                    continue
                for control in expansion.controls(weighting) if plan.controls and job.failure is None else ():
                    expansion.add(dataset, splits, backbone, control, seed)
    return list(expansion.jobs.values())


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

    def add(
        self,
        dataset: Resolved,
        splits: Splits,
        backbone: Resolved,
        weighting: Resolved,
        seed: int,
        training: Training | None = None,
    ) -> Job:
        """The job of one combination, new or known, under the study's ``training`` or another one."""
        cell = Cell(
            dataset.spec, splits.fingerprint, backbone.spec, weighting.spec, seed, training or self._plan.training
        )
        if cell.id in self.jobs:
            return self.jobs[cell.id]
        if cell.id in self._open:
            raise TrainingError(f"the weighting {weighting.entry.name} builds on itself")
        changed = {"dataset": dataset.changed, "backbone": backbone.changed, "weighting": weighting.changed}
        job = Job(cell, self._plan.settings, changed)
        self._open.add(cell.id)
        try:
            job = self._with_its_cells(job, dataset, splits, backbone, weighting)
        except (UsageError, MemoryError):
            raise
        except Exception as error:  # of a plugin: its own row says so, and the others run
            job = replace(job, failure=Failure.of(error))
        self._open.remove(cell.id)
        self.jobs[cell.id] = job
        return job

    def _with_its_cells(
        self, job: Job, dataset: Resolved, splits: Splits, backbone: Resolved, weighting: Resolved
    ) -> Job:
        """``job`` with the cells that it builds on, its controls, and whether it makes sense: what its plugins say."""
        method = weighting.create()
        warm_start, source = (
            self._add_source(job.cell, dataset, splits, backbone, named)
            for named in (method.warm_start(), method.source())
        )
        return replace(
            job,
            warm_start=warm_start,
            source=source,
            controls=tuple(replace(job.cell, weighting=control.spec).id for control in self.controls(weighting)),
            not_applicable=self._applicability.reason(splits.schema, backbone, method)
            or self._without_source(warm_start, source),
        )

    def controls(self, weighting: Resolved) -> list[Resolved]:
        """The control rows that a weighting names."""
        key = weighting.spec.canonical
        if key not in self._controls:
            self._controls[key] = [self._resolve(source) for source in weighting.create().controls()]
        return self._controls[key]

    def _resolve(self, source: Source) -> Resolved:
        return resolve(self._catalogue, "weighting", source.weighting, source.params, self._plan.settings.preset)

    def _add_source(
        self, cell: Cell, dataset: Resolved, splits: Splits, backbone: Resolved, source: Source | None
    ) -> Cell | None:
        """The cell that ``source`` names, with all else as in ``cell``; its checkpoint is kept."""
        if source is None:
            return None
        if source.backbone is not None:
            backbone = resolve(self._catalogue, "backbone", source.backbone, {}, self._plan.settings.preset)
        found = self.add(dataset, splits, backbone, self._resolve(source), cell.seed, cell.training).cell
        self.jobs[found.id] = replace(self.jobs[found.id], keep_checkpoint=True)
        return found

    def _without_source(self, *sources: Cell | None) -> str | None:
        for source in sources:
            job = self.jobs[source.id] if source is not None else None
            if job is not None and job.not_applicable is not None:
                return f"it builds on {job.cell.backbone.name} x {job.cell.weighting.name}: {job.not_applicable}"
        return None
