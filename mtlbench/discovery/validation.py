"""What a class must have to be a plugin."""

import inspect
import re
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from mtlbench.api import Backbone, Dataset, Params, Tracker, Weighting

BASES: dict[str, type[Any]] = {"dataset": Dataset, "backbone": Backbone, "weighting": Weighting, "tracker": Tracker}
NAME = r"[a-z0-9][a-z0-9-]*"


def classes_in(module: ModuleType, kind: str) -> list[type[Any]]:
    """The public classes that ``module`` itself defines and that derive from the base of ``kind``, abstract or not."""
    base = BASES[kind]
    return [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def missing_methods(cls: type[Any]) -> str:
    """The abstract methods that ``cls`` leaves open, as text; empty for a concrete class."""
    return ", ".join(sorted(cls.__abstractmethods__)) if inspect.isabstract(cls) else ""


def flaw(kind: str, cls: Any) -> str | None:
    """Why ``cls`` cannot be a plugin of ``kind``, or ``None``."""
    base = BASES[kind]
    if not (isinstance(cls, type) and issubclass(cls, base)):
        return f"{cls!r} is not a subclass of mtlbench.api.{base.__name__}"
    open_methods = missing_methods(cls)
    if open_methods:
        return f"{cls.__name__} is abstract; define {open_methods}"
    name, label = getattr(cls, "name", None), getattr(cls, "label", None)
    if not (isinstance(name, str) and re.fullmatch(NAME, name)):
        return f"{cls.__name__}.name is {name!r}; it must be lower-case letters, digits and hyphens"
    if not (isinstance(label, str) and label.strip()):
        return f"{cls.__name__}.label is {label!r}; it must be the name shown in leaderboards"
    return _params_flaw(cls)


def _params_flaw(cls: Any) -> str | None:
    if not (isinstance(cls.Params, type) and issubclass(cls.Params, Params)):
        return f"{cls.__name__}.Params is {cls.Params!r}; it must be a subclass of mtlbench.api.Params"
    try:
        cls.Params().model_dump(mode="json", by_alias=True)
    except ValidationError as error:
        fields = ", ".join(sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]}))
        return f"{cls.__name__}.Params has no valid default for {fields or 'its fields'}; every parameter needs one"
    except Exception as error:
        return f"{cls.__name__}.Params cannot be written as JSON: {error}"
    return None
