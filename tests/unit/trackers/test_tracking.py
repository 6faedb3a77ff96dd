"""Trackers hear of each cell that a run records, and what goes wrong in one of them stays there."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtlbench import api
from mtlbench.cells import PluginSpec
from mtlbench.config.specs import Resolved
from mtlbench.discovery import Entry
from mtlbench.errors import TrackerWarning, UsageError
from mtlbench.experiments.events import CellFinished, CellRecorded, Event, StudyStarted
from mtlbench.experiments.tracking import MOST_FAILURES, tracked
from mtlbench.records import Record


class Heard(api.Tracker):
    """Keeps what it hears."""

    name, label = "heard", "Heard"
    calls: list[str]

    def start(self) -> None:
        self.calls.append("start")

    def log(self, cell: api.TrackedCell) -> None:
        self.calls.append(cell.name)

    def close(self) -> None:
        self.calls.append("close")


def resolved(
    start: Callable[..., Any] = Heard.start, log: Callable[..., Any] = Heard.log, name: str = "heard"
) -> Resolved:
    cls = type("Mine", (Heard,), {"start": start, "log": log, "calls": [], "name": name, "__doc__": "Mine."})
    return Resolved(Entry(cls, "tracker", "here"), PluginSpec(name, {}), cls.Params(), {})


def run(trackers: list[Resolved], events: list[Event]) -> None:
    with tracked(trackers, Path("/results")) as listener:
        for event in events:
            listener(event)


def test_it_hears_of_each_record_once_and_of_no_pair_that_is_not_applicable(done: Record, failed: Record) -> None:
    tracker = resolved()
    outside = done.model_copy(update={"status": "not-applicable"})
    events: list[Event] = [StudyStarted(9, 6), CellFinished("a", "of another run", "done", 1.0)]
    events += [CellRecorded(record, 1.0) for record in (done, failed, outside)]
    run([tracker], events)
    names = ["rmtl[lambda=0.5]/mmoe/synthetic/seed0", "rmtl/mmoe/synthetic/seed1"]
    assert tracker.entry.cls.calls == ["start", *names, "close"]


def test_without_trackers_nothing_is_made_of_a_record(monkeypatch: pytest.MonkeyPatch, done: Record) -> None:
    monkeypatch.setattr("mtlbench.experiments.tracking.tracked_cell", None)
    run([], [CellRecorded(done, 1.0)])


def test_a_tracker_that_fails_is_a_warning_and_the_others_go_on(done: Record) -> None:
    def log(self: Any, cell: api.TrackedCell) -> None:
        self.calls.append("tried")
        raise SystemExit("no server")

    broken, sound = resolved(log=log, name="broken"), resolved()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        run([broken, sound], [CellRecorded(done, 1.0)] * (MOST_FAILURES + 2))
    assert [str(one.message) for one in found] == [
        "the tracker broken failed on rmtl[lambda=0.5]/mmoe/synthetic/seed0: SystemExit: no server; the run goes on",
        "the tracker broken has not shown 5 of 5 cells; see their records",
    ]
    assert {one.category for one in found} == {TrackerWarning}
    assert broken.entry.cls.calls == ["start", *["tried"] * MOST_FAILURES, "close"]
    assert len(sound.entry.cls.calls) == MOST_FAILURES + 4


def test_a_tracker_that_recovers_is_used_again(done: Record) -> None:
    def log(self: Any, cell: api.TrackedCell) -> None:
        self.calls.append("tried")
        if len(self.calls) % MOST_FAILURES:
            raise OSError("busy")

    tracker = resolved(log=log)
    with pytest.warns(TrackerWarning) as found:
        run([tracker], [CellRecorded(done, 1.0)] * 7)
    assert "the tracker heard has not shown 5 of 7 cells" in str(found[-1].message)
    assert len(found) == 2
    assert tracker.entry.cls.calls.count("tried") == 7


def test_an_interrupt_is_no_failure_of_a_tracker(done: Record) -> None:
    def log(self: Any, cell: api.TrackedCell) -> None:
        raise KeyboardInterrupt

    tracker = resolved(log=log)
    with pytest.raises(KeyboardInterrupt):
        run([tracker], [CellRecorded(done, 1.0)])
    assert tracker.entry.cls.calls == ["start", "close"]


def test_a_tracker_that_cannot_start_ends_the_run_before_a_cell_is_trained(done: Record) -> None:
    def start(self: Any) -> None:
        raise ConnectionError("no server at http://nowhere")

    def refuse(self: Any) -> None:
        raise UsageError("nobody is logged in; run `far login`")

    with pytest.raises(UsageError, match=r"the tracker far cannot start: nobody is logged in; run `far login`$"):
        run([resolved(refuse, name="far")], [])
    first = resolved()
    reason = "the tracker far cannot start: ConnectionError: no server at http://nowhere; correct its parameters"
    with pytest.raises(UsageError, match=reason):
        run([first, resolved(start, name="far")], [CellRecorded(done, 1.0)])
    assert first.entry.cls.calls == ["start", "close"]
