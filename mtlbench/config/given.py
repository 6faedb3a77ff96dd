"""What is given from Python, where anything may stand in the place of a path or a word."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from mtlbench.errors import UsageError, did_you_mean
from mtlbench.text import shown


def path_of(name: str, given: Any, expected: str = "a path") -> Path:
    """``given``, the argument ``name``, as a path.

    Args:
        name: of the argument.
        given: what stands there.
        expected: what should, for the message.

    Raises:
        UsageError: it is none, or the system has no such paths.
    """
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{name} = {shown(given)}: give {expected}")
    path = os.fspath(given)
    if not isinstance(path, str) or (reason := why_no_path(path)):
        reason = reason if isinstance(path, str) else "it is bytes"
        raise UsageError(f"{name} = {shown(given)} cannot be a path: {reason}; give {expected}")
    return Path(path)


def why_no_path(path: str | Path) -> str:
    """Why the system can have no such path, or cannot look at it; empty where it may be one."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:  # a null, or half of a character
        return str(error)
    return ""


def paths_of(name: str, given: Any, expected: str = "a path") -> list[Path]:
    """``given``, one path or several, as paths.

    Raises:
        UsageError: something in it is none.
    """
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | os.PathLike)
    return [path_of(name, one, expected) for one in items_of(given)] if several else [path_of(name, given, expected)]


def items_of(given: Any) -> list[Any]:
    """What is in ``given``, where it has items; a text is one."""
    try:
        return [given] if isinstance(given, str | bytes | type) else list(given)
    except TypeError:
        return [given]


def text_of(name: str, given: Any, example: str) -> str:
    """``given`` as a text.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(given, str):
        raise UsageError(f"{name} = {shown(given)}: give a text, such as {example}")
    return given


def word_of(name: str, given: Any, known: Collection[str]) -> str:
    """``given`` as one of the ``known`` words.

    Raises:
        UsageError: it is none of them.
    """
    if not isinstance(given, str) or given not in known:
        hint = did_you_mean(given if isinstance(given, str) else "", [*known])
        raise UsageError(f"unknown {name} {shown(given)}: {hint}")
    return given
