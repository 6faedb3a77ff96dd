"""How far a study is, from its records and its event log alone: while it runs, and after it ended or died."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mtlbench.errors import UsageError
from mtlbench.records import RecordStore
from mtlbench.records.event_log import is_running, read_events

State = Literal["running", "finished", "interrupted", "died", "unknown"]


@dataclass(frozen=True)
class Failed:
    """A cell without scores."""

    cell: str
    method: str
    reason: str


@dataclass(frozen=True)
class Status:
    """What there is, and what the last run has yet to do."""

    state: State
    done: int
    failed: tuple[Failed, ...]
    not_applicable: int
    running: tuple[str, ...]
    """Titles of the cells that are being trained."""
    cut_off: tuple[str, ...]
    """Titles of the cells that were being trained when the run ended: they run again."""
    total: int | None
    """Cells of the last study; ``None`` where no log says so."""
    to_do: int | None
    """Those that neither have a record nor are being trained."""
    started: str | None
    """When the last run began, in UTC."""
    seconds_left: float | None
    """At the pace of the run so far; ``None`` before its first cell has finished, and when nothing runs."""


def status(folder: Path, now: datetime | None = None) -> Status:
    """The status of the results folder ``folder``.

    Raises:
        UsageError: it is no results folder, or something in it cannot be read.
    """
    summaries = RecordStore(folder).summaries()
    events = read_events(folder)
    if not summaries and not events:
        raise UsageError(f"{folder} holds neither records nor an event log; `mtlbench run --out {folder}` makes them")
    counts = Counter(summary.status for summary in summaries.values())
    failed = tuple(
        Failed(summary.cell, summary.method, summary.failure.reason if summary.failure else "")
        for summary in summaries.values()
        if summary.status == "failed"
    )
    own = [event for event in events if event["run"] == events[-1]["run"]] if events else []
    study = _last_study(own)
    state = _state(own, is_running(folder))
    begun, finished = _cells(study)
    open_cells = tuple(title for cell, title in begun.items() if cell not in finished)
    running = open_cells if state == "running" else ()
    total = _number(study[0], "total") if study else None
    to_do = None
    if study and total is not None:
        to_do = max(0, total - (_number(study[0], "resumed") or 0) - len(finished) - len(running))
    return Status(
        state=state,
        done=counts["done"],
        failed=failed,
        not_applicable=counts["not-applicable"],
        running=running,
        cut_off=() if state == "running" else open_cells,
        total=total,
        to_do=to_do,
        started=own[0]["utc"] if own else None,
        seconds_left=_left(study, len(finished), (to_do or 0) + len(running), now) if state == "running" else None,
    )


def _last_study(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events from the last start of a study on: a run with matched budgets has two."""
    starts = [place for place, event in enumerate(events) if event["kind"] == "study-started"]
    return list(events[starts[-1] :]) if starts else []


def _state(events: Sequence[Mapping[str, Any]], alive: bool) -> State:
    if not events:
        return "unknown"
    if events[-1]["kind"] == "run-ended":
        return "finished" if events[-1].get("reason") is None else "interrupted"
    return "running" if alive else "died"


def _cells(study: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], set[str]]:
    """Titles of the cells that began, by id, and ids of those that finished."""
    begun, finished = {}, set()
    for event in study:
        if event["kind"] == "cell-started":
            begun[str(event.get("cell"))] = str(event.get("title"))
        elif event["kind"] == "cell-finished":
            finished.add(str(event.get("cell")))
    return begun, finished


def _left(study: Sequence[Mapping[str, Any]], finished: int, cells: int, now: datetime | None) -> float | None:
    try:
        since = ((now or datetime.now(UTC)) - datetime.fromisoformat(study[0]["utc"])).total_seconds()
    except (ValueError, TypeError):
        return None
    return since / finished * cells if finished and math.isfinite(since) and since >= 0 else None


def _number(event: Mapping[str, Any], name: str) -> int | None:
    value = event.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
