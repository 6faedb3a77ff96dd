"""From the records of one method to its row: values over seeds, reasons for gaps, spend."""

import statistics
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlbench.leaderboards.boards.board import OPTIMUM, Flag, MeanSpend, Row, RowState, SeedMean
from mtlbench.leaderboards.boards.columns import Column, in_words
from mtlbench.leaderboards.boards.diagnostics import diagnostics_of
from mtlbench.records import PluginUse, Record, Summary, decoded
from mtlbench.records.tuned import SEARCHES, is_tuned
from mtlbench.statistics import mean_intervals
from mtlbench.tasks.metrics.probabilities import NORMALISED_ENTROPY
from mtlbench.text import counted, one_line

SHORT = 28
"""Most characters of a reason inside a table; the notes have the whole."""


def row_of(
    name: str, order: tuple[Any, ...], records: Sequence[Record], columns: Sequence[Column], seeds: Sequence[int]
) -> Row:
    """The row of the method called ``name``; ``seeds`` are those that a complete row has."""
    done = [record for record in records if record.status == "done"]
    worse = _worse_than_base_rate(done)
    flags = _flags(done, worse)
    state: RowState
    if {record.seed for record in done} == set(seeds):
        state = "complete"
    elif done:
        state = "partial"
    else:
        state = "failed" if any(record.status == "failed" for record in records) else "not applicable"
    scores = {column: found for column in columns if (found := _scores(done, column))}
    return Row(
        method=name,
        baseline=records[0].baseline,
        state=state,
        values=dict(zip(scores, measured_together([*scores.values()]), strict=True)),
        gap=_gap(state, records, len(done), len(seeds)),
        reasons=_reasons(records, seeds),
        remarks=_remarks(done, flags, worse),
        flags=flags,
        spend=_spend(done),
        diagnostics=diagnostics_of(done),
        order=order,
        sample=records[0],
        seeds=tuple(record.seed for record in done),
        unit=next((record.influence.unit for record in done if record.influence), ""),
        sampling=_sampling(done),
    )


def _sampling(done: Sequence[Record]) -> dict[str, NDArray[np.float64]]:
    """Task -> the mean over seeds of the influence of each group of test rows, where every record knows it.

    A single group, as of a test split of one user, tells nothing of other test samples.
    """
    known = [record.influence for record in done if record.influence]
    if not known or len(known) < len(done):
        return {}
    by_task = {task: [one.sums[task] for one in known if task in one.sums] for task in known[0].sums}
    found = {task: list(map(decoded, texts)) for task, texts in by_task.items() if len(texts) == len(done)}
    return {task: np.mean(sums, axis=0) for task, sums in found.items() if len(set(map(len, sums))) == 1 < len(sums[0])}


def _flags(done: Sequence[Record], worse: Sequence[str]) -> tuple[Flag, ...]:
    flags: list[Flag] = ["cut off"] if 2 * sum(Summary.of(record).cut_off for record in done) > len(done) else []
    return (*flags, "worse than the base rate") if worse else tuple(flags)


def _worse_than_base_rate(done: Sequence[Record]) -> list[str]:
    """The tasks whose normalised entropy is over 1, with its mean over seeds."""
    column = NORMALISED_ENTROPY.key
    tasks = done[0].dataset.tasks if done else ()
    means = {task: statistics.fmean(values) for task in tasks if (values := _scores(done, (task, column)))}
    return [f"{task} ({mean:.{NORMALISED_ENTROPY.digits}f})" for task, mean in means.items() if mean > 1]


def _gap(state: RowState, records: Sequence[Record], done: int, wanted: int) -> str:
    if state == "complete":
        return ""
    if state == "partial":
        return f"{done} of {wanted} seeds"
    alike = [record.failure for record in records if record.status.replace("-", " ") == state and record.failure]
    reason = alike[0].reason if alike else "no reason was recorded"
    return textwrap.shorten(f"{state}: {one_line(reason)}", SHORT, placeholder=" …")


