"""Which weighting a loop of one's own asks for, and why some cannot weigh there."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from numbers import Real
from typing import Any

import torch

from mtlbench.api import Backbone, Schema, Task, Weighting
from mtlbench.config.given import items_of
from mtlbench.config.parameters import public_fields
from mtlbench.config.specs import Resolved, resolve, resolve_texts
from mtlbench.discovery import Catalogue, Entry, discover
from mtlbench.errors import UsageError
from mtlbench.experiments.applicability import other_kind
from mtlbench.tasks.registry import task_kind
from mtlbench.text import shown

LEARNING_RATE = "learning_rate"
KIND = "weighting"


def tasks_of(tasks: int | Sequence[str], kinds: str | Sequence[str]) -> tuple[Task, ...]:
    """The tasks, ``task1``, ``task2``, ... where only their number is given.

    Raises:
        UsageError: there is none, a name stands twice, or a kind is unknown.
    """
    names = [f"task{k + 1}" for k in range(tasks)] if type(tasks) is int else []
    if isinstance(tasks, Iterable) and not isinstance(tasks, str):
        names = items_of(tasks)
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(f"tasks = {shown(tasks)}: give the number of tasks, at least 1, or a list of their names")
    if len(set(names)) < len(names):
        raise UsageError(f"tasks = {names!r}: a name stands twice; give each task a name of its own")
    of_each = [kinds] * len(names) if isinstance(kinds, str) else items_of(kinds)
    if len(of_each) != len(names) or not all(isinstance(kind, str) for kind in of_each):
        raise UsageError(f"kinds = {shown(kinds)}: give one kind for all {len(names)} tasks, or one each")
    for kind in of_each:
        task_kind(kind)
    return tuple(map(Task, names, of_each))


def device_of(given: torch.device | str) -> torch.device:
    """The device with its index.

    Raises:
        UsageError: this torch or this machine has none such.
    """
    try:
        return torch.empty(0, device=given).device
    except (RuntimeError, AssertionError, TypeError) as error:
        raise UsageError(f"device = {shown(given)} is not to be had: {error}; give the device of the losses") from error


def weighting_of(
    given: str | type[Weighting] | Weighting, params: Mapping[str, Any], learning_rate: float | None
) -> tuple[Weighting, float | None]:
    """The weighting, and the learning rate that is the network's.

    Args:
        given: a spec such as ``"cagrad[c=0.4]"``, a class, or an instance.
        params: more parameters, by their public names.
        learning_rate: a parameter of the method, if it has one of this name.

    Raises:
        UsageError: there is no such method or parameter, or a value is invalid.
    """
    if learning_rate is not None and not (isinstance(learning_rate, Real) and 0 < learning_rate < inf):
        raise UsageError(f"learning_rate = {shown(learning_rate)}: give a number greater than 0")
    if isinstance(given, Weighting):
        if params:
            raise UsageError(f"{', '.join(params)}: the weighting has its parameters already; make it with these")
        return given, learning_rate
    if isinstance(given, str):
        catalogue = discover(())
        chosen = _chosen(catalogue, given)
        stated = chosen.params.model_dump(mode="json", by_alias=True)
        name, set_there = chosen.entry.name, {key: stated[key] for key in chosen.given}
    elif not (isinstance(given, type) and issubclass(given, Weighting)):
        raise UsageError(
            f"{shown(given)} is no weighting: give a spec such as 'mgda', a class or an instance of api.Weighting"
        )
    else:
        name, set_there = given.name, {}
        catalogue = Catalogue().including([Entry(given, KIND, "a class of yours")])
    if twice := set_there.keys() & params.keys():
        raise UsageError(f"{given!r} and a keyword both set {', '.join(sorted(twice))}; leave one out")
    own = {**set_there, **params}
    if learning_rate is not None and LEARNING_RATE in public_fields(catalogue.get(KIND, name).cls.Params):
        own, learning_rate = {LEARNING_RATE: learning_rate, **own}, None
    weighting: Weighting = resolve(catalogue, KIND, name, own, "quick").create()
    return weighting, learning_rate


def check(weighting: Weighting, tasks: tuple[Task, ...]) -> None:
    """Refuse a method that cannot weigh these tasks in a loop of one's own.

    Raises:
        UsageError: with the reason, and what to do.
    """
    schema = Schema((), (), tasks, sessions=False, users=False)
    own: type[Backbone] = Backbone  # type: ignore[type-abstract]  # stands for the loop's network
    reason = weighting.needs_harness() or other_kind(type(weighting), schema)
    if reason is None and "critics" not in weighting.needs:  # critics are trained by now, and need no sessions
        reason = weighting.applicable(schema, own)
    if reason is not None:
        raise UsageError(f"{weighting.name} cannot weigh here: {reason}")


def _chosen(catalogue: Catalogue, text: str) -> Resolved:
    found = resolve_texts(catalogue, KIND, [text], "quick")
    if len(found) != 1:
        raise UsageError(f"{text!r} names {len(found)} weightings; a weigher has one")
    return found[0]
