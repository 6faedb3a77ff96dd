"""The event log of a results folder: JSON, one line per event, only ever appended to.

Whoever writes it holds a shared lock on it, which the system lets go when the process ends, however it ends: so
another process can tell a study that runs from one that died.
"""

import json
import os
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from mtlbench.errors import UsageError

try:
    import fcntl
except ImportError:  # no POSIX: nobody can tell whether a run is alive
    fcntl = None  # type: ignore[assignment]

NAME = "events.jsonl"


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
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_SH)
            size = os.fstat(self._file).st_size
            # A run that died in the middle of a line left it without its end.
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                os.write(self._file, b"\n")
        except OSError as error:
            raise UsageError(
                f"cannot write the event log {self.path}: {error.strerror or error}; check that the folder may be "
                "written and that the disk has room, or choose another folder"
            ) from error

    def write(self, kind: str, **content: Any) -> None:
        """Append an event. A disk that is full loses the event, not the study: records are what counts."""
        event = {"utc": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": self._run, "kind": kind, **content}
        line = json.dumps(event, ensure_ascii=True) + "\n"
        with self._lock:
            try:
                os.write(self._file, line.encode())
            except OSError:
                return

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.write("run-ended", reason=None if kind is None else kind.__name__)
        os.close(self._file)


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


def is_running(folder: Path) -> bool | None:
    """Whether a process is writing the log of ``folder`` now; ``None`` where the platform cannot tell."""
    if fcntl is None:
        return None
    try:
        with (folder / NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    known = isinstance(event, dict) and all(isinstance(event.get(name), str) for name in ("utc", "run", "kind"))
    return event if known else None
