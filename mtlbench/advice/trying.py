"""What is trained for an answer: a cell that is measured, then the baseline and one weighting after the other."""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from mtlbench.advice.budget import Budget
from mtlbench.advice.measuring import Measured, measured, save, saved
from mtlbench.advice.planning import Pace, Plan, whole_minutes
from mtlbench.api import Splits
from mtlbench.config.plan import Plan as CellPlan
from mtlbench.config.study import Study
from mtlbench.discovery import Catalogue
from mtlbench.errors import UsageError
from mtlbench.experiments import runner
from mtlbench.experiments.events import Event, Listen
from mtlbench.experiments.executors import HERE, Where
from mtlbench.experiments.expand import expand
from mtlbench.experiments.preview import preview
from mtlbench.experiments.schedule import OutOfTime
from mtlbench.files import replacing
from mtlbench.notebook.progress import progress
from mtlbench.records import Record, RecordStore
from mtlbench.scaffold.project import RESULTS
from mtlbench.training.checkpoint import usable

MEASURED, PACE = "measured.json", "pace.json"
FIRST_GUESS = 20
"""Trainings, at the least, of an answer: so much longer is a budget than the part of a training that it could not
hold."""


@dataclass(frozen=True)
class Lab:
    """Where cells are trained, and of what."""

    keys: dict[str, Any]
    """Of every study."""
    baseline: str
    catalogue: Catalogue
    splits: Splits
    folder: Path
    """Of the advice; results are in a folder in it."""
    budget: Budget
    quiet: bool = False

    def study(self, weightings: Sequence[str], trials: int, seeds: int) -> Study:
        """The study of these weightings."""
        return Study.load(flags={**self.keys, "weightings": list(weightings), "trials": trials, "seeds": seeds})

    def plan(self, weightings: Sequence[str], trials: int, seeds: int) -> CellPlan:
        """Its cells. Tuned methods have no rows at their defaults, but for the baseline."""
        plan = self.study(weightings, trials, seeds).resolve(self.catalogue)
        return replace(plan, tuned=plan.tuned and replace(plan.tuned, defaults=False))

    def measure(self) -> Measured:
        """Train the first cell of constant weights, where that is not done, and look at its network.

        Raises:
            UsageError: it takes longer than the budget, or has no result.
        """
        plan = replace(self.plan([self.baseline], 0, 1), keep_checkpoints=True)
        job = next(job for job in expand(plan, self.catalogue) if job.cell.weighting.name == self.baseline)
        found = saved(self.folder / MEASURED, job.cell.id)
        if found is not None:
            self.budget.charge(found.looking)
            return found
        store = RecordStore(plan.settings.out)
        lost = store.get(job.cell.stem) is not None and not usable(job.checkpoint)
        self._train_first(plan, "always" if lost else "never")
        record = store.read(job.cell.stem)
        _require_scores(record, store)
        found = measured(job.cell, record, self.catalogue, self.splits, job.checkpoint)
        save(found, self.folder / MEASURED)
        job.checkpoint.unlink(missing_ok=True)
        return found

    def _train_first(self, plan: CellPlan, overwrite: runner.Overwrite) -> None:
        """In this process, and stopped in the middle where the budget ends."""
        with progress(self.quiet) as listener:
            try:
                runner.run(plan, overwrite=overwrite, listener=_until(self.budget, listener), where=HERE)
            except OutOfTime:
                self.folder.mkdir(parents=True, exist_ok=True)
                seconds = self.budget.seconds
                raise UsageError(
                    f"one training takes longer than {seconds / 60:g} min, and an answer takes a dozen at the least; "
                    f"the same command with --minutes {FIRST_GUESS * whole_minutes(seconds)} goes on from what "
                    f"{self.folder} keeps; or give fewer rows"
                ) from None

    def pace(self, first: Plan, cell: str) -> tuple[Pace, float] | None:
        """Train the smallest plan, where that is not done; how long its cells took, and what was spent until then.

        Later calls give the same, so that what they plan is the same too. ``None``: there was no time for all of it.

        Args:
            first: the smallest plan.
            cell: the id of the cell that was measured; the pace of another log or backbone is not taken.
        """
        path = self.folder / PACE
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads(path.read_bytes())
            if known["cell"] == cell:
                return Pace(float(known["seconds"]), float(known["start"])), float(known["spent"])
        before, width = self.budget.spent, first.pace.jobs
        if not self.try_all(first):
            return None
        records = RecordStore(self.folder / RESULTS).read_all()
        seconds = fmean(record.spent("seconds") for record in records if record.weighting.name == self.baseline)
        trained = first.cells - 1  # one was measured before
        rest = self.budget.spent - before - math.ceil(trained / width) * seconds
        start = rest / (len(first.rivals) + 1) if width > 1 and rest > 0 else first.pace.start
        found, spent = Pace(seconds, start), self.budget.spent
        with replacing(path) as file:
            content = {"cell": cell, "seconds": seconds, "start": start, "spent": spent}
            file.write(json.dumps(content, indent=2).encode())
        return found, spent

    def try_all(self, plan: Plan) -> bool:
        """Train what ``plan`` says, the baseline first, then one weighting after the other, as time allows.

        A weighting whose cells would not end in time is not begun, by what those before it took.

        Returns:
            Whether there was time for all of it.
        """
        names, slower, complete = [self.baseline], 1.0, True
        for rival in (None, *plan.rivals):
            wanted = names if rival is None else [*names, rival.name]
            cells = self.plan(wanted, plan.trials, plan.seeds)
            need, before = plan.step_seconds(rival), self.budget.spent
            late = need * slower > self.budget.left and not self._begun(cells)
            if not late and self._ran(cells, plan.pace.jobs):
                names, slower = wanted, max(1.0, (self.budget.spent - before) / need) if need else slower
            elif rival is None:
                return False
            else:
                complete = False
        return complete

    def _begun(self, cells: CellPlan) -> bool:
        """Whether all that is known to be trained has its record, as after an earlier run."""
        return all(cell.recorded for cell in preview(cells, self.catalogue).cells)

    def _ran(self, cells: CellPlan, jobs: int) -> bool:
        """Run ``cells``; whether there was time for all of them."""
        with progress(self.quiet) as listener:
            try:
                runner.run(cells, listener=listener, where=Where(jobs), over=self.budget.over)
            except OutOfTime:
                return False
        return True


def _until(budget: Budget, listener: Listen) -> Callable[[Event], None]:
    """A listener that ends the run, in the middle of a cell, when the budget is over."""

    def heard(event: Event) -> None:
        listener(event)
        if budget.over():
            raise OutOfTime

    return heard


def _require_scores(record: Record, store: RecordStore) -> None:
    if record.status != "done":
        reason = record.failure.reason if record.failure else record.status
        raise UsageError(
            f"{record.method}, the first training, has no result: {reason}; its record is in {store.folder}"
        )
