"""Event files that TensorBoard's own reader reads back."""

from pathlib import Path
from typing import Any

import pytest

from mtlbench.experiments.tracked_cells import tracked_cell
from mtlbench.records import Record
from mtlbench_plugins.trackers.tensorboard import TensorBoard

pytest.importorskip("tensorboard", reason="pip install 'mtlbench[tensorboard]'")


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder)).Reload()


def shown(out: Path, record: Record, **params: Any) -> Path:
    """The folder of the last run."""
    cell = tracked_cell(record, 2.0, out)
    TensorBoard(out, TensorBoard.Params(**params)).log(cell)
    root = Path(params["dir"]) if params else out / "tensorboard"
    return root / cell.path


def test_curves_and_scores_are_scalars(tmp_path: Path, done: Record) -> None:
    events = read(shown(tmp_path, done))
    clicks = events.Scalars("validation/click/auc")
    assert [(one.step, round(one.value, 6)) for one in clicks] == [(1, 0.6), (2, 0.65), (3, 0.7)]
    assert [one.step for one in events.Scalars("validation/pay/auc")] == [1, 3]
    assert [round(one.value, 6) for one in events.Scalars("weight/click")] == [0.1, 0.2]
    assert [round(one.value, 6) for one in events.Scalars("train/pay/loss")] == [0.2, 0.2, 0.2]
    (score,) = events.Scalars("test/click/auc")
    assert (score.step, round(score.value, 6)) == (4, 0.7)


def test_hyperparameters_and_the_record_are_there(tmp_path: Path, done: Record) -> None:
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    events = read(shown(tmp_path, done))
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    (start,) = [HParamsPluginData.FromString(content).session_start_info]
    assert metadata.PLUGIN_NAME == "hparams"
    assert start.hparams["weighting"].string_value == "rmtl"
    assert start.hparams["weighting.lambda"].number_value == 0.5
    assert start.hparams["status"].string_value == "done"
    (text,) = events.Tensors("cell/text_summary")
    told = text.tensor_proto.string_val[0].decode()
    assert f"| cell | {done.cell} |" in told
    assert f"records/synthetic.mmoe.rmtl.seed0.{done.cell[:12]}.json" in told


def test_a_failed_cell_says_why(tmp_path: Path, failed: Record) -> None:
    events = read(shown(tmp_path, failed))
    told = events.Tensors("cell/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| status | failed |" in told
    assert "| reason | training diverged: / a / b |" in told
    assert not [tag for tag in events.Tags()["scalars"] if tag.startswith("test/")]


def test_a_cell_that_is_trained_again_is_another_run(tmp_path: Path, done: Record) -> None:
    folder = shown(tmp_path, done, dir=str(tmp_path / "here"))
    shown(tmp_path, done, dir=str(tmp_path / "here"))
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name, f"{folder.name}-2"]
    assert len(read(folder).Scalars("test/click/auc")) == 1
