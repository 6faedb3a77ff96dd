"""What a row is beside its baseline: the same, or with more training."""

from collections.abc import Sequence
from dataclasses import replace

from mtlbench.leaderboards.boards.board import Flag, Row
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.leaderboards.boards.naming import weighting_name

MORE = 1.05
"""A row with so many times the steps of its baseline, or more, is said to have more: it is printed as 1.1 times."""


def related(row: Row, baseline: Row | None, rows: Sequence[Row]) -> Row:
    """``row`` of the board's ``rows`` with what a reader must know before comparing it with its ``baseline``."""
    if baseline is None:
        return row
    flags: list[Flag] = []
    remarks = []
    if (row.equals or row.method) == (baseline.equals or baseline.method):
        flags.append("not exercised")
        remarks.append(
            "Not exercised: equal to its baseline to the last digit in every seed, so it is not ranked apart"
        )
    if row.spend and baseline.spend and row.spend.steps >= MORE * baseline.spend.steps > 0:
        flags.append("more spend")
        times = f"More spend: {row.spend.steps / baseline.spend.steps:.1f} times the steps of its baseline"
        restarted = _restarted(row, baseline, rows)
        remarks.append(f"{times}; compare it with {in_words(restarted)} too" if restarted else times)
    return replace(row, flags=(*flags, *row.flags), remarks=(*remarks, *row.remarks))


def _restarted(row: Row, baseline: Row, rows: Sequence[Row]) -> list[str]:
    """The controls of ``row`` under its baseline's weighting: the baseline, trained on."""
    name = baseline.sample.weighting.name if baseline.sample else ""
    samples = [other.sample for other in rows if other.method in row.controls and other.sample]
    return [weighting_name(sample) for sample in samples if sample.weighting.name == name]
