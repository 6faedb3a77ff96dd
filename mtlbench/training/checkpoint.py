"""The best state of a finished cell, which another cell can continue from."""

import math
import warnings
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from mtlbench.errors import StorageError, UsageError
from mtlbench.training import tensor_files
from mtlbench.training.budget import Spend
from mtlbench.training.tensor_files import DamagedFileError


@dataclass(frozen=True)
class Checkpoint:
    """Best state of a finished cell."""

    cell: str
    """Id of the cell that was trained."""
    backbone: dict[str, Any]
    optimiser: dict[str, Any]
    score: float
    """The objective on validation at the best epoch."""
    spend: list[Spend]
    weighting: dict[str, Tensor]
    """The weighting's ``state_dict()`` after training."""
    validation_loss: float = math.nan
    """At the best epoch; NaN where it is not known, which no tie is broken by."""

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
            tensor_files.save({**vars(self), "spend": [asdict(stage) for stage in self.spend]}, path)
        except (OSError, RuntimeError) as error:
            raise StorageError(
                f"cannot write the checkpoint {path} ({error}); check that the folder may be written and that the disk "
                "has room, and run again"
            ) from error

    @classmethod
    def load(cls, path: Path, cell: str) -> "Checkpoint":
        """Read a checkpoint of ``cell``.

        Raises:
            UsageError: the file is damaged or belongs to another cell.
        """
        try:
            content = tensor_files.load(path, "cpu")
            checkpoint = cls(**{**content, "spend": [Spend(**stage) for stage in content["spend"]]})
        except Exception as error:
            raise UsageError(
                f"{path}: not a readable checkpoint ({error}); run again with --overwrite failed, which trains its "
                "cell again"
            ) from error
        if checkpoint.cell != cell:
            raise UsageError(
                f"{path}: holds cell {checkpoint.cell[:12]}, not {cell[:12]}; delete it and run again with "
                "--overwrite failed"
            )
        return checkpoint


def usable(path: Path) -> bool:
    """Whether ``path`` holds a checkpoint as it was written; warns of one that is damaged."""
    try:
        tensor_files.check(path)
    except FileNotFoundError:
        return False
    except (DamagedFileError, OSError) as error:
        warnings.warn(f"{path} is damaged and not used: {error}", RuntimeWarning, stacklevel=1)  # once, whoever asks
        return False
    return True
