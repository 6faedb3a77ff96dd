"""Weights & Biases."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from mtlbench import api

LONGEST_TAG = 64
"""Characters; an id of a cell has as many."""


class WeightsAndBiases(api.Tracker):
    """Runs of Weights & Biases: curves, test scores and configuration of each cell.

    https://wandb.ai. Runs are written to the disk, and nothing leaves the machine;
    ``wandb sync results/wandb/offline-run-*`` uploads them. With ``mode=online`` they are uploaded at once; log in
    before, by ``wandb login``.

    A cell is one run, named ``WEIGHTING/BACKBONE/DATASET/seedN``, in a group of all its seeds. The id of the cell is a
    tag of the run, and ``cell.record`` of its configuration is the path of the record. A failed cell is a run that has
    failed, with the reason as its note.
    """

    name, label = "wandb", "Weights & Biases"
    package, install = "wandb", "pip install 'mtlbench[wandb]'"

    class Params(api.Params):
        """Parameters of ``wandb``."""

        project: str = Field("mtlbench", min_length=1, description="project of the runs")
        entity: str | None = Field(None, min_length=1, description="user or team; none: that of the login")
        mode: Literal["offline", "online"] = Field("offline", description="write to the disk, or upload at once")
        dir: str | None = Field(None, min_length=1, description="where the folder wandb is; none: the results folder")

    params: Params

    def start(self) -> None:
        """Look whether there is a login; make the folder, without which wandb would write to another one."""
        if self.params.mode == "online":
            import wandb

            if not wandb.login(prompt=False):
                raise api.UsageError("nobody is logged in; run `wandb login`, or use mode=offline")
        self._folder = Path(self.params.dir).expanduser() if self.params.dir else self.out
        self._folder.mkdir(parents=True, exist_ok=True)

    def log(self, cell: api.TrackedCell) -> None:
        """Make a run, fill it and finish it."""
        import wandb

        quiet = wandb.Settings(silent=True, console="off", save_code=False, x_disable_stats=True, x_disable_meta=True)
        run = wandb.init(
            project=self.params.project,
            entity=self.params.entity,
            mode=self.params.mode,
            dir=self._folder,
            name=cell.name,
            group=cell.name.rpartition("/")[0],
            tags=[cell.tags["cell"][:LONGEST_TAG]],
            notes=cell.reason,
            config={**cell.parameters, **{f"cell.{name}": value for name, value in cell.tags.items()}},
            reinit="create_new",
            settings=quiet,
        )
        for point in cell.points:
            run.log(dict(point.values), step=point.step)
        run.summary.update(dict(cell.scores))
        run.finish(exit_code=0 if cell.status == "done" else 1)
