"""The event log of a results folder: JSON, one line per event, only ever appended to.

Each run that writes it holds a lock of its own beside it, which ends with its process, however that ends: so another
process can tell a study that runs from one that died.
"""

import json
import os
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from mtlbench.errors import UsageError
from mtlbench.locks import FOLDER, Locks, is_held

NAME = "events.jsonl"
RUN = "run-"
"""How the name of a run's lock begins."""


class EventLog:
    """Appends events to ``<folder>/events.jsonl``; each gets the time, and the id of this run.

    Raises:
        UsageError: the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._run = uuid.uuid4().hex[:12]
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b", buffering=0)
            # A run that died in the middle of a line left it without its end.
            if self._file.tell():
                self._file.seek(-1, os.SEEK_END)
                if self._file.read(1) != b"\n":
                    self._file.write(b"\n")
        except OSError as error:
            raise UsageError(
                f"cannot write the event log {self.path}: {error.strerror or error}; check that the folder may be "
                "written and that the disk has room, or choose another folder"
            ) from error
        self._locks = Locks(folder / FOLDER)
        while not self._locks.take(f"{RUN}{self._run}"):  # whoever looks whether it is held, holds it meanwhile
            time.sleep(0.01)

    def write(self, kind: str, **content: Any) -> None:
        """Append an event. A disk that is full loses the event, not the study: records are what counts."""
        event = {"utc": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": self._run, "kind": kind, **content}
        line = json.dumps(event, ensure_ascii=True) + "\n"
        with self._lock:
            try:
                self._file.write(line.encode())
            except OSError:
                return

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.write("run-ended", reason=None if kind is None else kind.__name__)
        self._file.close()
        self._locks.close()


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events in the order of their writing; lines that are no event, such as a last one cut short, are left out.

    Raises:
        UsageError: there is a log that cannot be read.
    """
    path = folder / NAME
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read the event log {path}: {error.strerror}; check its permissions") from error
    return [event for line in lines if (event := _event(line)) is not None]


def is_running(folder: Path) -> bool:
    """Whether a process is writing the log of ``folder`` now."""
    return any(is_held(path) for path in (folder / FOLDER).glob(f"{RUN}*"))


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    known = isinstance(event, dict) and all(isinstance(event.get(name), str) for name in ("utc", "run", "kind"))
    return event if known else None
