"""TensorBoard."""

from pathlib import Path

from pydantic import Field

from mtlbench import api

PLAIN = (bool, int, float, str)
"""What TensorBoard takes as a hyperparameter."""


class TensorBoard(api.Tracker):
    """Event files for TensorBoard: curves, test scores and hyperparameters of each cell.

    https://www.tensorflow.org/tensorboard. A cell is the run ``WEIGHTING/BACKBONE/DATASET/seedN-ID``, a folder of its
    own; a cell that is trained again gets another one. ``tensorboard --logdir results/tensorboard`` shows them. The
    curves and scores are scalars, the hyperparameters are in the tab HPARAMS, and the text ``cell`` says what became of
    the cell and where its record is.
    """

    name, label = "tensorboard", "TensorBoard"
    package, install = "tensorboard", "pip install 'mtlbench[tensorboard]'"

    class Params(api.Params):
        """Parameters of ``tensorboard``."""

        dir: str | None = Field(
            None, min_length=1, description="folder of the event files; none: tensorboard, in the results folder"
        )

    params: Params

    def log(self, cell: api.TrackedCell) -> None:
        """Write a folder with an event file."""
        from torch.utils.tensorboard import SummaryWriter
        from torch.utils.tensorboard.summary import hparams

        root = Path(self.params.dir).expanduser() if self.params.dir else self.out / "tensorboard"
        last = cell.points[-1].step if cell.points else 0
        with SummaryWriter(str(_free(root / cell.path))) as writer:
            for point in cell.points:
                for name, value in point.values.items():
                    writer.add_scalar(name, value, point.step, walltime=cell.ended)
            for name, value in cell.scores.items():
                writer.add_scalar(name, value, last, walltime=cell.ended)
            writer.add_text("cell", _table(cell), last, walltime=cell.ended)
            settings = {"status": cell.status, **cell.parameters}
            plain = {name: value if isinstance(value, PLAIN) else str(value) for name, value in settings.items()}
            for summary in hparams(plain, {name: value for name, value in cell.scores.items() if "test/" in name}):
                writer.file_writer.add_summary(summary)


def _free(folder: Path) -> Path:
    """``folder``, or that with a number, where an earlier training of the cell has it."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _table(cell: api.TrackedCell) -> str:
    """The tags as a Markdown table."""
    rows = [f"| {name} | {' '.join(value.split()).replace('|', '/')} |" for name, value in cell.tags.items()]
    return "\n".join(["| | |", "|---|---|", *rows])
