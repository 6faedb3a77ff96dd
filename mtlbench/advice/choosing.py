"""Which weightings are tried, by what plugins declare and what was measured on the log: none is known by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mtlbench.api import Schema, Trouble, Weighting
from mtlbench.config.parameters import public_fields
from mtlbench.config.space import declared
from mtlbench.config.specs import Resolved
from mtlbench.discovery.families import family_of
from mtlbench.errors import UsageError
from mtlbench.experiments.applicability import Applicability
from mtlbench.leaderboards.boards.columns import in_words
from mtlbench.training import TASK_GRADIENTS

DEAR = frozenset({"critics"})
"""Needs that make a training many times longer, which a budget of minutes has no room for."""
FAMILIES = ("From losses", "From gradients", "Per sample")
"""Those that train once, the cheapest first."""
FOUND_BY_TRIALS = "constant weights other than one, which trials find"


@dataclass(frozen=True)
class Choice:
    """A weighting to try."""

    name: str
    why: str
    cost: float
    """Of a training, in trainings under constant weights, as far as the method's needs tell."""
    own_start: bool = False
    """Whether it is constant weights that are found by trials, so that it is tried only where there are some."""


def baseline_of(weightings: Iterable[type[Weighting]]) -> str:
    """The weighting that the others are measured against.

    Raises:
        UsageError: none is installed, or several are.
    """
    names = [cls.name for cls in weightings if cls.baseline]
    if len(names) != 1:
        raise UsageError(
            f"one weighting must declare itself the baseline, and {len(names)} do; see `mtlbench list weightings`"
        )
    return names[0]


def choose(
    weightings: Iterable[Resolved], backbone: Resolved, schema: Schema, shown: Mapping[Trouble, str]
) -> list[Choice]:
    """The weightings to try, the first ones first.

    Of each family it is a method that says it repairs what the log shows: the one that is shown to gain on most boards
    and studies, less those on which it is shown to lose; then the one that repairs most of the troubles shown; then the
    simplest: one that repairs the fewest other troubles, then the cheapest, then the one with the fewest settings of
    its own, which few trials can tune. Where the log shows no trouble, a single method is tried, the one that is shown
    to gain most often. The tuned baseline stands in the second place.
    """
    asked = Applicability()
    fit = [one for one in weightings if _fits(one, backbone, schema, asked)]
    able = [one for one in fit if family_of(one.entry.cls) in FAMILIES and _made_for(one, shown)]
    groups = [[one for one in able if family_of(one.entry.cls) == family] for family in FAMILIES] if shown else [able]
    chosen: list[Choice] = []
    for best in (min(group, key=lambda one: _order(one, shown, schema)) for group in groups if group):
        why = [shown[trouble] for trouble in shown if trouble in best.entry.cls.repairs]
        reasons = [f"made for this: {'; '.join(why)}" if why else "the log shows no trouble", *_evidence(best)]
        chosen.append(_choice(best, "; ".join(reasons), schema))
    chosen[1:1] = [
        _choice(one, "; ".join([FOUND_BY_TRIALS, *_evidence(one)]), schema, own_start=True)
        for one in fit
        if one.entry.cls.tuned_baseline
    ]
    return chosen


def cost_of(cls: type[Weighting], tasks: int) -> float:
    """What a training costs in trainings under constant weights, by what the method reads."""
    cost = 1.0
    if cls.needs & TASK_GRADIENTS:
        passes = (3 if "cross gram" in cls.needs else 1) * tasks
        cost = (1 + passes) / 2  # one forward pass as before, and the backward passes of each task
    if "look-ahead" in cls.needs:
        cost += 5 / 2  # three forward and two backward passes
    if "post-step losses" in cls.needs:
        cost += 1 / 3
    return cost * 1.5 if "parameters" in cls.needs else cost


def _choice(one: Resolved, why: str, schema: Schema, own_start: bool = False) -> Choice:
    return Choice(one.entry.name, why, cost_of(one.entry.cls, len(schema.tasks)), own_start)


def _fits(one: Resolved, backbone: Resolved, schema: Schema, asked: Applicability) -> bool:
    cls: type[Weighting] = one.entry.cls
    if cls.baseline or cls.needs_parameters or cls.needs & DEAR or cls.coincides_with or not cls.equivariant:
        return False
    return asked.remark(schema, backbone, one) is None


def _made_for(one: Resolved, shown: Mapping[Trouble, str]) -> bool:
    repairs = one.entry.cls.repairs
    return bool(repairs & shown.keys() if shown else repairs)


def _evidence(one: Resolved) -> list[str]:
    cls: type[Weighting] = one.entry.cls
    told = (("gain", cls.shown_on), ("lose", cls.harmed_on))
    return [f"shown to {how} in {in_words(sorted(where))}" for how, where in told if where]


def _order(one: Resolved, shown: Mapping[Trouble, str], schema: Schema) -> tuple[int, int, int, float, int, str]:
    cls: type[Weighting] = one.entry.cls
    settings = sum(declared(info) is not None for info in public_fields(cls.Params).values())
    return (
        len(cls.harmed_on) - len(cls.shown_on),
        -len(cls.repairs & shown.keys()),
        len(cls.repairs - shown.keys()),
        cost_of(cls, len(schema.tasks)),
        settings,
        cls.name,
    )
