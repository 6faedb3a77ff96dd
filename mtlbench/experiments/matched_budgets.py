"""Matched budgets: what each cell may spend, from what the study's methods spent under early stopping."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from mtlbench.cells import Cell
from mtlbench.experiments.job import Job
from mtlbench.records.schema import Record

Unit = Literal["steps", "seconds"]


def spent(records: Iterable[Record], unit: Unit) -> dict[str, float]:
    """By the id of each finished cell what it used in all stages, those of reused cells too."""
    done = (record for record in records if record.status == "done")
    return {record.cell: record.spent(unit) for record in done}


def most_matched(jobs: Sequence[Job], budget: str) -> int:
    """How many cells follow ``jobs`` under ``budget``, at most: fewer, where not all have a result."""
    return 0 if budget == "early-stopping" else len(jobs)


def with_matched_budgets(jobs: Sequence[Job], used: Mapping[str, float], unit: Unit) -> list[Job]:
    """The finished ones of ``jobs`` once more, each with the budget of the costliest of its block.

    A block is what methods are compared in: one dataset, backbone and seed. A method builds on the cells of the study
    itself. It spends the rest of the budget on its last stage.

    Args:
        jobs: of the study.
        used: of :func:`spent`.
        unit: what it was counted in.
    """
    done = [job for job in jobs if job.cell.id in used]
    most: dict[tuple[str, ...], float] = defaultdict(float)
    for job in done:
        most[_block(job.cell)] = max(most[_block(job.cell)], used[job.cell.id])
    cells = {job.cell.id: _with_allowance(job.cell, unit, most[_block(job.cell)]) for job in done}
    return [
        replace(
            job,
            cell=cells[job.cell.id],
            controls=tuple(cells[control].id for control in job.controls if control in cells),
            keep_checkpoint=False,
        )
        for job in done
    ]


def _block(cell: Cell) -> tuple[str, ...]:
    return cell.fingerprint, cell.backbone.canonical, str(cell.seed)


def _with_allowance(cell: Cell, unit: Unit, amount: float) -> Cell:
    return replace(cell, training=replace(cell.training, budget=unit, allowance=float(amount)))
