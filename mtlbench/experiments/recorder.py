"""Writes the records of a study, each once, announces them, and keeps what the study needs to know of them."""

import shutil
import time
from collections.abc import Callable

from mtlbench.config.plan import SEARCH_SEEDS
from mtlbench.discovery import Catalogue
from mtlbench.experiments.events import CellFinished, CellRecorded, CellStarted, Event, Listen
from mtlbench.experiments.job import Job
from mtlbench.experiments.recording import blank_record
from mtlbench.experiments.run_cell import load_splits
from mtlbench.records.schema import Failure, Record
from mtlbench.records.store import RecordStore, Summary
from mtlbench.training.checkpoint import usable


class Recorder:
    """Writes finished records and tells the listener.

    Args:
        catalogue: for the names that records carry.
        store: where records go.
        listener: hears that a cell has started or finished.
        summaries: cell id -> summary of the record, of the cells that need no run; grows with each finished cell.
        counts: whether a record that another run wrote makes it needless to run its cell.
        check: raises StorageError where the results folder can no longer be written to.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: RecordStore,
        listener: Listen,
        summaries: dict[str, Summary],
        counts: Callable[[Summary], bool],
        check: Callable[[], None],
    ) -> None:
        self.check = check
        self.summaries = summaries
        self._catalogue = catalogue
        self._store = store
        self._listener = listener
        self._counts = counts
        self._began: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Pass on an event of a running cell."""
        self._listener(event)

    def found(self, job: Job) -> bool:
        """Whether another run has recorded ``job`` since this one looked; its record is then taken over."""
        record = self._store.get(job.cell.stem)
        if record is None:
            return False
        summary = Summary.of(record)
        if not self._counts(summary) or (job.keep_checkpoint and not usable(job.checkpoint)):
            return False
        self._enter(job, summary)
        return True

    def started(self, job: Job) -> None:
        """Note that ``job`` begins."""
        self._began[job.cell.id] = time.monotonic()
        self._listener(CellStarted(cell=job.cell.id, title=self._title(job)))

    def finished(self, job: Job, record: Record) -> None:
        """Write the record of ``job``, with its checksum."""
        self.check()
        record = record.sealed()
        self._store.write(record, job.cell.stem)
        if record.status == "done":
            shutil.rmtree(job.journal, ignore_errors=True)
        self._listener(CellRecorded(record, self._enter(job, Summary.of(record))))

    def _enter(self, job: Job, summary: Summary) -> float:
        """Keep what became of ``job``, and tell; gives the seconds that it took."""
        self.summaries[job.cell.id] = summary
        now = time.monotonic()
        seconds = now - self._began.pop(job.cell.id, now)
        self._listener(
            CellFinished(
                cell=job.cell.id,
                title=self._title(job),
                status=summary.status,
                seconds=seconds,
                reason=summary.failure.reason if summary.failure else None,
            )
        )
        return seconds

    def without_training(self, job: Job, failure: Failure | None = None, crashes: int = 0) -> None:
        """Record that ``job`` is not applicable or, with a ``failure``, that it failed before it could run."""
        splits = load_splits(self._catalogue, job.cell.dataset, job.settings, job.cell.fingerprint)
        record = blank_record(job, self._catalogue, splits)
        if failure is not None:
            record = record.model_copy(update={"status": "failed", "failure": failure, "crashes": crashes})
        self.finished(job, record)

    def _title(self, job: Job) -> str:
        backbone = self._catalogue.get("backbone", job.cell.backbone.name).cls
        weighting = self._catalogue.get("weighting", job.cell.weighting.name).cls
        seed, where = job.cell.seed, f"{weighting.method(backbone.label)} on {job.cell.dataset.name}"
        return f"{where}, trial of search {seed - SEARCH_SEEDS}" if seed >= SEARCH_SEEDS else f"{where}, seed {seed}"
