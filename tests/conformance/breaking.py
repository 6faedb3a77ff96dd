"""Plugins that each break one rule, by the name of the rule."""

from collections.abc import Callable
from typing import TypeVar

Sound = TypeVar("Sound", bound=type)


def registry(sound: Sound) -> tuple[dict[str, Sound], Callable[[str], Callable[[Sound], Sound]]]:
    """What is broken, rule by rule, and the decorator that puts a class there; its docstring is that of ``sound``."""
    broken: dict[str, Sound] = {}

    def breaks(rule: str) -> Callable[[Sound], Sound]:
        def register(cls: Sound) -> Sound:
            cls.name, cls.label = f"breaks-{rule}", f"Breaks {rule}"
            cls.__doc__ = cls.__doc__ or sound.__doc__
            broken[rule] = cls
            return cls

        return register

    return broken, breaks
