"""Progress: lines where there is no terminal, bars where there is one."""

import html
import io
import math
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from mtlbench.experiments.events import (
    CellFinished,
    CellStarted,
    Event,
    NoWorkers,
    OtherCode,
    StageProgress,
    StudyStarted,
)
from mtlbench.notebook.in_cell import InCell
from mtlbench.notebook.progress import Bars, progress, remark

EVENTS: list[Event] = [
    StudyStarted(total=4, resumed=1),
    CellStarted("a", "PLE on synthetic [x], seed 0"),
    StageProgress("a", "train", 2, 10, 300, 1000, 12_345.6),
    CellFinished("a", "PLE on synthetic [x], seed 0", "done", 1.25),
    CellFinished("b", "RMTL-PLE on log, seed 0", "failed", 2.0, "the loss is NaN"),
    CellFinished("c", "ESMM on log, seed 0", "not-applicable", 0.0, "needs a funnel"),
]


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, _environ={})


def written(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_lines_without_a_terminal() -> None:
    screen = console(terminal=False)
    with progress(console=screen) as listener:
        for event in EVENTS:
            listener(event)
    assert written(screen).splitlines() == [
        "4 cells, 1 of them recorded already",
        "[2/4] PLE on synthetic [x], seed 0: done in 1.2 s",
        "[3/4] RMTL-PLE on log, seed 0: FAILED after 2.0 s: the loss is NaN",
        "[4/4] ESMM on log, seed 0: not applicable: needs a funnel",
    ]


def test_a_study_says_that_more_cells_follow() -> None:
    for terminal in (False, True):
        screen = console(terminal)
        with progress(console=screen) as listener:
            listener(StudyStarted(total=9, resumed=0, later=6))
        assert "up to 6 more follow from what these give" in written(screen)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (1, "1 recorded cell was trained with another version of weighting mine, backbone net: it is kept;"),
        (3, "3 recorded cells were trained with another version of weighting mine, backbone net: they are kept;"),
    ],
)
@pytest.mark.parametrize("terminal", [False, True])
def test_records_of_other_code_are_named(terminal: bool, cells: int, said: str) -> None:
    screen = console(terminal)
    with progress(console=screen) as listener:
        listener(OtherCode(cells, ("weighting mine", "backbone net")))
    text = " ".join(written(screen).split())
    assert said in text
    assert "--overwrite always trains " in text


def test_quiet_shows_nothing() -> None:
    screen = console(terminal=True)
    with progress(quiet=True, console=screen) as listener:
        for event in EVENTS:
            listener(event)
    assert written(screen) == ""


@pytest.mark.parametrize(
    ("heard", "shown", "hidden"),
    [
        (3, ["0/3", "PLE on synthetic [x], seed 0", "train epoch 2/10, 12,346 rows/s"], []),
        (4, ["1/3"], ["PLE on synthetic", "rows/s"]),
        (6, ["3/3", "RMTL-PLE on log, seed 0: FAILED after 2.0 s: the loss is NaN"], ["rows/s", "ESMM"]),
    ],
)
def test_bars_in_a_terminal(heard: int, shown: list[str], hidden: list[str]) -> None:
    screen = console(terminal=True)
    bars = Bars(screen)
    for event in EVENTS[:heard]:
        bars(event)
    screen.print(bars.display)
    assert all(text in written(screen) for text in shown)
    assert not any(text in written(screen) for text in hidden)


def test_a_remark_is_whole_and_in_a_notebook_no_error_of_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "no method [x] beats the baseline " * 9
    screen = console(terminal=False)
    remark(text, screen)
    assert written(screen) == f"{text}\n"
    shown: list[str] = []
    monkeypatch.setattr("rich.jupyter.display", lambda segments, text: shown.append(text))
    screen = Console(file=io.StringIO(), stderr=True, force_jupyter=True, width=100, _environ={})
    remark(text, screen)
    assert written(screen) == ""
    (said,) = shown
    assert said.split() == text.split()
    assert max(map(len, said.splitlines())) <= 100


def test_bars_in_a_notebook_are_html_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    times = iter(range(100))
    monkeypatch.setattr("mtlbench.notebook.progress.in_output", lambda: shown.append)
    monkeypatch.setattr("mtlbench.notebook.in_cell.time", SimpleNamespace(monotonic=lambda: next(times)))
    screen = Console(file=io.StringIO(), force_jupyter=True, width=100, _environ={})
    hostile = "<script>alert(1)</script>"
    with progress(console=screen) as listener:
        for event in [*EVENTS[:4], CellStarted("d", hostile)]:
            listener(event)
    assert len(shown) == 6
    assert all(text in shown[2] for text in ("0/3", "PLE on synthetic [x], seed 0", "train epoch 2/10"))
    assert "1/3" in shown[3]
    assert "PLE on synthetic" not in shown[3]
    assert hostile not in shown[4]
    assert html.escape(hostile) in shown[4]
    assert re.search(r">1 of 3 cells in \d+ s\s*</pre>$", shown[5])


def test_a_notebook_is_drawn_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    times = iter([0.0, 0.1, 0.19, 0.21, 0.3])
    monkeypatch.setattr("mtlbench.notebook.in_cell.time", SimpleNamespace(monotonic=lambda: next(times)))
    cell = InCell("bars", shown.append)
    for _ in range(5):
        cell.refresh()
    assert len(shown) == 2
    cell.leave("")
    assert shown[2:] == [""]


def test_a_late_report_of_a_finished_cell_is_dropped() -> None:
    screen = console(terminal=True)
    bars = Bars(screen)
    for event in [*EVENTS[:4], EVENTS[2]]:
        bars(event)
    screen.print(bars.display)
    assert "rows/s" not in written(screen)


def test_bars_are_gone_at_the_end_and_failures_stay() -> None:
    screen = console(terminal=True)
    with progress(console=screen) as listener:
        for event in EVENTS:
            listener(event)
    assert "the loss is NaN" in written(screen)


def test_a_stage_without_a_rate_shows_none() -> None:
    screen = console(terminal=True)
    with progress(console=screen) as listener:
        listener(EVENTS[0])
        listener(EVENTS[1])
        listener(StageProgress("a", "critics", 3, 20, 3, 20, math.nan))
    assert "critics epoch 3/20" in written(screen)
    assert "rows/s" not in written(screen)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_cluster_without_workers_is_told_with_a_count(terminal: bool) -> None:
    screen = console(terminal)
    with progress(console=screen) as listener:
        listener(EVENTS[0])
        listener(NoWorkers(cells=3, seconds=20.4))
    said = " ".join(written(screen).split())
    assert "the Dask cluster has no worker: 3 cells wait since 20 s; start some with `dask worker SCHEDULER" in said
