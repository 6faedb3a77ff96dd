"""A store of files that MLflow's own client reads back."""

from pathlib import Path
from typing import Any

import pytest

from mtlbench import api
from mtlbench.experiments.tracked_cells import tracked_cell
from mtlbench.records import Record
from mtlbench_plugins.trackers.mlflow import MLflow

pytest.importorskip("mlflow", reason="pip install 'mtlbench[mlflow]'")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "")  # what the tracker sets is gone after the test
        monkeypatch.delenv(name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def show(out: Path, *records: Record, **params: Any) -> None:
    tracker = MLflow(out, MLflow.Params(**params))
    tracker.start()
    for record in records:
        tracker.log(tracked_cell(record, 2.0, out))


def runs(uri: str, experiment: str = "mtlbench") -> tuple[Any, list[Any]]:
    """The client, and the runs by name."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return client, sorted(found, key=lambda run: run.info.run_name)


def test_a_cell_is_a_run_with_curves_scores_parameters_and_tags(tmp_path: Path, done: Record, failed: Record) -> None:
    show(tmp_path, done, failed)
    client, (bad, good) = runs((tmp_path / "mlruns").as_uri())
    assert (good.info.run_name, good.info.status) == ("rmtl[lambda=0.5]/mmoe/synthetic/seed0", "FINISHED")
    assert good.info.end_time - good.info.start_time == pytest.approx(2000, abs=1)
    curve = client.get_metric_history(good.info.run_id, "validation/click/auc")
    assert [(point.step, point.value) for point in curve] == [(1, 0.6), (2, 0.65), (3, 0.7)]
    assert good.data.metrics["test/pay/auc"] == 0.7
    assert good.data.metrics["weight/click"] == 0.2
    assert good.data.params["weighting.lambda"] == "0.5"
    assert good.data.params["training.epochs"] == "10"
    assert good.data.tags["mtlbench.cell"] == done.cell
    assert good.data.tags["mtlbench.record"].endswith(f"{done.cell[:12]}.json")
    assert (bad.info.run_name, bad.info.status) == ("rmtl/mmoe/synthetic/seed1", "FAILED")
    assert bad.data.tags["mlflow.note.content"] == bad.data.tags["mtlbench.reason"] == "training diverged: | a\n| b"


def test_an_experiment_and_a_place_may_be_named(tmp_path: Path, done: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    place = (tmp_path / "else where").as_uri()
    show(tmp_path, done, uri=place, experiment="mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", place)
    show(tmp_path, done, experiment="mine")
    assert len(runs(place, "mine")[1]) == 2
    assert not (tmp_path / "mlruns").exists()


def test_a_deleted_experiment_is_refused_before_a_cell_is_trained(tmp_path: Path, done: Record) -> None:
    show(tmp_path, done)
    client, (run,) = runs((tmp_path / "mlruns").as_uri())
    client.delete_experiment(run.info.experiment_id)
    with pytest.raises(api.UsageError, match="the experiment 'mtlbench' is deleted; restore it, or name another"):
        show(tmp_path)
