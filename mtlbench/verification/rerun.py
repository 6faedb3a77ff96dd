"""A recorded cell once more, from its record alone."""

import tempfile
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mtlbench.cells import PROTOCOL, Training
from mtlbench.config.plan import Plan
from mtlbench.config.presets import PRESETS, PresetName
from mtlbench.config.settings import RunSettings
from mtlbench.config.specs import resolve_recorded
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.experiments.events import Listen
from mtlbench.experiments.expand import expand
from mtlbench.experiments.runner import run
from mtlbench.records import Record, RecordStore
from mtlbench.text import one_line


def rerun(
    record: Record,
    plugin_files: tuple[Path, ...],
    data_dir: Path,
    listener: Listen,
    reference: Record | None = None,
) -> Record:
    """Run the cell of ``record`` in a temporary folder on the CPU, with the cells that it builds on.

    Args:
        record: of the cell.
        plugin_files: with plugins that it needs.
        data_dir: of raw data.
        listener: hears what happens.
        reference: the record of the cell that its objective is measured against, where there is one. All trials of a
            search are measured against a cell under the settings of their study, which the record of a trial lacks.

    Raises:
        MtlbenchError: it cannot be the same cell here: other data or none, another protocol, a plugin that is missing
            or has other parameters. The message gives the reason and the remedy, and does not name the cell.
    """
    with tempfile.TemporaryDirectory(prefix="mtlbench-rerun-") as scratch:
        # All parameters of the cell itself are given; the preset sizes what it builds on.
        preset: PresetName = next((name for name in PRESETS if name == record.preset), "quick")
        settings = RunSettings(data_dir.absolute(), Path(scratch), plugin_files, preset, record.sizes)  # type: ignore[arg-type]
        plan = _plan(record, settings, reference)
        jobs = {job.cell.id: job for job in expand(plan, discover(plugin_files))}
        if record.cell not in jobs:
            [now] = {job.cell.fingerprint for job in jobs.values()}
            raise UsageError(
                f"its data are others: fingerprint {now[:12]} here, {record.dataset.fingerprint[:12]} there; name the "
                "folder of the same raw data with --data-dir"
                if now != record.dataset.fingerprint
                else "a plugin has other parameters here; install the version of the record"
            )
        measured_against = jobs[record.cell].reference
        if measured_against and reference_of(record) not in (None, measured_against.id):
            raise UsageError(
                f"its objective is measured against the cell {str(reference_of(record))[:12]}, which "
                + ("is another one here" if reference else "has no record beside it; bring that record back")
            )
        run(plan, listener=listener)
        return RecordStore(scratch).read(jobs[record.cell].cell.stem)


def reference_of(record: Record) -> str | None:
    """Id of the cell that the objective of ``record`` is measured against."""
    return record.selection.reference if record.selection else None


def _plan(record: Record, settings: RunSettings, reference: Record | None) -> Plan:
    """The study of this one cell."""
    training = _training(record)
    catalogue = discover(settings.plugin_files)
    dataset, backbone, weighting = (
        resolve_recorded(catalogue, kind, use.name, use.params, settings.preset)
        for kind, use in (("dataset", record.dataset), ("backbone", record.backbone), ("weighting", record.weighting))
    )
    return Plan(
        datasets=(dataset,),
        grids=(((backbone,), (weighting,)),),
        seeds=(record.seed,),
        training=training,
        settings=settings,
        yardstick=_training(reference) if reference else None,
    )


def _training(record: Record) -> Training:
    """How the cell of ``record`` is trained.

    Raises:
        UsageError: this mtlbench cannot train it so.
    """
    if record.protocol != PROTOCOL:
        raise UsageError(
            f"it was run under protocol {record.protocol}, this mtlbench has {PROTOCOL}; use the mtlbench that wrote "
            f"it, {record.environment.get('mtlbench', 'of unknown version')}"
        )
    try:
        training = Training(**record.training)  # type: ignore[arg-type]
        TypeAdapter(Training).validate_json(training.canonical, strict=True)
    except (TypeError, ValidationError) as error:
        raise UsageError(f"it has a training that is unknown here: {one_line(str(error))}; use its mtlbench") from error
    if training.settings != record.training:
        raise UsageError(
            "its weight decay was over all rows of embedding tables, here it is over those read; use the mtlbench that "
            f"wrote it, {record.environment.get('mtlbench', 'of unknown version')}"
        )
    if training.budget != "early-stopping":
        raise UsageError(
            f"it was given the budget of another cell of its study; `mtlbench run --budget {training.budget}` runs "
            "such a study again"
        )
    return training
