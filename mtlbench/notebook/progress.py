"""Progress of a study on stderr: bars in a terminal and in a notebook, else one line per finished cell."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.text import Text

from mtlbench.experiments.events import (
    CellFinished,
    CellStarted,
    Event,
    Listen,
    NoWorkers,
    OtherCode,
    StageProgress,
    StudyStarted,
)
from mtlbench.notebook.in_cell import InCell, in_output
from mtlbench.text import counted, one_line, printable

LONGEST_STUDY = 30 * 86_400
"""Seconds of history that the remaining time is estimated from: all there is, for cells finish rarely."""


@contextmanager
def progress(quiet: bool = False, console: Console | None = None) -> Iterator[Listen]:
    """A listener that shows what it hears while the context lasts."""
    console = console or Console(stderr=True, highlight=False)
    if quiet:
        yield _silence
    elif console.is_jupyter:
        bars = Bars(console)
        cell = InCell(bars.display, in_output())

        def listen(event: Event) -> None:
            bars(event)
            cell.refresh()

        try:
            yield listen
        finally:
            cell.leave(bars.outcome)
    elif console.is_terminal:
        bars = Bars(console)
        with Live(bars.display, console=console, transient=True, refresh_per_second=5):
            yield bars
    else:
        yield Lines(console)


def remark(text: str, console: Console | None = None) -> None:
    """Say ``text`` where progress is shown; in a notebook what is written to stderr would look like an error."""
    console = console or Console(stderr=True, highlight=False)
    console.print(_plain(text), soft_wrap=not console.is_jupyter)


def _silence(event: Event) -> None:
    pass


class Lines:
    """Plain lines: what the study is, and each cell as it finishes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done = self._total = 0

    def __call__(self, event: Event) -> None:
        """Print what ``event`` says, if anything."""
        if isinstance(event, StudyStarted):
            self._done, self._total = event.resumed, event.total
            self._print(f"{counted(event.total, 'cell')}, {event.resumed} of them recorded already{later(event.later)}")
        elif isinstance(event, OtherCode):
            self._print(of_other_code(event))
        elif isinstance(event, CellFinished):
            self._done += 1
            self._print(f"[{self._done}/{self._total}] {outcome(event)}")
        elif isinstance(event, NoWorkers):
            self._print(without_workers(event))

    def _print(self, line: str) -> None:
        self._console.print(_plain(line), soft_wrap=True)


class Bars:
    """One bar for the study, one for each running cell; a line stays behind for a cell without scores."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._study = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            Remaining(),
            console=console,
            speed_estimate_period=LONGEST_STUDY,
        )
        self._cells = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[state]}", markup=False),
            Remaining(compact=True),
            console=console,
        )
        self._overall: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self.display = Group(self._study, self._cells)
        """All bars."""

    def __call__(self, event: Event) -> None:
        """Bring the bars up to date."""
        if isinstance(event, StudyStarted):
            self._overall = self._study.add_task("cells", total=event.total - event.resumed)
            if event.resumed or event.later:
                said = f"{event.resumed} of {event.total} cells are recorded already{later(event.later)}"
                self._console.print(_plain(said))
        elif isinstance(event, OtherCode):
            self._console.print(_plain(of_other_code(event), style="yellow"))
        elif isinstance(event, CellStarted):
            self._bars[event.cell] = self._cells.add_task(one_line(event.title), total=None, state="")
        elif isinstance(event, StageProgress):
            self._advance(event)
        elif isinstance(event, NoWorkers):
            self._console.print(_plain(without_workers(event), style="yellow"))
        elif isinstance(event, CellFinished):
            self._finish(event)

    @property
    def outcome(self) -> str:
        """What was done, as one line; empty where there was nothing to do."""
        task = next((task for task in self._study.tasks if task.id == self._overall), None)
        if task is None or not task.total:
            return ""
        return f"{task.completed:.0f} of {task.total:.0f} cells in {task.elapsed or 0:.0f} s"

    def _advance(self, event: StageProgress) -> None:
        # A worker's report may arrive after its cell's end.
        bar = self._bars.get(event.cell)
        if bar is not None:
            # A stage of a weighting's own has no rate.
            rate = "" if math.isnan(event.rows_per_second) else f", {event.rows_per_second:,.0f} rows/s"
            state = f"{one_line(event.stage)} epoch {event.epoch}/{event.epochs}{rate}"
            self._cells.update(bar, completed=event.done, total=event.total, state=state)

    def _finish(self, event: CellFinished) -> None:
        bar = self._bars.pop(event.cell, None)
        if bar is not None:
            self._cells.remove_task(bar)
        if self._overall is not None:
            self._study.advance(self._overall)
        if event.status == "failed":
            self._console.print(_plain(outcome(event), style="red"))


def _plain(text: str, style: str = "") -> Text:
    """``text`` without markup, whoever wrote it."""
    return Text(printable(text), style=style)


def later(cells: int) -> str:
    """That more cells follow, as the end of a line; empty where none do."""
    return f"; up to {cells} more follow from what these give" if cells else ""


def without_workers(event: NoWorkers) -> str:
    """That cells wait for workers, as one line."""
    waiting = "1 cell waits" if event.cells == 1 else f"{event.cells} cells wait"
    return (
        f"the Dask cluster has no worker: {waiting} since {event.seconds:.0f} s; start some with "
        "`dask worker SCHEDULER --nthreads 1`"
    )


def of_other_code(event: OtherCode) -> str:
    """That recorded cells are of other code, as one line."""
    one = event.cells == 1
    were, kept, them = ("was", "it is", "it") if one else ("were", "they are", "them")
    return (
        f"{counted(event.cells, 'recorded cell')} {were} trained with another version of {', '.join(event.plugins)}: "
        f"{kept} kept; --overwrite always trains {them} again"
    )


def outcome(event: CellFinished) -> str:
    """What became of a cell, as one line."""
    if event.status == "done":
        text = f"done in {event.seconds:.1f} s"
    elif event.status == "failed":
        text = f"FAILED after {event.seconds:.1f} s: {event.reason}"
    else:
        text = f"not applicable: {event.reason}"
    return one_line(f"{event.title}: {text}")
