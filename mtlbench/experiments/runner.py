"""Run a study: expand it, skip what is recorded, train the rest, write one record per cell."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Literal

from mtlbench.config.plan import Plan
from mtlbench.discovery import discover
from mtlbench.experiments.event_logging import logged
from mtlbench.experiments.events import Event, Listen, StudyStarted
from mtlbench.experiments.executors import HERE, Where
from mtlbench.experiments.expand import expand
from mtlbench.experiments.job import Job, merged
from mtlbench.experiments.matched_budgets import most_matched, spent, with_matched_budgets
from mtlbench.experiments.other_code import other_code
from mtlbench.experiments.recorder import Recorder
from mtlbench.experiments.results_folder import require_writable, stays
from mtlbench.experiments.schedule import OutOfTime, Schedule, never
from mtlbench.experiments.searching import Searching
from mtlbench.experiments.tracking import tracked
from mtlbench.locks import FOLDER, Locks
from mtlbench.records.searches import show
from mtlbench.records.store import RecordStore, Summary
from mtlbench.training.checkpoint import usable

Overwrite = Literal["never", "failed", "always"]


def run(
    plan: Plan,
    *,
    overwrite: Overwrite = "never",
    listener: Listen,
    where: Where = HERE,
    over: Callable[[], bool] = never,
) -> list[Summary]:
    """Run every cell of ``plan`` that its results folder does not hold yet.

    Several runs may work on one folder at once: they share the cells between them.

    Args:
        plan: the resolved study.
        overwrite: which recorded cells to run again: none, the failed ones, or all.
        listener: hears what happens, from any thread.
        where: the executor, and how many cells it runs at the same time.
        over: asked before each cell begins, whether the time is over.

    Returns:
        what became of each cell of the study, in its order, whether run now or earlier.

    Raises:
        UsageError: a dataset is missing or malformed, or a record in the folder is; nothing was written then.
        OutOfTime: the time was over before every cell had run; what has run is recorded, and a further run goes on.
    """
    catalogue, out = discover(plan.settings.plugin_files), plan.settings.out
    require_writable(out)
    study = expand(plan, catalogue)
    store = RecordStore(out)
    known = {} if overwrite == "always" else store.checked_summaries()
    if overwrite == "failed":
        known = {cell: summary for cell, summary in known.items() if summary.status != "failed"}

    def counts(summary: Summary) -> bool:
        return overwrite == "never" or (overwrite == "failed" and summary.status != "failed")

    not_told = dict(known)

    def run_all(study: list[Job], known: Mapping[str, Summary], listener: Listen, later: int = 0) -> dict[str, Summary]:
        todo = missing(study, known)
        listener(StudyStarted(total=len(study), resumed=len(study) - len(todo), later=later))
        to_run = {job.cell.id for job in todo}
        kept = {cell: summary for cell, summary in known.items() if cell not in to_run}
        told = {cell: not_told.pop(cell) for cell in kept.keys() & not_told.keys()}
        if other := other_code(study, told, catalogue):
            listener(other)
        recorder = Recorder(catalogue, store, listener, kept, counts, stays(out))
        if overwrite == "always":
            for job in todo:
                shutil.rmtree(job.journal, ignore_errors=True)
        with closing(Locks(out / FOLDER)) as locks:
            Schedule(todo, where, recorder, locks, over).run()
            locks.sweep()
        return recorder.summaries

    show(store.folder, {job.cell.id for job in study})
    searching = Searching(plan, plan.tuned, catalogue, study) if plan.tuned else None
    with tracked(plan.trackers, out) as track, logged(out, listener) as log:

        def heard(event: Event) -> None:
            log(event)
            track(event)

        if searching:
            searching.announce(store)
            if searching.halving:
                known = run_all(merged(study, searching.jobs), known, heard, searching.later)
                searching.keep(store)
                searching.announce(store)  # the trials that go on
            summaries = run_all(merged(study, searching.jobs), known, heard, searching.later)
            searching.choose(store)
            searching.announce(store)  # the cells that report the choice
            study = merged(study, searching.jobs)
            try:
                summaries = run_all(study, summaries, heard)
            except OutOfTime:
                searching.write(store)  # the seeds that were reported
                raise
            searching.write(store)
        else:
            summaries = run_all(study, known, heard, most_matched(study, plan.budget))
        if plan.budget != "early-stopping":
            used = spent((store.read(job.cell.stem) for job in study), plan.budget)
            equal = with_matched_budgets(study, used, plan.budget)
            # A checkpoint that only these cells need may be gone or damaged: its cell is trained once more.
            again = {job.cell.id for job in missing([*study, *equal], summaries)}
            summaries = run_all([*(job for job in study if job.cell.id in again), *equal], summaries, heard)
            study = [*study, *equal]
    return [summaries[job.cell.id] for job in study]


def missing(study: list[Job], known: Mapping[str, Summary]) -> list[Job]:
    """The jobs to run: those without a record, and cells they build on whose checkpoint is gone or damaged."""
    needed: set[str] = set()
    for job in reversed(study):
        gone = job.cell.id in needed and not usable(job.checkpoint)
        if job.cell.id not in known or gone:
            needed.add(job.cell.id)
            if job.not_applicable is None:
                needed.update(source.id for source in job.sources)
        else:
            needed.discard(job.cell.id)
    return [job for job in study if job.cell.id in needed]
