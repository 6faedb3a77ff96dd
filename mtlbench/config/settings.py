"""What every cell of a run needs beside its identity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mtlbench.cells import Cell
from mtlbench.config.presets import PresetName

CHECKPOINT_EVERY = 300.0
"""Seconds: short cells are not worth a save, and of a long one no more than this is lost."""


@dataclass(frozen=True)
class RunSettings:
    """Where a run finds its inputs and leaves its results; goes as it is from the command line to each worker.

    Paths are absolute, but for ``base``: a worker may have another working folder.
    """

    data_dir: Path
    out: Path
    """The results folder; gets ``records/``, ``checkpoints/`` and an event log."""
    plugin_files: tuple[Path, ...] = ()
    """From these a worker process finds the same plugins."""
    preset: PresetName = "quick"
    """Sizes what the study does not, and is named in the records."""
    sizes: Mapping[str, float | int] = field(default_factory=dict)
    """Sizes that the study sets for all networks, in place of the preset's."""
    device: str = "cpu"
    """Where cells train, as torch names devices."""
    checkpoint_every: float = CHECKPOINT_EVERY
    """Seconds of training after which a running cell saves what it has done; 0 saves after each step."""
    base: Path = Path()
    """Folder at which relative paths in the parameters of datasets start: that of the study file which names them, else
    the current one."""

    def checkpoint(self, cell: Cell) -> Path:
        """Where the best state of ``cell`` is kept."""
        return self.out / "checkpoints" / f"{cell.stem}.pt"

    def journal(self, cell: Cell) -> Path:
        """Folder of what the running ``cell`` has done so far."""
        return self.out / "checkpoints" / "running" / cell.stem
