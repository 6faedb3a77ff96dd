"""The weighting of a trained cell, from its record and its checkpoint."""

from pathlib import Path

from mtlbench.api import Splits, Weighting
from mtlbench.cells import PluginSpec
from mtlbench.config.settings import RunSettings
from mtlbench.discovery import discover
from mtlbench.errors import UsageError
from mtlbench.experiments.run_cell import load_splits
from mtlbench.records.store import read_record
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.rare_ids import rare_ids_unknown


def trained(path: Path, data_dir: Path) -> tuple[Weighting, Splits]:
    """The weighting of the cell whose record is ``path``, as it was after training, and the encoded dataset.

    Raises:
        UsageError: the record or its checkpoint is absent or unreadable, the data are others, or the method is none
            that training prepares.
    """
    record = read_record(path)
    settings = RunSettings(data_dir.absolute(), path.absolute().parent.parent)
    checkpoint = settings.out / "checkpoints" / f"{path.stem}.pt"
    if not checkpoint.is_file():
        raise UsageError(
            f"{checkpoint} is not there: a run keeps the checkpoints of cells that others build on; run with --controls"
        )
    catalogue = discover(())
    weighting: Weighting = catalogue.create("weighting", PluginSpec(record.weighting.name, record.weighting.params))
    dataset = PluginSpec(record.dataset.name, record.dataset.params)
    splits = load_splits(catalogue, dataset, settings, record.dataset.fingerprint)
    if splits.fingerprint != record.dataset.fingerprint:
        raise UsageError(f"the data of {dataset.name} in {data_dir} are not those of {path}; bring the same raw files")
    weighting.load_trained(splits.schema, Checkpoint.load(checkpoint, record.cell).state)
    return weighting, rare_ids_unknown(splits, int(str(record.training.get("min_count", 1))))
