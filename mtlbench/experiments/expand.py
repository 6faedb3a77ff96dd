"""From a plan to jobs: the cross product, the cells that others start from, and what makes no sense."""

from dataclasses import replace
from pathlib import Path

from mtlbench.api import Backbone, Schema, Splits, Weighting
from mtlbench.cells import Cell
from mtlbench.experiments.job import Job
from mtlbench.experiments.run_cell import load_splits
from mtlbench.plugins import Catalogue
from mtlbench.specs import Resolved, resolve
from mtlbench.study import Plan
from mtlbench.training import TASK_GRADIENTS, has_shared_parameters, no_shared_parameters


def expand(plan: Plan, catalogue: Catalogue, checkpoints: Path) -> list[Job]:
    """All jobs of ``plan``, each once, a start cell before the cells that continue from it.

    A start cell that the plan does not name is added, so that its row stands beside those that build on it.

    Raises:
        DataError: a dataset is missing or malformed.
    """
    expansion = _Expansion(plan, catalogue, checkpoints)
    for dataset in plan.datasets:
        splits = load_splits(catalogue, dataset.spec, plan.data_dir)
        for seed in plan.seeds:
            for backbone in plan.backbones:
                for weighting in plan.weightings:
                    expansion.add(dataset, splits, backbone, weighting, seed)
    return list(expansion.jobs.values())


class _Expansion:
    def __init__(self, plan: Plan, catalogue: Catalogue, checkpoints: Path) -> None:
        self.jobs: dict[str, Job] = {}
        self._plan = plan
        self._catalogue = catalogue
        self._checkpoints = checkpoints
        self._sharing: dict[tuple[str, str], bool] = {}

    def add(self, dataset: Resolved, splits: Splits, backbone: Resolved, weighting: Resolved, seed: int) -> Job:
        """The job of one combination, new or known."""
        cell = Cell(dataset.spec, splits.fingerprint, backbone.spec, weighting.spec, seed, self._plan.training)
        if cell.id in self.jobs:
            return self.jobs[cell.id]
        method = weighting.create()
        start = method.start()
        start_job = None
        if start is not None:
            resolved = resolve(self._catalogue, "weighting", start.weighting, start.params, self._plan.preset)
            start_job = self.add(dataset, splits, backbone, resolved, seed)
            self.jobs[start_job.cell.id] = replace(start_job, keep_checkpoint=True)
        self.jobs[cell.id] = Job(
            cell=cell,
            data_dir=self._plan.data_dir,
            checkpoints=self._checkpoints,
            plugin_files=self._plan.plugin_files,
            preset=self._plan.preset,
            device=self._plan.device,
            changed={"dataset": dataset.changed, "backbone": backbone.changed, "weighting": weighting.changed},
            start=None if start_job is None else start_job.cell,
            not_applicable=self._not_applicable(dataset, splits.schema, backbone, method),
        )
        return self.jobs[cell.id]

    def _not_applicable(
        self, dataset: Resolved, schema: Schema, backbone: Resolved, weighting: Weighting
    ) -> str | None:
        cls: type[Backbone] = backbone.entry.cls
        reason = cls.applicable(schema) or weighting.applicable(schema, cls)
        if reason is not None or not weighting.needs & TASK_GRADIENTS:
            return reason
        key = dataset.spec.text(), backbone.spec.text()
        if key not in self._sharing:
            self._sharing[key] = has_shared_parameters(cls, backbone.params, schema)
        return None if self._sharing[key] else no_shared_parameters(weighting.label, cls.label)
