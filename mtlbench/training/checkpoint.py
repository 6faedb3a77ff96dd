"""The best state of a finished cell, which another cell can continue from."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtlbench.errors import StorageError, UsageError
from mtlbench.files import replacing
from mtlbench.training.budget import Spend


@dataclass(frozen=True)
class Checkpoint:
    """Best state of a finished cell."""

    cell: str
    """Id of the cell that was trained."""
    backbone: dict[str, Any]
    optimiser: dict[str, Any]
    score: float
    """Validation mean AUC at the best epoch."""
    spend: list[Spend]
    weighting: dict[str, Tensor]
    """The weighting's ``state_dict()`` after training."""

    @property
    def state(self) -> Mapping[str, Tensor]:
        """The weighting's state, as :class:`mtlbench.api.SourceCheckpoint` names it."""
        return self.weighting

    @property
    def seconds(self) -> float:
        """Wall-clock of all stages."""
        return sum(stage.seconds for stage in self.spend)

    def reused(self, stages: Collection[str] | None = None) -> list[Spend]:
        """What its stages, all or those named, cost, as they count in the budget of a cell that builds on it."""
        return [
            replace(spend, reused_from=spend.reused_from or self.cell)
            for spend in self.spend
            if stages is None or spend.stage in stages
        ]

    def save(self, path: Path) -> None:
        """Write to ``path``. The file appears whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                torch.save({**vars(self), "spend": [asdict(stage) for stage in self.spend]}, file)
        except (OSError, RuntimeError) as error:  # torch hides some of the file's errors in its own
            raise StorageError(
                f"cannot write the checkpoint {path} ({error}); check that the folder may be written and that the disk "
                "has room, and run again"
            ) from error

    @classmethod
    def load(cls, path: Path, cell: str) -> "Checkpoint":
        """Read a checkpoint. Only tensors and plain values are read, so a file from a stranger cannot run code.

        Raises:
            UsageError: the file is damaged or belongs to another cell.
        """
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            checkpoint = cls(**{**content, "spend": [Spend(**stage) for stage in content["spend"]]})
        except Exception as error:
            raise UsageError(f"{path}: not a readable checkpoint ({error}); delete it and run again") from error
        if checkpoint.cell != cell:
            raise UsageError(f"{path}: holds cell {checkpoint.cell[:12]}, not {cell[:12]}; delete it and run again")
        return checkpoint
