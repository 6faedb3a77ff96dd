"""MLflow."""

import os
import posixpath
import re
from typing import Any

from pydantic import Field

from mtlbench import api

METRICS, PARAMETERS = 1000, 100
"""Most in one request."""
LONGEST_PARAMETER, LONGEST_TAG = 6000, 5000
"""Characters."""


class MLflow(api.Tracker):
    """Runs of MLflow: curves, test scores, parameters and tags of each cell.

    https://mlflow.org. A cell is one run, named ``WEIGHTING/BACKBONE/DATASET/seedN``, of status FINISHED or FAILED. The
    tag ``mtlbench.cell`` is its id and ``mtlbench.record`` the path of its record; the reason of a failure is the
    description. A cell that is trained again is another run.

    Where neither ``uri`` nor ``MLFLOW_TRACKING_URI`` names a server or a database, runs are files in ``mlruns`` of the
    results folder. MLflow no longer extends its store of files and opens it only with ``MLFLOW_ALLOW_FILE_STORE=true``,
    which is set here while a study runs.

    A server that does not answer is tried three times, unless ``MLFLOW_HTTP_REQUEST_MAX_RETRIES`` says otherwise.
    MLflow's own reports on its use are off, unless ``MLFLOW_DISABLE_TELEMETRY`` says otherwise: their thread would draw
    from Python's generator of random numbers.
    """

    name, label = "mlflow", "MLflow"
    package, install = "mlflow", "pip install 'mtlbench[mlflow]'"

    class Params(api.Params):
        """Parameters of ``mlflow``."""

        uri: str | None = Field(
            None,
            min_length=1,
            description="server, database or folder; none: MLFLOW_TRACKING_URI, else mlruns in the results folder",
        )
        experiment: str = Field("mtlbench", min_length=1, description="name of the experiment, made where it is new")

    params: Params

    def start(self) -> None:
        """Reach the server, and find or make the experiment."""
        uri = self.params.uri or os.environ.get("MLFLOW_TRACKING_URI") or (self.out / "mlruns").absolute().as_uri()
        if "://" not in uri or uri.startswith("file:"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=uri)
        self._experiment = self._find() or self._make()

    def log(self, cell: api.TrackedCell) -> None:
        """Make a run, fill it and end it."""
        from mlflow.entities import Metric, Param

        began, ended = int(1000 * cell.began), int(1000 * cell.ended)
        tags = {f"mtlbench.{name}": value[:LONGEST_TAG] for name, value in cell.tags.items()}
        if cell.reason:
            tags["mlflow.note.content"] = cell.reason[:LONGEST_TAG]
        run = self._client.create_run(self._experiment, began, tags, cell.name).info.run_id
        last = cell.points[-1].step if cell.points else 0
        metrics = [
            Metric(_key(name), value, ended, step)
            for step, values in [*((point.step, point.values) for point in cell.points), (last, cell.scores)]
            for name, value in values.items()
        ]
        parameters = [Param(_key(name), str(value)[:LONGEST_PARAMETER]) for name, value in cell.parameters.items()]
        for start in range(0, len(metrics), METRICS):
            self._client.log_batch(run, metrics=metrics[start : start + METRICS])
        for start in range(0, len(parameters), PARAMETERS):
            self._client.log_batch(run, params=parameters[start : start + PARAMETERS])
        self._client.set_terminated(run, "FINISHED" if cell.status == "done" else "FAILED", ended)

    def _find(self) -> Any:
        found = self._client.get_experiment_by_name(self.params.experiment)
        if found is not None and found.lifecycle_stage != "active":
            raise api.UsageError(f"the experiment {self.params.experiment!r} is deleted; restore it, or name another")
        return found and found.experiment_id

    def _make(self) -> Any:
        try:
            return self._client.create_experiment(self.params.experiment)
        except Exception:
            if made := self._find():  # by another run, just now
                return made
            raise


def _key(name: str) -> str:
    """``name`` in characters that MLflow takes for a metric or parameter, and as no path out of its folder."""
    return posixpath.normpath(re.sub(r"[^\w/. -]", "_", name)).lstrip("./")
