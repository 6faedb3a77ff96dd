"""What the trials of a search gave."""

from collections.abc import Iterable, Mapping, Sequence

from mtlbench.config.space import TrialSettings
from mtlbench.experiments.job import Job
from mtlbench.records.store import RecordStore
from mtlbench.records.trials import Trained, Trial


def trained(jobs: Iterable[Job], store: RecordStore) -> list[Trained]:
    """What each job gave, from its record."""
    return [_trained(job, store) for job in jobs]


def trials_of(
    settings: Sequence[TrialSettings], short: Sequence[Job], full: Mapping[int, Job], store: RecordStore
) -> list[Trial]:
    """What each trial of a search gave.

    Args:
        settings: of the trials.
        short: their short trainings; none, but under halving.
        full: trainings to the end, by the number of the trial.
        store: has the record of each.
    """
    return [_trial(number, settings[number], short, full, store) for number in range(len(settings))]


def _trial(
    number: int, setting: TrialSettings, short: Sequence[Job], full: Mapping[int, Job], store: RecordStore
) -> Trial:
    before = _trained(short[number], store) if short else None
    last = _trained(full[number], store) if number in full else None
    gave = last or before
    assert gave is not None
    return Trial(
        **gave.model_dump(),
        number=number,
        training=dict(setting.training),
        backbone=dict(setting.backbone),
        weighting=dict(setting.weighting),
        short=before if before and last and before.cell != last.cell else None,
        stopped=last is None,
    )


def _trained(job: Job, store: RecordStore) -> Trained:
    record = store.read(job.cell.stem)
    selected = record.selection
    return Trained(
        cell=record.cell,
        status=record.status,
        score=selected.objective if selected else None,
        loss=selected.validation_loss if selected else None,
        steps=record.spent("steps"),
        rows=record.spent("rows"),
        seconds=record.spent("seconds"),
    )
