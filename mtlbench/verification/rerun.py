"""Running recorded cells again, and comparing what comes out."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import MtlbenchError
from mtlbench.experiments import run_again
from mtlbench.experiments.events import Listen
from mtlbench.leaderboards.boards.board import METRICS
from mtlbench.records import Record
from mtlbench.verification.findings import Finding, Report
from mtlbench.verification.folders import Stored

TOLERANCE = 0.005
"""Of any score, between machines or commits. Rounding differs there, and training amplifies it to at most what another
seed does: the seeds of one method on KuaiRand-Pure have a standard deviation of .0008 (at most .0013) in any score."""

SAME_TO_THE_BIT = ("mtlbench", "git", "torch", "python", "platform", "processor", "device", "threads", "matmul")
"""What of the environment must be the same for a result to be the same to the last bit. A faster commit may add up the
same numbers in another order."""


@dataclass(frozen=True)
class Sample:
    """Which cells to run again."""

    count: int
    seed: int = 0
    """Of the draw."""
    cheapest: bool = False
    """The cells that took the fewest seconds, in place of a draw."""
    tolerance: float = TOLERANCE
    data_dir: Path = Path("data")
    plugin_files: tuple[Path, ...] = ()


def rerun(stored: Sequence[Stored], sample: Sample, report: Report, listener: Listen) -> None:
    """Run cells of ``stored`` again and add to ``report`` where they come out otherwise.

    On the machine, torch and commit of the record every score and the learning curve must be the same to the last
    bit; elsewhere each score must be within the tolerance. A cell whose data, plugin or protocol is not at hand is
    noted, and another one takes its place.
    """
    done = [one for one in stored if one.record.status == "done"]
    if sample.cheapest:
        done.sort(key=lambda one: (sum(stage.seconds for stage in one.record.spend), one.record.cell))
    else:
        done.sort(key=lambda one: one.record.cell)
        random.Random(sample.seed).shuffle(done)
    absent: dict[str, list[Stored]] = {}
    for one in done:
        if report.reruns == sample.count:
            break
        try:
            again = run_again(one.record, sample.plugin_files, sample.data_dir, listener)
        except MtlbenchError as error:
            absent.setdefault(str(error), []).append(one)
            continue
        report.reruns += 1
        report.findings += [
            Finding("rerun", f"run again, {text}", one.path, one.record)
            for text in differences(one.record, again, sample.tolerance)
        ]
    for reason, cells in absent.items():
        more = f" (and {len(cells) - 1} more cells)" if len(cells) > 1 else ""
        report.notes.append(Finding("rerun", f"not rerunnable here{more}: {reason}", cells[0].path, cells[0].record))
    if report.reruns < sample.count:
        text = f"{report.reruns} of {sample.count} cells were run again: the others cannot be run here"
        report.notes.append(Finding("rerun", text, Path()))


def differences(record: Record, again: Record, tolerance: float) -> Iterator[str]:
    """What came out otherwise, as clauses."""
    if again.status != "done":
        yield f"it {again.status}: {again.failure.reason if again.failure else 'no reason was recorded'}"
        return
    exact = all(record.environment.get(name) == again.environment.get(name) for name in SAME_TO_THE_BIT)
    if exact:
        if (again.metrics, again.curve) != (record.metrics, record.curve):
            yield f"it differs on the same machine, torch and commit: {_largest(record, again)}"
    else:
        for name, own, other in _scores(record, again):
            if own is None or other is None:
                if own != other:
                    yield f"{name} is {other}, recorded is {own}"
            elif abs(own - other) > tolerance:
                yield (
                    f"{name} is {other:.4f}, recorded is {own:.4f}: more than {tolerance:g} "
                    f"apart{_changed_code(record, again)}"
                )


def _scores(record: Record, again: Record) -> Iterator[tuple[str, float | None, float | None]]:
    """What each score is called, as recorded and as it came out now."""
    now = again.scores()
    for (split, task, metric), own in record.scores().items():
        if metric in METRICS:
            yield f"{split} {task} {METRICS[metric]}", own, now.get((split, task, metric))


def _largest(record: Record, again: Record) -> str:
    changes = [
        (abs(own - other), f"{name} is {other!r}, recorded is {own!r}")
        for name, own, other in _scores(record, again)
        if own is not None and other is not None and own != other
    ]
    return max(changes, key=lambda change: change[0])[1] if changes else "its learning curve is another one"


def _changed_code(record: Record, again: Record) -> str:
    changed = [
        use.name
        for use, now in ((getattr(record, kind), getattr(again, kind)) for kind in ("dataset", "backbone", "weighting"))
        if use.source != now.source
    ]
    return f" (the code of {' and '.join(changed)} is not the recorded one)" if changed else ""
