"""Run one cell: dataset, backbone, trainer and weighting in; a record out, whatever happens."""

import time
from collections.abc import Callable

import torch

from mtlbench.api import Dataset, Splits
from mtlbench.cells import Cell, PluginSpec
from mtlbench.config.settings import RunSettings
from mtlbench.data import cache_dir, load
from mtlbench.discovery import Catalogue, discover
from mtlbench.errors import DataError, StorageError, TrainingError, UsageError
from mtlbench.experiments.events import StageProgress
from mtlbench.experiments.job import Job
from mtlbench.experiments.process import prepare_process
from mtlbench.experiments.recording import blank_record
from mtlbench.records import RecordStore
from mtlbench.records.influence import encoded
from mtlbench.records.schema import Epoch, Failure, Record, StageSpend
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.tasks.influence import influence_sums
from mtlbench.training import BackboneTrainer
from mtlbench.training.budget import Budget
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.journal import Journal
from mtlbench.training.rare_ids import rare_ids_unknown
from mtlbench.training.seeding import seeded

PROGRESS_SECONDS = 0.2
Emit = Callable[[StageProgress], None]


def run_cell(job: Job, emit: Emit) -> Record:
    """Train and score one cell. An error becomes a failed record; an interrupt passes through.

    Raises:
        StorageError: what other cells need of this one cannot be written.
        DataError: the data are missing, malformed, or not those that the cell names.
    """
    device = torch.device(job.settings.device)
    prepare_process(device)
    catalogue = discover(job.settings.plugin_files)
    splits = load_splits(catalogue, job.cell.dataset, job.settings, job.cell.fingerprint)
    if splits.fingerprint != job.cell.fingerprint:
        raise DataError(
            f"the data of {job.cell.dataset.name} in {job.settings.data_dir} are not those of the planned study: "
            f"fingerprint {splits.fingerprint[:12]}, not {job.cell.fingerprint[:12]}; bring the same raw "
            "files there, and run again"
        )
    record = blank_record(job, catalogue, splits)
    try:
        return _train(job, catalogue, resident(splits, device, job.cell.training.min_count), record, emit)
    except StorageError:
        raise
    except Exception as error:
        return record.model_copy(update={"status": "failed", "failure": Failure.of(error)})


def _train(job: Job, catalogue: Catalogue, splits: Splits, record: Record, emit: Emit) -> Record:
    cell = job.cell
    warm_start, source = (_checkpoint(job, cell) for cell in (job.warm_start, job.source))
    with seeded(cell.seed, "initial parameters"):
        backbone = catalogue.create("backbone", cell.backbone, splits.schema).to(job.settings.device)
    weighting = catalogue.create("weighting", cell.weighting)
    journal = Journal(job.journal, job.settings.checkpoint_every, _origin(record, job.settings.device))
    trainer = BackboneTrainer(
        backbone,
        splits,
        cell.training,
        cell.seed,
        warm_start=warm_start,
        source=source,
        reference=_reference_scores(job),
        dense="parameters" in weighting.needs,
        progress=_throttled(cell.id, emit),
        journal=journal,
    )
    with seeded(cell.seed, "weighting"):
        weighting.fit(trainer)
    if cell.training.budget != "early-stopping":
        trainer.train_until_spent(Budget(cell.training.budget, cell.training.allowance))
    if job.keep_checkpoint:
        trainer.checkpoint(cell.id, weighting.state_dict()).save(job.checkpoint)
    tasks, logits = FittedTasks.of(splits), trainer.infer(splits.test)
    metrics = {
        "validation": trainer.scores(splits.validation),
        "test": tasks.scores(logits, splits.test, splits.schema),
    }
    influence = influence_sums(tasks, logits, splits.test, splits.schema)
    return Record.model_validate(
        {
            **dict(record),
            "status": "done",
            "failure": None,
            "metrics": metrics,
            "best_epoch": trainer.best_epoch,
            "curve": [Epoch.model_validate(vars(point)) for point in trainer.curve],
            "diagnostics": trainer.diagnostics,
            "series": trainer.curves,
            "spend": [StageSpend.model_validate(vars(stage)) for stage in trainer.spend],
            "resumptions": journal.resumptions,
            "selection": {
                "objective": trainer.best.score,
                "validation_loss": trainer.best.loss,
                "reference": job.reference and job.reference.id,
                "passes": trainer.best_passes,
            },
            "influence": {
                "unit": influence.unit,
                "sums": {task: encoded(sums) for task, sums in influence.sums.items()},
            },
        }
    )


def _origin(record: Record, device: str) -> str:
    """What a training in progress depends on beside its cell: where it differs, the training begins again."""
    sources = [use.source for use in (record.dataset, record.backbone, record.weighting)]
    return " ".join([device, *(str(record.environment[name]) for name in ("mtlbench", "git", "torch")), *sources])


def _checkpoint(job: Job, source: Cell | None) -> Checkpoint | None:
    if source is None:
        return None
    try:
        return Checkpoint.load(job.settings.checkpoint(source), source.id)
    except UsageError as error:
        raise TrainingError(f"{error}; a cell that is recorded as failed needs --overwrite failed for that") from error


def _reference_scores(job: Job) -> dict[str, float | None] | None:
    """Task -> the validation score, in the primary metric, of the cell that the objective is measured against.

    Its record has them: whoever runs this cell sees the results folder, and that cell is done.
    """
    if job.reference is None:
        return None
    try:
        record = RecordStore(job.settings.out).read(job.reference.stem)
    except UsageError as error:
        raise TrainingError(f"the objective is measured against another cell: {error}") from error
    return record.primary_scores("validation")


def load_splits(
    catalogue: Catalogue, dataset: PluginSpec, settings: RunSettings, fingerprint: str | None = None
) -> Splits:
    """The encoded dataset, kept for the process's next cell.

    What is kept is given again only for the same plugin class and the same ``fingerprint``. Without a fingerprint the
    raw files are looked at anew, because they may have changed since.
    """
    cls = catalogue.get("dataset", dataset.name).cls
    if (cls, fingerprint) not in _SPLITS:
        plugin: Dataset = catalogue.create("dataset", dataset)
        plugin.base = settings.base
        splits = load(plugin, settings.data_dir, cache_dir())
        _SPLITS.clear()
        _SPLITS[cls, splits.fingerprint] = splits
        return splits
    return _SPLITS[cls, fingerprint]


_SPLITS: dict[tuple[type, str | None], Splits] = {}


def resident(splits: Splits, device: torch.device, min_count: int = 1) -> Splits:
    """``splits`` as a cell reads them: with all their tensors on ``device``, and ids of fewer than ``min_count``
    training rows unknown. They are kept for the process's next cell."""
    if device.type == "cpu" and min_count == 1:
        return splits
    key = (splits.fingerprint, device, min_count)
    if key not in _RESIDENT:
        _RESIDENT.clear()
        _RESIDENT[key] = rare_ids_unknown(splits.to(device), min_count)
    return _RESIDENT[key]


_RESIDENT: dict[tuple[str, torch.device, int], Splits] = {}


def _throttled(cell: str, emit: Emit) -> Callable[[str, int, int, int, int, float], None]:
    """Pass on a progress report at most every ``PROGRESS_SECONDS``."""
    last = 0.0

    def progress(stage: str, epoch: int, epochs: int, done: int, total: int, rate: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            emit(StageProgress(cell, stage, epoch, epochs, done, total, rate))

    return progress
