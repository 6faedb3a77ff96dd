"""Runs of Weights & Biases on the disk, read back as wandb's own messages."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from mtlbench.experiments.tracked_cells import tracked_cell
from mtlbench.records import Record
from mtlbench_plugins.trackers.wandb import WeightsAndBiases

wandb = pytest.importorskip("wandb", reason="pip install 'mtlbench[wandb]'")


HEADER, BLOCK, PIECE = 7, 32_768, struct.Struct("<IHB")
"""Bytes before the first message; of a block; checksum, length and kind of a piece, as in the logs of LevelDB."""
WHOLE, LAST = 1, 4


def read(folder: Path) -> list[Any]:
    """What the file of a run says, in order. Each message is a piece, or several in a row."""
    from wandb.proto.wandb_internal_pb2 import Record as Part

    (file,) = folder.glob("*.wandb")
    content, place, message, found = file.read_bytes(), HEADER, b"", []
    while place < len(content):
        if BLOCK - place % BLOCK < PIECE.size:  # no room for another piece in this block
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = PIECE.unpack_from(content, place)
        place += PIECE.size
        message += content[place : place + length]
        place += length
        if kind in {WHOLE, LAST}:
            found.append(Part.FromString(message))
            message = b""
    return found


def items(updates: Any) -> dict[str, Any]:
    return {one.key or ".".join(one.nested_key): json.loads(one.value_json) for one in updates}


def test_a_cell_is_a_run_on_the_disk(tmp_path: Path, done: Record, failed: Record) -> None:
    tracker = WeightsAndBiases(tmp_path, WeightsAndBiases.Params(project="mine"))
    tracker.start()
    found = {}
    for record in (done, failed):
        tracker.log(tracked_cell(record, 2.0, tmp_path))
    wandb.teardown()  # its service still writes when a run is finished
    for folder in (tmp_path / "wandb").glob("offline-run-*"):
        parts = read(folder)
        (run,) = [part.run for part in parts if part.HasField("run")][:1]
        found[run.display_name] = run, parts
    run, parts = found["rmtl[lambda=0.5]/mmoe/synthetic/seed0"]
    assert (run.project, run.run_group, list(run.tags)) == ("mine", "rmtl[lambda=0.5]/mmoe/synthetic", [done.cell])
    config = items(run.config.update)
    assert (config["weighting.lambda"], config["seed"], config["cell.status"]) == (0.5, 0, "done")
    assert config["cell.record"].endswith(f"{done.cell[:12]}.json")
    history = [items(part.history.item) for part in parts if part.HasField("history")]
    assert [point.get("validation/click/auc") for point in history] == [0.6, 0.65, 0.7, None]
    assert [point["_step"] for point in history] == [1, 2, 3, 4]
    summary = {}
    for part in parts:
        summary |= items(part.summary.update) if part.HasField("summary") else {}
    assert summary["test/pay/auc"] == 0.7
    run, parts = found["rmtl/mmoe/synthetic/seed1"]
    assert run.notes == "training diverged: | a\n| b"
    assert [part.exit.exit_code for part in parts if part.HasField("exit")] == [1]
