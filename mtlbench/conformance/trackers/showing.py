"""What a tracker does with the cells of a study, in a folder of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mtlbench.api import TrackedCell, TrackedPoint, Tracker
from mtlbench.conformance.generators import generator_states, restored_generators
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, in_one_line, rule

ID = "0123456789abcdef" * 4
DONE = TrackedCell(
    name="rmtl[lambda=0.5]/mmoe/synthetic/seed0",
    path=f"rmtl/mmoe/synthetic/seed0-{ID[:12]}",
    status="done",
    reason=None,
    tags={"cell": ID, "record": "/results/records/cell.json", "method": "RMTL-MMoE", "status": "done", "seed": "0"},
    parameters={"weighting": "rmtl", "weighting.lambda": 0.5, "backbone.bottom": [64, 32], "preset": None, "seed": 0},
    points=(
        TrackedPoint(1, {"epoch": 1.0, "train/click/loss": 0.7, "validation/click/auc": 0.6, "weight/click": 1.0}),
        TrackedPoint(2, {"epoch": 2.0, "train/click/loss": 0.6, "validation/click/auc": 0.7, "weight/click": 0.9}),
    ),
    scores={"test/click/auc": 0.69, "selected/click/auc": 0.7, "spend/steps": 200.0},
    began=1.7e9,
    ended=1.7e9 + 60,
)
REASON = "TrainingError: training diverged\nlower --learning-rate"
FAILED = replace(
    DONE,
    name="constant/mmoe/synthetic/seed1",
    path="constant/mmoe/synthetic/seed1-ffffffffffff",
    status="failed",
    reason=REASON,
    tags={**DONE.tags, "cell": "f" * 64, "status": "failed", "reason": REASON},
    points=(),
    scores={},
)
STRANGE = "Zahl der Käufe (in %) | ../x: a,b\n" + "w" * 200
CELLS = {
    "a cell that is done": DONE,
    "a cell that failed": FAILED,
    "a cell that is trained again": DONE,
    "a task with a strange name": replace(
        DONE,
        path="rmtl/mmoe/synthetic/seed2-aaaaaaaaaaaa",
        points=(TrackedPoint(1, {f"train/{STRANGE}/loss": 1e30}),),
        scores={f"test/{STRANGE}/auc": 0.5},
    ),
    "a cell of 3,000 numbers": replace(
        DONE,
        path="rmtl/mmoe/synthetic/seed3-bbbbbbbbbbbb",
        parameters={f"weighting.p{number}": "x" * 10_000 for number in range(150)},
        points=tuple(TrackedPoint(step, {"train/click/loss": 1 / step}) for step in range(1, 3001)),
    ),
}


@rule("tracker")
def shows_every_cell(plugin: PluginUnderTest) -> None:
    """Cells that are done, that failed, or have strange names and many numbers are shown without an error."""
    with _started(plugin) as tracker:
        for what, cell in CELLS.items():
            try:
                tracker.log(cell)
            except Exception as error:
                broken(f"{what}: {in_one_line(error)}", "let log take it, in a form that the tool allows")


@rule("tracker")
def leaves_generators_alone(plugin: PluginUnderTest) -> None:
    """Showing a cell draws from no global generator of random numbers."""
    with restored_generators():
        before = generator_states()
        with _started(plugin) as tracker:
            tracker.log(DONE)
        for name, state in generator_states().items():
            if state != before[name]:
                broken(f"{name} has changed", "draw from a generator of your own, such as random.Random()")


@contextmanager
def _started(plugin: PluginUnderTest) -> Iterator[Tracker]:
    if install := plugin.cls.missing():
        raise NotApplicableError(f"it needs {plugin.cls.package}, which is not installed: {install}")
    with tempfile.TemporaryDirectory() as folder:
        tracker: Tracker = plugin.cls(Path(folder), plugin.cls.Params())
        tracker.start()
        yield tracker
        tracker.close()
