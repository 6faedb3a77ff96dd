"""A results folder with the record and the checkpoint of an ``rmtl`` cell, made without training."""

from pathlib import Path
from typing import Any

from continued import make
from record_factory import record

from mtlbench.cells import PluginSpec
from mtlbench.config.settings import RunSettings
from mtlbench.discovery import discover
from mtlbench.experiments.run_cell import load_splits
from mtlbench.records import DatasetUse, PluginUse, RecordStore
from mtlbench.training.checkpoint import Checkpoint
from mtlbench_plugins.critics.making import critics_of
from mtlbench_plugins.weightings.rmtl import RMTL

STEM = "synthetic.mmoe.rmtl.seed0.0123456789ab"


def stored(folder: Path, **params: Any) -> tuple[Path, RMTL]:
    """A record of a cell with untrained critics, and its checkpoint beside it; the weighting itself."""
    catalogue = discover(())
    cls = catalogue.get("dataset", "synthetic").cls
    dataset = cls.Params(rows=2000).model_dump(mode="json", by_alias=True)
    splits = load_splits(catalogue, PluginSpec("synthetic", dataset), RunSettings(folder, folder))
    weighting = make(RMTL, embedding=4, bottom=(8,), tower=(4,), **params)
    weighting._critics = critics_of(splits.schema, weighting.params).eval()
    state = weighting.state_dict()
    given = weighting.params.model_dump(mode="json", by_alias=True)
    one = record()
    facts = {name: getattr(one.dataset, name) for name in DatasetUse.model_fields}
    used = DatasetUse(**{**facts, "params": dataset, "fingerprint": splits.fingerprint})
    use = PluginUse(name="rmtl", label="RMTL", params=given, changed={}, version="mtlbench 0.1.0", source="0" * 64)
    store = RecordStore(folder)
    store.write(one.model_copy(update={"dataset": used, "weighting": use}), STEM)
    Checkpoint(one.cell, {}, {}, 0.5, [], state).save(folder / "checkpoints" / f"{STEM}.pt")
    return folder / "records" / f"{STEM}.json", weighting
