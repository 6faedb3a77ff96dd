"""A recorded cell once more, from its record alone, and what differs."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mtlbench.cells import PROTOCOL, Training
from mtlbench.errors import UsageError
from mtlbench.experiments import run
from mtlbench.experiments.events import Listen
from mtlbench.experiments.expand import expand
from mtlbench.plugins import discover
from mtlbench.presets import PRESETS, PresetName
from mtlbench.records import PluginUse, Record, RecordStore, read_record
from mtlbench.specs import resolve
from mtlbench.study import Plan

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
    """Run the cell of ``record`` again in a temporary folder, with the cells that it builds on.

    Raises:
        UsageError: it has no scores to compare with, or cannot be the same cell here: another protocol, other data, a
            plugin that is missing or has other parameters.
    """
    plan = _plan(record, plugin_files, data_dir)
    with tempfile.TemporaryDirectory(prefix="mtlbench-reproduce-") as scratch:
        out = Path(scratch)
        jobs = {job.cell.id: job for job in expand(plan, discover(plugin_files), out / "checkpoints")}
        if record.cell not in jobs:
            [now] = {job.cell.fingerprint for job in jobs.values()}
            reason = (
                f"its data are others: fingerprint {now[:12]} here, {record.dataset.fingerprint[:12]} there; name the "
                "folder of the same raw data with --data-dir"
                if now != record.dataset.fingerprint
                else "a plugin has other parameters here; install the version of the record"
            )
            raise UsageError(f"the cell {record.cell[:12]} cannot be run again: {reason}")
        outcome = run(plan, out=out, jobs=1, overwrite="never", listener=listener)
    [again] = [found for found in outcome.records if found.cell == record.cell]
    before, now_ = _scores(record), _scores(again)
    changes = [
        Change(name, before.get(name), now_.get(name))
        for name in dict.fromkeys([*before, *now_])
        if not _close(before.get(name), now_.get(name), tolerance)
    ]
    return Reproduction(record, again, tuple(changes), len(before), tuple(_environment(record, again)))


def _plan(record: Record, plugin_files: tuple[Path, ...], data_dir: Path) -> Plan:
    cell = record.cell[:12]
    if record.status != "done":
        raise UsageError(f"the cell {cell} has no scores to compare with: it is {record.status}; choose another")
    if record.protocol != PROTOCOL:
        raise UsageError(
            f"the cell {cell} was run under protocol {record.protocol}, this mtlbench has {PROTOCOL}; use the mtlbench "
            f"that wrote it, {record.environment.get('mtlbench', 'of unknown version')}"
        )
    try:
        training = Training(**record.training)  # type: ignore[arg-type]
    except TypeError as error:
        raise UsageError(f"the cell {cell} has a training that is unknown here: {error}; use its mtlbench") from error
    if training.budget != "early-stopping":
        raise UsageError(
            f"the cell {cell} was given the budget of another cell of its study; `mtlbench run --budget "
            f"{training.budget}` runs such a study again"
        )
    catalogue = discover(plugin_files)
    # All parameters of the cell itself are given; the preset sizes what it builds on.
    preset: PresetName = next((name for name in PRESETS if name == record.preset), "quick")
    dataset, backbone, weighting = (
        resolve(catalogue, kind, use.name, use.params, preset)
        for kind, use in (("dataset", record.dataset), ("backbone", record.backbone), ("weighting", record.weighting))
    )
    return Plan(
        datasets=(dataset,),
        grids=(((backbone,), (weighting,)),),
        seeds=(record.seed,),
        preset=preset,
        training=training,
        controls=False,
        budget="early-stopping",
        device="cpu",
        data_dir=data_dir,
        plugin_files=plugin_files,
    )


def _scores(record: Record) -> dict[str, float | None]:
    return {
        f"{split}.{task}.{metric}": value
        for split, scores in (record.metrics or {}).items()
        for task, values in scores.items()
        for metric, value in values.items()
    }


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
