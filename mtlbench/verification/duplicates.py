"""Cells that should differ and do not: the same learning curve and the same scores, to the last bit."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

from mtlbench.leaderboards.boards.naming import canonical, key_of
from mtlbench.records import Record
from mtlbench.verification.findings import Finding, cell_name
from mtlbench.verification.folders import Stored

Coinciding = Mapping[str, Collection[str]]
"""Weighting -> those that it repeats by construction."""

FIRST_EPOCHS = 2
"""Epochs in which a method may not have begun: ``dwa`` needs the losses of two."""


def duplicates(stored: Sequence[Stored], coinciding: Coinciding) -> tuple[list[Finding], list[Finding]]:
    """Findings and notes about cells whose trajectories are equal.

    Two weightings that say that they coincide are expected to be equal, and so is the costliest method of a study with
    matched budgets to itself under early stopping, for nothing of its budget is left; so is a method to itself under
    another objective that chose the same epoch. Two cells of one dataset that
    differ by changed parameters may be equal too, for a parameter can make one method another (``rmtl[lambda=0]``): a
    note, as are two of the first epochs alone under weights of one, and two on a single task, which leaves most
    weightings nothing to weigh. All else is a finding: a method that is another one
    under a new name, a seed that is ignored, a record copied to another cell.
    """
    found: list[Finding] = []
    notes: list[Finding] = []
    groups: dict[str, list[Stored]] = defaultdict(list)
    for one in stored:
        if one.record.status == "done" and one.record.curve:
            groups[_trajectory(one.record)].append(one)
    for group in groups.values():
        for one, other in combinations(group, 2):
            a, b = one.record, other.record
            if a.seed == b.seed and (_declared(a, b, coinciding) or _choice_aside(a) == _choice_aside(b)):
                continue
            text = f"its learning curve and scores are those of {cell_name(b)}, to the last bit"
            if a.seed == b.seed and _unchanged(a) and _unchanged(b):
                why = f"{text}; in {FIRST_EPOCHS} epochs or fewer neither changed a weight"
                notes.append(Finding("duplicate", why, one.path, a))
            elif a.seed == b.seed and (_changed(a) or _changed(b)):
                notes.append(Finding("duplicate", f"{text}; their parameters may make them one method", one.path, a))
            elif a.seed == b.seed and len(a.dataset.tasks) == 1:
                why = f"{text}; on a single task weightings may be one method"
                notes.append(Finding("duplicate", why, one.path, a))
            else:
                remedy = "run both again; where a method repeats another by construction, it declares `coincides_with`"
                found.append(Finding("duplicate", f"{text}; {remedy}", one.path, a))
    return found, notes


def _trajectory(record: Record) -> str:
    """Losses and scores of every epoch, and the final scores; the names of stages aside."""
    curve = [[point.train_loss, point.validation] for point in record.curve]
    return canonical([record.dataset.fingerprint, curve, record.metrics])


def _declared(a: Record, b: Record, coinciding: Coinciding) -> bool:
    one, other = a.weighting.name, b.weighting.name
    return key_of(a.backbone) == key_of(b.backbone) and (
        other in coinciding.get(one, ()) or one in coinciding.get(other, ())
    )


def _choice_aside(record: Record) -> str:
    """What was run, but for the budget and for what chooses epochs."""
    aside = ("budget", "allowance", "objective", "validate_every")
    training = {name: value for name, value in record.training.items() if name not in aside}
    return canonical([key_of(record.backbone, record.weighting), training])


def _changed(record: Record) -> bool:
    return bool(record.weighting.changed or record.backbone.changed)


def _unchanged(record: Record) -> bool:
    """Whether the cell ended while all its weights were one."""
    weights = [weight for point in record.curve for weight in (point.weights or {}).values()]
    return (
        len(record.curve) <= FIRST_EPOCHS
        and bool(weights)
        and all(weight["min"] == weight["max"] == 1 for weight in weights)
    )
