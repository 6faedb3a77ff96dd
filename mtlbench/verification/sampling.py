"""A sample of recorded cells run again, and compared."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import MtlbenchError
from mtlbench.experiments.events import Listen
from mtlbench.leaderboards.boards.columns import TABULATED
from mtlbench.records import Record
from mtlbench.verification.changes import Change, changed_code, changed_scores
from mtlbench.verification.findings import Finding, Report
from mtlbench.verification.folders import Stored
from mtlbench.verification.rerun import reference_of, rerun

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


def rerun_sample(stored: Sequence[Stored], sample: Sample, report: Report, listener: Listen) -> None:
    """Run cells of ``stored`` again and add to ``report`` where they come out otherwise.

    On the machine, torch and commit of the record every score and the learning curve must be the same to the last
    bit; elsewhere each score must be within the tolerance. A cell whose data, plugin or protocol is not at hand is
    noted, and another one takes its place.
    """
    done = [one for one in stored if one.record.status == "done"]
    if sample.cheapest:
        done.sort(key=lambda one: (one.record.spent("seconds"), one.record.cell))
    else:
        done.sort(key=lambda one: one.record.cell)
        random.Random(sample.seed).shuffle(done)
    records = {one.record.cell: one.record for one in stored}
    absent: dict[str, list[Stored]] = {}
    for one in done:
        if report.reruns == sample.count:
            break
        try:
            reference = records.get(reference_of(one.record) or "")
            now = rerun(one.record, sample.plugin_files, sample.data_dir, listener, reference)
        except MtlbenchError as error:
            absent.setdefault(str(error), []).append(one)
            continue
        report.reruns += 1
        report.findings += [
            Finding("rerun", f"run again, {text}", one.path, one.record)
            for text in differences(one.record, now, sample.tolerance)
        ]
    for reason, cells in absent.items():
        more = f" (and {len(cells) - 1} more cells)" if len(cells) > 1 else ""
        report.notes.append(Finding("rerun", f"not rerunnable here{more}: {reason}", cells[0].path, cells[0].record))
    if report.reruns < sample.count:
        text = f"{report.reruns} of {sample.count} cells were run again: the others cannot be run here"
        report.notes.append(Finding("rerun", text, Path()))


def differences(record: Record, now: Record, tolerance: float) -> Iterator[str]:
    """What came out otherwise, as clauses."""
    if now.status != "done":
        yield f"it {now.status}: {now.failure.reason if now.failure else 'no reason was recorded'}"
    elif all(record.environment.get(name) == now.environment.get(name) for name in SAME_TO_THE_BIT):
        if (now.metrics, now.curve) != (record.metrics, record.curve):
            yield f"it differs on the same machine, torch and commit: {_largest(changed_scores(record, now))}"
    else:
        code = " and ".join(change.name for change in changed_code(record, now))
        aside = f" (not as recorded: {code})" if code else ""
        for change in changed_scores(record, now, tolerance, TABULATED):
            if change.before is None or change.now is None:
                yield f"{change.name} is {change.now}, recorded is {change.before}"
            else:
                yield (
                    f"{change.name} is {change.now:.4f}, recorded is {change.before:.4f}: more than {tolerance:g} "
                    f"apart{aside}"
                )


def _largest(changes: Sequence[Change[float | None]]) -> str:
    largest = max(changes, key=lambda change: abs((change.now or 0.0) - (change.before or 0.0)), default=None)
    if largest is None:
        return "its learning curve is another one"
    return f"{largest.name} is {largest.now!r}, recorded is {largest.before!r}"
