"""What a long cell has done so far, on disk. A cell that was killed goes on from there.

How a weighting trains is code (``fit``), which cannot be saved while it runs. So a cell that is resumed runs ``fit``
again, and each *call* that it makes of the trainer (train a stage, compute a result once) looks into the journal first.
A call that was over takes its outcome from there. The call that was running goes on from its last saved step. A call
that was not saved runs again and ends the same. Calls are known by their order.

A cell that ends before the first save is due writes no file and loses no time.
"""

import json
import math
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlbench.training import tensor_files

RUNNING = "running"
SHARE = 0.02
"""Largest share of a cell's time that saving may take. The next save waits the longer, the longer the last took."""


@dataclass(frozen=True)
class Entry:
    """What is saved of one call."""

    name: str
    """Of the stage. An entry of another name than expected is not used: the code has changed."""
    facts: dict[str, Any]
    """Plain values, as JSON has them; also NaN and infinity."""
    tensors: dict[str, Any]
    """Nested dictionaries and lists of tensors."""
    over: bool = True


def reached(folder: Path) -> tuple[int, int]:
    """How far a cell is saved: the calls that are over, and the steps of the one that was running.

    A damaged file counts as none. Only plain values are taken into memory, of which the cell may have left little.
    """
    over = max((int(path.stem) for path in folder.glob("*.pt") if path.stem.isdigit()), default=0)
    try:
        content = tensor_files.load(folder / f"{RUNNING}.pt", "meta")
        running = content["call"] - 1, json.loads(content["facts"])["spend"]["steps"]
    except Exception:
        running = 0, 0
    return max((over, 0), running)


class Journal:
    """The calls of one cell.

    Args:
        folder: of this cell alone; ``None`` saves nothing.
        every: least seconds between two saves within a call; 0 saves after each step, whatever that costs.
        origin: names the code and device that a result depends on; entries of another origin are not used.
    """

    def __init__(self, folder: Path | None = None, every: float = math.inf, origin: str = "") -> None:
        self.resumptions = 0
        """How often the cell was resumed, now included."""
        self._folder = folder
        self._every = every
        self._origin = origin
        self._calls = 0
        self._running: float = 0
        """Number of the call that was running when the cell was killed; infinite where none was, 0 until known."""
        self._known: set[int] = set()
        self._resumed = False
        self._saved = time.monotonic()
        self._took = 0.0
        """Seconds of the last save."""
        self._long = every == 0

    def begin(self) -> int:
        """The number of the call that begins."""
        self._calls += 1
        return self._calls

    def read(self, call: int, name: str) -> Entry | None:
        """What is saved of the call, or ``None`` where that is nothing of use."""
        content = self._load(str(call))
        if content is None and call >= self._running:
            content = self._load(RUNNING)
            self._running = math.inf if content is None else content["call"]
        if content is None or (content["call"], content["name"]) != (call, name):
            return None
        if not self._resumed:
            self._resumed = self._long = True
            self.resumptions = content["resumptions"] + 1
        if content["over"]:
            self._known.add(call)
        return Entry(name, json.loads(content["facts"]), content["tensors"], content["over"])

    @property
    def due(self) -> bool:
        """Whether the running call is to be saved."""
        pause = max(self._every, self._took / SHARE) if self._every > 0 else 0
        return self._folder is not None and time.monotonic() - self._saved >= pause

    def save(self, call: int, entry: Entry) -> None:
        """Save a call that is running or, with ``entry.over``, over."""
        content = {
            "origin": self._origin,
            "call": call,
            "name": entry.name,
            "over": entry.over,
            "resumptions": self.resumptions,
            "facts": json.dumps(entry.facts),
            "tensors": entry.tensors,
        }
        self._long = True
        self._write(str(call) if entry.over else RUNNING, content)

    def wants(self, call: int) -> bool:
        """Whether a call that is over is to be saved: not in a cell so young that doing it again costs less."""
        return self._folder is not None and call not in self._known and (self._long or self.due)

    def lighten(self, call: int, tensors: str) -> None:
        """Drop the entry's ``tensors`` of that name, which are needed no more."""
        content = self._load(str(call))
        if content is not None and tensors in content["tensors"]:
            del content["tensors"][tensors]
            self._write(str(call), content)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        """Write a file. On a full disk the cell goes on; if it is killed, it begins again."""
        assert self._folder is not None
        path, began = self._folder / f"{name}.pt", time.perf_counter()
        try:
            tensor_files.save(content, path)
        except (OSError, RuntimeError) as error:
            warnings.warn(
                f"cannot save the running cell to {path} ({error}); it goes on, but would begin again if it was "
                "killed: free some space there",
                RuntimeWarning,
                stacklevel=2,
            )
        self._took = time.perf_counter() - began
        self._saved = time.monotonic()

    def _load(self, name: str) -> dict[str, Any] | None:
        """The content of a file; one that is damaged counts as none."""
        path = self._folder and self._folder / f"{name}.pt"
        if path is None or not path.exists():
            return None
        try:
            content: dict[str, Any] = tensor_files.load(path)
            return content if content["origin"] == self._origin else None
        except Exception as error:
            warnings.warn(f"{path} is damaged and not used: {error}", RuntimeWarning, stacklevel=2)
            return None
