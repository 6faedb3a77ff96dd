"""A recorded cell once more, from its record alone, and what differs."""

from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import MtlbenchError, UsageError
from mtlbench.experiments import run_again
from mtlbench.experiments.events import Listen
from mtlbench.records import PluginUse, Record, RecordStore, read_record

BY_THE_WAY = {"utc"}
"""Of the environment what differs always."""


@dataclass(frozen=True)
class Change:
    """Something that is not what it was."""

    name: str
    before: object
    now: object


@dataclass(frozen=True)
class Reproduction:
    """A record, the cell run again, and what is not the same."""

    record: Record
    again: Record
    metrics: tuple[Change, ...]
    """The scores that differ by more than the tolerance."""
    compared: int
    """Scores that were compared."""
    environment: tuple[Change, ...]
    """Machine, versions and code."""


def find_record(cell: str, results: Path) -> Record:
    """The record in the file ``cell``, or the one in ``results`` whose id begins so.

    Raises:
        UsageError: there is none, or several.
    """
    if cell.endswith(".json"):
        return read_record(Path(cell))
    paths = RecordStore(results).paths()
    found = [path for path in paths if path.stem.rpartition(".")[2].startswith(cell[:12].lower())]
    records = [record for path in found if (record := read_record(path)).cell.startswith(cell.lower())]
    if len(records) != 1 or not cell:
        known = f"{len(records)} records" if records else "no record"
        raise UsageError(
            f"{known} of {len(paths)} in {results / 'records'} {'have' if len(records) > 1 else 'has'} a cell id that "
            f"begins with {cell!r}; give more of the id, a record file, or another folder with --results"
        )
    return records[0]


def reproduce(
    record: Record, plugin_files: tuple[Path, ...], data_dir: Path, listener: Listen, tolerance: float = 0.0
) -> Reproduction:
    """Run the cell of ``record`` again, and compare.

    Raises:
        UsageError: it has no scores to compare with, or cannot be the same cell here: another protocol, other data, a
            plugin that is missing or has other parameters.
    """
    cell = record.cell[:12]
    if record.status != "done":
        raise UsageError(f"the cell {cell} has no scores to compare with: it is {record.status}; choose another")
    try:
        again = run_again(record, plugin_files, data_dir, listener)
    except MtlbenchError as error:
        raise UsageError(f"the cell {cell} cannot be run again: {error}") from error
    before, now_ = record.scores(), again.scores()
    changes = [
        Change(".".join(score), before.get(score), now_.get(score))
        for score in dict.fromkeys([*before, *now_])
        if not _close(before.get(score), now_.get(score), tolerance)
    ]
    return Reproduction(record, again, tuple(changes), len(before), tuple(_environment(record, again)))


def _close(before: float | None, now: float | None, tolerance: float) -> bool:
    return before == now if before is None or now is None else abs(before - now) <= tolerance


def _environment(record: Record, again: Record) -> list[Change]:
    names = dict.fromkeys([*record.environment, *again.environment])
    changes = [
        Change(name, record.environment.get(name), again.environment.get(name))
        for name in names
        if name not in BY_THE_WAY and record.environment.get(name) != again.environment.get(name)
    ]
    uses: list[tuple[PluginUse, PluginUse]] = [
        (record.dataset, again.dataset),
        (record.backbone, again.backbone),
        (record.weighting, again.weighting),
    ]
    for old, new in uses:
        if (old.version, old.source) != (new.version, new.source):
            code = (f"{use.version}, source {use.source[:12]}" for use in (old, new))
            changes.append(Change(f"code of {old.name}", *code))
    return changes
