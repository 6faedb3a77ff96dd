"""Shows the cells that a run trains in the tools that its study names; nothing that they do changes a cell."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mtlbench.api import TrackedCell, Tracker
from mtlbench.config.specs import Resolved
from mtlbench.discovery.catalogue import BREAKS
from mtlbench.errors import MtlbenchError, TrackerWarning, UsageError, said_of
from mtlbench.experiments.events import CellRecorded, Event, Listen
from mtlbench.experiments.tracked_cells import tracked_cell

MOST_FAILURES = 3
"""In a row, of a tracker that is then left out: each may be a long wait for a server."""


@contextmanager
def tracked(trackers: Sequence[Resolved], out: Path) -> Iterator[Listen]:
    """A listener that tells ``trackers`` of each cell with a new record, while the context lasts.

    Raises:
        UsageError: a tracker cannot start.
    """
    with ExitStack() as open_trackers:
        started = [open_trackers.enter_context(_started(tracker, out)) for tracker in trackers]

        def hear(event: Event) -> None:
            if started and isinstance(event, CellRecorded) and event.record.status != "not-applicable":
                cell = tracked_cell(event.record, event.seconds, out)
                for tracker in started:
                    tracker.log(cell)

        yield hear


@contextmanager
def _started(plugin: Resolved, out: Path) -> Iterator["_Guarded"]:
    name = plugin.entry.name
    try:
        tracker: Tracker = plugin.create(out)
        tracker.start()
    except BREAKS as error:
        remedy = "" if isinstance(error, MtlbenchError) else "; correct its parameters, or leave it out"
        raise UsageError(f"the tracker {name} cannot start: {said_of(error)}{remedy}") from error
    guarded = _Guarded(name, tracker)
    try:
        yield guarded
    finally:
        guarded.close()


class _Guarded:
    """A tracker whose errors become warnings: the first at once, the number of all at the end."""

    def __init__(self, name: str, tracker: Tracker) -> None:
        self._name = name
        self._tracker = tracker
        self._cells = self._missed = self._in_a_row = 0

    def log(self, cell: TrackedCell) -> None:
        """Show ``cell``, unless the tracker has failed too often."""
        self._cells += 1
        if self._in_a_row < MOST_FAILURES:
            try:
                self._tracker.log(cell)
            except BREAKS as error:
                self._in_a_row += 1
                if not self._missed:
                    _warn(f"the tracker {self._name} failed on {cell.name}: {said_of(error)}; the run goes on")
            else:
                self._in_a_row = 0
                return
        self._missed += 1

    def close(self) -> None:
        """Close the tracker, and say what it has not shown."""
        try:
            self._tracker.close()
        except BREAKS as error:
            _warn(f"the tracker {self._name} failed as it was closed: {said_of(error)}")
        if self._missed:
            _warn(f"the tracker {self._name} has not shown {self._missed} of {self._cells} cells; see their records")


def _warn(text: str) -> None:
    warnings.warn(text, TrackerWarning, stacklevel=2)
