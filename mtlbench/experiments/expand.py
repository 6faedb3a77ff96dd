"""From a plan to jobs: the cross product, the cells that others start from, and what makes no sense."""

from dataclasses import replace
from itertools import product

from mtlbench.api import Source, Splits
from mtlbench.cells import Cell
from mtlbench.config.specs import Resolved, resolve
from mtlbench.config.study import Plan
from mtlbench.discovery import Catalogue
from mtlbench.experiments.applicability import Applicability
from mtlbench.experiments.job import Job
from mtlbench.experiments.run_cell import load_splits


def expand(plan: Plan, catalogue: Catalogue) -> list[Job]:
    """All jobs of ``plan``, each once, a cell before those that build on it.

    A cell to build on that the plan does not name is added, so that its row stands beside those that build on it.

    Raises:
        DataError: a dataset is missing or malformed.
    """
    expansion = _Expansion(plan, catalogue)
    pairs = [pair for grid in plan.grids for pair in product(*grid)]
    for dataset in plan.datasets:
        splits = load_splits(catalogue, dataset.spec, plan.settings.data_dir)
        for seed in plan.seeds:
            for backbone, weighting in pairs:
                expansion.add(dataset, splits, backbone, weighting, seed)
                for control in expansion.controls(weighting) if plan.controls else ():
                    expansion.add(dataset, splits, backbone, control, seed)
    return list(expansion.jobs.values())


class _Expansion:
    def __init__(self, plan: Plan, catalogue: Catalogue) -> None:
        self.jobs: dict[str, Job] = {}
        self._controls: dict[str, list[Resolved]] = {}
        self._plan = plan
        self._catalogue = catalogue
        self._applicability = Applicability()

    def add(self, dataset: Resolved, splits: Splits, backbone: Resolved, weighting: Resolved, seed: int) -> Job:
        """The job of one combination, new or known."""
        cell = self._cell(dataset, splits, backbone, weighting, seed)
        if cell.id in self.jobs:
            return self.jobs[cell.id]
        method = weighting.create()
        warm_start, source = (
            self._add_source(dataset, splits, backbone, named, seed) for named in (method.warm_start(), method.source())
        )
        self.jobs[cell.id] = Job(
            cell=cell,
            settings=self._plan.settings,
            changed={"dataset": dataset.changed, "backbone": backbone.changed, "weighting": weighting.changed},
            warm_start=warm_start,
            source=source,
            controls=tuple(
                self._cell(dataset, splits, backbone, control, seed).id for control in self.controls(weighting)
            ),
            not_applicable=self._applicability.reason(splits.schema, backbone, method)
            or self._without_source(warm_start, source),
        )
        return self.jobs[cell.id]

    def controls(self, weighting: Resolved) -> list[Resolved]:
        """The control rows that a weighting names."""
        key = weighting.spec.canonical
        if key not in self._controls:
            self._controls[key] = [self._resolve(source) for source in weighting.create().controls()]
        return self._controls[key]

    def _resolve(self, source: Source) -> Resolved:
        return resolve(self._catalogue, "weighting", source.weighting, source.params, self._plan.settings.preset)

    def _cell(self, dataset: Resolved, splits: Splits, backbone: Resolved, weighting: Resolved, seed: int) -> Cell:
        return Cell(dataset.spec, splits.fingerprint, backbone.spec, weighting.spec, seed, self._plan.training)

    def _add_source(
        self, dataset: Resolved, splits: Splits, backbone: Resolved, source: Source | None, seed: int
    ) -> Cell | None:
        """The cell that ``source`` names, added to the jobs as one whose checkpoint is kept."""
        if source is None:
            return None
        if source.backbone is not None:
            backbone = resolve(self._catalogue, "backbone", source.backbone, {}, self._plan.settings.preset)
        cell = self.add(dataset, splits, backbone, self._resolve(source), seed).cell
        self.jobs[cell.id] = replace(self.jobs[cell.id], keep_checkpoint=True)
        return cell

    def _without_source(self, *sources: Cell | None) -> str | None:
        for source in sources:
            job = self.jobs[source.id] if source is not None else None
            if job is not None and job.not_applicable is not None:
                return f"it builds on {job.cell.backbone.name} x {job.cell.weighting.name}: {job.not_applicable}"
        return None
