"""A cell's id: the canonical JSON of what determines a result, hashed, and the same for ever."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mtlbench.cells import PROTOCOL, Cell, PluginSpec, Training
from mtlbench.config.specs import resolve_recorded
from mtlbench.data.building import identity
from mtlbench.data.fingerprint import fingerprint
from mtlbench.data.folders import presence
from mtlbench.data.hashes import FileHashes
from mtlbench.discovery import discover
from mtlbench.records import Record, RecordStore

CELL = Cell(
    PluginSpec("synthetic", {"rows": 2000, "text": 'é"|', "none": None}),
    "f" * 64,
    PluginSpec("ple", {"bottom": [512, 256]}),
    PluginSpec("rmtl", {"lambda": 0.7, "restart": False}),
    3,
    Training(learning_rate=1e-4),
)
BOARDS = sorted((Path(__file__).parents[3] / "leaderboards" / "records").iterdir())


def test_the_id_is_the_hash_of_the_canonical_json() -> None:
    parts = {**asdict(CELL), "training": CELL.training.settings}
    content = json.dumps({"protocol": PROTOCOL, **parts}, sort_keys=True, separators=(",", ":"))
    assert CELL.id == hashlib.sha256(content.encode()).hexdigest()


def test_all_that_determines_a_result_is_in_the_id() -> None:
    others = [
        replace(CELL, seed=4),
        replace(CELL, fingerprint="0" * 64),
        replace(CELL, backbone=PluginSpec("ple", {"bottom": [512]})),
        replace(CELL, weighting=PluginSpec("rmtl", {"lambda": 0.5, "restart": False})),
        replace(CELL, training=Training()),
    ]
    assert len({cell.id for cell in [CELL, *others]}) == 6


def test_a_weight_decay_of_the_rows_read_is_told_from_an_older_one_of_all_rows() -> None:
    assert "decayed_rows" not in Training().settings
    new = Training(weight_decay=1e-6).settings
    assert new["decayed_rows"] == "read"
    older = {name: value for name, value in new.items() if name != "decayed_rows"}
    assert Training(**new).settings == new != older
    assert Training(**older).settings != older


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_the_ids_of_published_records_stay_what_they_are(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "records").symlink_to(folder)
    for record in RecordStore(tmp_path).read_all():
        dataset, backbone, weighting = (
            PluginSpec(use.name, use.params) for use in (record.dataset, record.backbone, record.weighting)
        )
        training = Training(**record.training)  # type: ignore[arg-type]
        assert Cell(dataset, record.dataset.fingerprint, backbone, weighting, record.seed, training).id == record.cell


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_the_plugins_of_published_records_are_what_the_records_say(
    folder: Path, tmp_path: Path, data_dir: Path
) -> None:
    (tmp_path / "records").symlink_to(folder)
    store = RecordStore(tmp_path)
    one_each: dict[str, Record] = {
        f"{use.name} {use.params}": record
        for record in store.read_all()
        for use in (record.dataset, record.backbone, record.weighting)
    }
    catalogue, logs = discover(()), {}
    for record in one_each.values():
        for kind in ("dataset", "backbone", "weighting"):
            use = getattr(record, kind)
            resolved = resolve_recorded(catalogue, kind, use.name, use.params, "quick")
            assert resolved.spec == PluginSpec(use.name, use.params)
            if kind == "dataset":
                logs[record.dataset.fingerprint] = resolved.create()
    for recorded, dataset in logs.items():
        if presence(dataset, data_dir) != "no":
            found = fingerprint(dataset, data_dir, FileHashes(tmp_path / "cache"))
            assert recorded in (found, identity(found, ties=True), identity(found, hashed_lists=True))
