"""One recorded cell run again, for whoever wants to see whether a result is real."""

from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import MtlbenchError, UsageError
from mtlbench.experiments.events import Listen
from mtlbench.records import Record, RecordStore, read_record
from mtlbench.records.files import is_record_file, stem_of
from mtlbench.verification.changes import Change, changed_code, changed_environment, changed_scores
from mtlbench.verification.rerun import reference_of, rerun


@dataclass(frozen=True)
class Reproduction:
    """A cell run again, and what is not the same as in its record."""

    now: Record
    scores: tuple[Change[float | None], ...]
    """Those that differ by more than the tolerance."""
    compared: int
    """Scores that were compared."""
    environment: tuple[Change[object], ...]
    """Machine, versions and code."""


def find_record(cell: str, results: Path) -> tuple[Record, Record | None]:
    """The record in the file ``cell``, or the one in ``results`` whose id begins so.

    Returns:
        the record, and that of the cell which its objective is measured against, where it has one that lies beside it.

    Raises:
        UsageError: there is none, or several.
    """
    if is_record_file(cell):
        record, store = read_record(Path(cell)), RecordStore.at(Path(cell).parent)
    else:
        record, store = _beginning_with(cell, results), RecordStore(results)
    reference = reference_of(record)
    beside = (read_record(path) for path in store.paths() if reference and stem_of(path).endswith(f".{reference[:12]}"))
    return record, next((one for one in beside if one.cell == reference), None)


def _beginning_with(cell: str, results: Path) -> Record:
    paths = RecordStore(results).paths()
    found = [path for path in paths if stem_of(path).rpartition(".")[2].startswith(cell[:12].lower())]
    records = [record for path in found if (record := read_record(path)).cell.startswith(cell.lower())]
    if len(records) != 1 or not cell:
        known = f"{len(records)} records" if records else "no record"
        raise UsageError(
            f"{known} of {len(paths)} in {results / 'records'} {'have' if len(records) > 1 else 'has'} a cell id that "
            f"begins with {cell!r}; give more of the id, a record file, or another folder with --results"
        )
    return records[0]


def reproduce(
    record: Record,
    plugin_files: tuple[Path, ...],
    data_dir: Path,
    listener: Listen,
    tolerance: float = 0.0,
    reference: Record | None = None,
) -> Reproduction:
    """Run the cell of ``record``, whose objective is measured against ``reference``, again, and compare.

    Raises:
        UsageError: it has no scores to compare with, or cannot be the same cell here: another protocol, other data, a
            plugin that is missing or has other parameters.
    """
    cell = record.cell[:12]
    if record.status != "done":
        raise UsageError(f"the cell {cell} has no scores to compare with: it is {record.status}; choose another")
    try:
        now = rerun(record, plugin_files, data_dir, listener, reference)
    except MtlbenchError as error:
        raise UsageError(f"the cell {cell} cannot be run again: {error}") from error
    return Reproduction(
        now,
        scores=tuple(changed_scores(record, now, tolerance)),
        compared=len(record.scores()),
        environment=(*changed_environment(record, now), *changed_code(record, now)),
    )
