"""Writes what a study tells into the event log of its results folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from mtlbench.experiments.events import CellFinished, CellStarted, Event, Listen, StudyStarted
from mtlbench.records.event_log import EventLog

KINDS = {StudyStarted: "study-started", CellStarted: "cell-started", CellFinished: "cell-finished"}
"""The events that are kept: not the progress inside a cell, of which there are five a second."""


@contextmanager
def logged(out: Path, listener: Listen) -> Iterator[Listen]:
    """A listener that also writes to the event log of ``out``, while the context lasts."""
    with EventLog(out) as log:

        def hear(event: Event) -> None:
            if (kind := KINDS.get(type(event))) is not None:
                log.write(kind, **asdict(event))
            listener(event)

        yield hear