def _reasons(records: Sequence[Record], seeds: Sequence[int]) -> tuple[str, ...]:
    by_reason = defaultdict(list)
    for record in records:
        if record.status != "done":
            reason = record.failure.reason if record.failure else "no reason was recorded"
            by_reason[f"{record.status.replace('-', ' ')}: {one_line(reason)}"].append(record.seed)
    missing = [seed for seed in seeds if seed not in {record.seed for record in records}]
    if missing:
        by_reason["not run"] = missing
    return tuple(f"{_count(own)} {reason}" for reason, own in by_reason.items())


def _count(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _code(use: PluginUse) -> tuple[str, str]:
    """What tells the plugin's code apart. mtlbench's own version does not: a change of results raises the protocol."""
    package, _, version = use.version.partition(" ")
    return "" if package == "mtlbench" else version, use.source


def _remarks(done: Sequence[Record], flags: Sequence[Flag], worse: Sequence[str]) -> tuple[str, ...]:
    remarks = []
    for kind, uses in (("backbone", [r.backbone for r in done]), ("weighting", [r.weighting for r in done])):
        if len(set(map(_code, uses))) > 1:
            remarks.append(f"its seeds were run with different code of the {kind} {uses[0].name}: run them again")
    searches = done[0].weighting.params.get(SEARCHES, 1) if done and is_tuned(done[0]) else 1
    if 1 < searches < len(done):
        remarks.append(
            f"Its {len(done)} seeds share the settings of {searches} searches, so its interval is too narrow and its "
            "marks come too easily: run as many searches as seeds"
        )
    kept = sum(_kept_its_start(record) for record in done)
    if kept:
        often = "every seed" if kept == len(done) else f"{kept} of {len(done)} seeds"
        remarks.append(
            f"In {often} the last stage of training never improved on what it started from, which is what is scored"
        )
    if "cut off" in flags:
        remarks.append(
            "Cut off: in more than half of the seeds the best epoch is the last one allowed, so more epochs may give "
            "more"
        )
    if worse:
        remarks.append(f"Worse than the base rate, by a normalised entropy over 1, in {in_words(worse)}")
    return tuple(remarks)


def _kept_its_start(record: Record) -> bool:
    """Whether no epoch of the last stage was the best of all."""
    stages = list((record.best_epoch or {}).values())
    return bool(stages) and stages[-1] == 0


def _scores(done: Sequence[Record], column: Column) -> list[float]:
    """The score of each seed; empty where one has none."""
    task, metric = column
    found = [(record.metrics or {}).get("test", {}).get(task, {}).get(metric) for record in done]
    values = [value for value in found if value is not None]
    return values if len(values) == len(found) else []


def measured(values: Sequence[float]) -> SeedMean:
    """The mean of one value per seed, with its interval."""
    return measured_together([values])[0]


def measured_together(rows: Sequence[Sequence[float]]) -> list[SeedMean]:
    """:func:`measured` of each row of equally many values."""
    if not rows:
        return []
    deviations = np.std(rows, axis=1, ddof=1).tolist() if len(rows[0]) > 1 else [None] * len(rows)
    return [
        SeedMean(statistics.fmean(values), deviation, seeds=tuple(values), interval=interval)
        for values, deviation, interval in zip(rows, deviations, mean_intervals(rows), strict=True)
    ]


def _spend(done: Sequence[Record]) -> MeanSpend | None:
    if not done:
        return None
    return MeanSpend(
        *(statistics.fmean(record.spent(unit) for record in done) for unit in ("steps", "rows", "seconds"))
    )


def machine(record: Record) -> str:
    """What trained the record's cell, for a reader who compares seconds."""
    known = record.environment
    device = known.get("device")
    where = device if device not in (None, "cpu") else known.get("processor")
    threads = known.get("threads")
    return str(where or "an unknown machine") + (f", {counted(threads, 'thread')}" if threads else "")


def optimum_row(records: Sequence[Record], columns: Sequence[Column]) -> list[Row]:
    """The row of the true probabilities, for a generated dataset; else none."""
    optimum = next((record.dataset.optimum for record in records if record.dataset.optimum), None)
    if optimum is None:
        return []
    scores = optimum.get("test", {})
    found = {(task, metric): scores.get(task, {}).get(metric) for task, metric in columns}
    values = {column: SeedMean(value) for column, value in found.items() if value is not None}
    return [Row(OPTIMUM, False, "optimum", values)]
