"""Which backbone and which weighting make a pair on a dataset, and why others make none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mtlbench.api import Backbone, Field, Schema, Task, Weighting, funnel
from mtlbench.config.specs import Resolved, resolve
from mtlbench.discovery import Catalogue
from mtlbench.errors import said_of
from mtlbench.training import (
    TASK_GRADIENTS,
    has_shared_parameters,
    no_representation,
    no_shared_parameters,
    why_unrepresented,
)

_FUNNEL = Schema(
    (Field("user", 10), Field("item", 10)),
    ("price",),
    funnel("click", "conversion"),
    sessions=True,
    user_inputs=("user",),
)

KINDS_OF_DATASET: Mapping[str, Schema] = {
    "funnel": _FUNNEL,
    "no-sessions": replace(_FUNNEL, sessions=False),
    "parallel": replace(_FUNNEL, tasks=(Task("click"), Task("conversion"))),
    "mixed": replace(
        _FUNNEL,
        tasks=(Task("click"), Task("watch_time", "nonnegative", after="click", within=True), Task("rating", "real")),
    ),
    "one-task": replace(_FUNNEL, tasks=(Task("click"),)),
}
"""A schema that has everything, and others: each lacks one thing, or has tasks of other kinds."""


class Applicability:
    """Says why combinations make no sense; builds a backbone once to see whether its tasks share parameters."""

    def __init__(self) -> None:
        self._sharing: dict[tuple[Schema, str], bool] = {}
        self._faults: dict[tuple[Schema, str], str | None] = {}

    def reason(self, schema: Schema, backbone: Resolved, weighting: Weighting) -> str | None:
        """``None`` when the combination makes sense, else the reason why not, as one sentence."""
        cls: type[Backbone] = backbone.entry.cls
        reason = senseless(schema, cls, type(weighting)) or _refusal(weighting, schema, cls)
        if reason is not None or not weighting.needs & TASK_GRADIENTS:
            return reason
        key = schema, backbone.spec.canonical
        if key not in self._sharing:
            self._sharing[key] = has_shared_parameters(cls, backbone.params, schema)
        if not self._sharing[key]:
            return no_shared_parameters(weighting.label, cls.label, len(schema.tasks))
        if weighting.at == "parameters":
            return None
        if key not in self._faults:
            self._faults[key] = why_unrepresented(cls, backbone.params, schema)
        fault = self._faults[key]
        return None if fault is None else no_representation(weighting.label, cls.label, fault)

    def remark(self, schema: Schema, backbone: Resolved, weighting: Resolved) -> str | None:
        """:meth:`reason`, or what went wrong when the plugins were asked: no error of one pair ends a list of all."""
        try:
            return self.reason(schema, backbone, weighting.create())
        except MemoryError:
            raise
        except Exception as error:
            return said_of(error)


def _refusal(weighting: Weighting, schema: Schema, backbone: type[Backbone]) -> str | None:
    """The weighting's reason, or the remedy where sessions are all that is missing and the log can have some."""
    reason = weighting.applicable(schema, backbone)
    curable = reason is not None and not schema.sessions and schema.timestamps and schema.users
    if curable and weighting.applicable(replace(schema, sessions=True), backbone) is None:
        rule = 'session_rule = "user-gap30m"'
        return (
            f"{weighting.label} needs sessions, and a session rule is missing: with users and times, {rule} makes some"
        )
    return reason


def senseless(schema: Schema, backbone: type[Backbone], weighting: type[Weighting]) -> str | None:
    """Why the two make no pair on a dataset of ``schema``, whatever their parameters are."""
    return other_kind(backbone, schema) or other_kind(weighting, schema) or backbone.applicable(schema)


def other_kind(plugin: type[Backbone] | type[Weighting], schema: Schema) -> str | None:
    """That a task is of a kind that ``plugin`` does not take."""
    for task in schema.tasks:
        if plugin.task_kinds is not None and task.kind not in plugin.task_kinds:
            taken = " and ".join(sorted(plugin.task_kinds))
            return f"{plugin.label} takes {taken} tasks alone, and {task.name!r} is {task.kind}"
    return None


@dataclass(frozen=True)
class Combination:
    """A backbone and a weighting, at their defaults."""

    backbone: str
    weighting: str
    reason: str | None
    """Why they make no pair; ``None`` where they do."""


def matrix(catalogue: Catalogue, schema: Schema) -> list[Combination]:
    """Every pair of the catalogue on a dataset of ``schema``, by the names of weighting and backbone."""
    applicability = Applicability()
    backbones = [resolve(catalogue, "backbone", name, {}, "quick") for name in sorted(catalogue.backbones)]
    pairs = []
    for name in sorted(catalogue.weightings):
        weighting = resolve(catalogue, "weighting", name, {}, "quick")
        pairs += [Combination(one.entry.name, name, applicability.remark(schema, one, weighting)) for one in backbones]
    return pairs
