"""What the trials of a search gave."""

from collections.abc import Sequence

from mtlbench.config.space import TrialSettings
from mtlbench.experiments.job import Job
from mtlbench.records.schema import Record
from mtlbench.records.searches import Trial
from mtlbench.records.store import RecordStore


def trials_of(settings: Sequence[TrialSettings], jobs: Sequence[Job], store: RecordStore) -> list[Trial]:
    """What each trial of a search gave, from the record of its job."""
    return [
        _trial(number, setting, store.read(job.cell.stem))
        for number, (setting, job) in enumerate(zip(settings, jobs, strict=True))
    ]


def _trial(number: int, setting: TrialSettings, record: Record) -> Trial:
    kept = record.selection
    return Trial(
        number=number,
        cell=record.cell,
        training=dict(setting.training),
        backbone=dict(setting.backbone),
        weighting=dict(setting.weighting),
        status=record.status,
        score=kept.objective if kept else None,
        loss=kept.validation_loss if kept else None,
        steps=record.spent("steps"),
        rows=record.spent("rows"),
        seconds=record.spent("seconds"),
    )
