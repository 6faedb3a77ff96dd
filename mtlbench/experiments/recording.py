"""The part of a record that is known before training: what was run, on what, with which code."""

from collections.abc import Mapping
from typing import Any

from mtlbench.api import Backbone, Splits, Weighting
from mtlbench.cells import PROTOCOL, PluginSpec
from mtlbench.discovery import Catalogue
from mtlbench.experiments.job import Job
from mtlbench.records.provenance import environment, plugin_use
from mtlbench.records.schema import DatasetUse, Failure, PluginUse, Record, Scores
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.tasks.registry import task_kind


def blank_record(job: Job, catalogue: Catalogue, splits: Splits) -> Record:
    """A record of ``job`` without an outcome: failed until its training says otherwise, or not applicable."""
    cell = job.cell
    weighting: type[Weighting] = catalogue.get("weighting", cell.weighting.name).cls
    backbone: type[Backbone] = catalogue.get("backbone", cell.backbone.name).cls
    at_defaults = not job.changed.get("weighting", {})
    baseline = weighting.baseline and at_defaults
    return Record(
        protocol=PROTOCOL,
        cell=cell.id,
        method=weighting.method(backbone.label),
        baseline=baseline,
        tuned_baseline=weighting.tuned_baseline and at_defaults,
        reference=baseline and backbone.single_task,
        dataset=dataset_use(catalogue, cell.dataset, job.changed.get("dataset", {}), splits),
        backbone=_use(job, catalogue, "backbone", cell.backbone),
        weighting=_use(job, catalogue, "weighting", cell.weighting),
        seed=cell.seed,
        preset=job.settings.preset,
        sizes=dict(job.settings.sizes),
        training=cell.training.settings,
        controls=list(job.controls),
        status="not-applicable" if job.not_applicable else "failed",
        failure=Failure(reason=job.not_applicable or "did not finish"),
        environment=environment(job.settings.device),
    )


def _use(job: Job, catalogue: Catalogue, kind: str, spec: PluginSpec) -> PluginUse:
    return plugin_use(catalogue.get(kind, spec.name).cls, dict(spec.params), dict(job.changed.get(kind, {})))


def dataset_use(catalogue: Catalogue, spec: PluginSpec, changed: Mapping[str, Any], splits: Splits) -> DatasetUse:
    """The dataset ``spec`` as it was used, for a record; where it was generated, the best scores are computed."""
    use: dict[str, Any] = plugin_use(catalogue.get("dataset", spec.name).cls, dict(spec.params), changed).model_dump()
    return DatasetUse(
        **use,
        fingerprint=splits.fingerprint,
        tasks=splits.schema.task_names,
        kinds={task.name: task.kind for task in splits.schema.tasks},
        primary={task.name: task_kind(task.kind, task.params).primary.key for task in splits.schema.tasks},
        facts=dict(splits.facts),
        optimum=_optimum(splits),
    )


def _optimum(splits: Splits) -> dict[str, Scores] | None:
    """The scores of the true means, kept for the process's next cell of the same data."""
    if not any(known is splits for known, _ in _OPTIMA):
        tasks = FittedTasks.of(splits)
        scores = {
            name: tasks.scores(tasks.logits(split.optimum), split, splits.schema)
            for name, split in (("validation", splits.validation), ("test", splits.test))
            if split.optimum is not None
        }
        _OPTIMA[:] = [(splits, scores or None)]
    return _OPTIMA[0][1]


_OPTIMA: list[tuple[Splits, dict[str, Scores] | None]] = []
