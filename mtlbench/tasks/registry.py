"""Task kinds by name."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from mtlbench import tasks
from mtlbench.errors import UsageError, did_you_mean
from mtlbench.tasks.kind import TaskKind
from mtlbench.tasks.metrics.metric import Metric


@cache
def kinds() -> Mapping[str, type[TaskKind]]:
    """Every kind that a file of this room defines, by name."""
    found: dict[str, type[TaskKind]] = {}
    for info in pkgutil.iter_modules(tasks.__path__):
        module = importlib.import_module(f"{tasks.__name__}.{info.name}")
        for value in vars(module).values():
            own = inspect.isclass(value) and issubclass(value, TaskKind) and value.__module__ == module.__name__
            if own and not inspect.isabstract(value):
                found[value.name] = value
    return MappingProxyType(found)


def task_kind(name: str, params: Mapping[str, Any] = MappingProxyType({})) -> TaskKind:
    """The kind ``name`` with ``params``, such as ``task_kind("real", {"loss": "huber"})``.

    Raises:
        UsageError: there is no such kind or parameter, or a value is out of range.
    """
    known = kinds()
    if name not in known:
        raise UsageError(f"unknown task kind {name!r}: {did_you_mean(name, list(known))}")
    kind = known[name]
    fields = list(kind.model_fields)
    for key in params:
        if key not in fields:
            raise UsageError(f"task kind {name}: unknown parameter {key!r}: {did_you_mean(key, fields)}")
    try:
        return kind.model_validate(dict(params))
    except ValidationError as error:
        reasons = "; ".join(_complaint(dict(detail)) for detail in error.errors(include_url=False))
        raise UsageError(f"task kind {name}: {reasons}") from error


def kinds_of(metric: Metric) -> tuple[str, ...]:
    """Names of the kinds that ``metric`` scores."""
    return tuple(name for name, kind in kinds().items() if metric in kind.metrics)


def _complaint(detail: Mapping[str, Any]) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{detail['loc'][0]} = {detail['input']!r}: {message}" if detail["loc"] else message
