"""A rule of the kit: one fact that every plugin of a kind must obey, and the message where a plugin does not."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc, getsourcefile
from pathlib import Path
from typing import NoReturn

from mtlbench.conformance.plugin_under_test import PluginUnderTest

Check = Callable[[PluginUnderTest], None]


class BrokenRuleError(AssertionError):
    """A plugin broke a rule; the message names the rule, what was seen and the remedy."""


class NotApplicableError(Exception):
    """A rule has no meaning for a plugin; the message is the reason, often the plugin's own."""


class _SeenError(Exception):
    def __init__(self, seen: str, remedy: str) -> None:
        super().__init__(seen)
        self.seen, self.remedy = seen, remedy


def broken(seen: str, remedy: str) -> NoReturn:
    """Called inside a rule: the plugin breaks it.

    Args:
        seen: the value that was seen and what was expected.
        remedy: what the author of the plugin can do.
    """
    raise _SeenError(seen, remedy)


@dataclass(frozen=True)
class Rule:
    """One fact that every plugin of a kind must obey."""

    kind: str
    """``dataset``, ``backbone``, ``weighting`` or ``tracker``."""
    name: str
    statement: str
    """The fact, as one sentence."""
    _check: Check

    def check(self, plugin: PluginUnderTest) -> None:
        """Hold the plugin against the rule.

        Raises:
            BrokenRuleError: it breaks the rule, or raised an error where it must not.
            NotApplicableError: the rule has no meaning for it.
        """
        try:
            self._check(plugin)
        except _SeenError as found:
            raise BrokenRuleError(self._message(found.seen, found.remedy)) from None
        except (NotApplicableError, KeyboardInterrupt):
            raise
        except Exception as error:
            where = _place_in(plugin, error)
            seen = f"{in_one_line(error)} ({where})"
            raise BrokenRuleError(self._message(seen, "let the plugin handle this case without an error")) from error

    def _message(self, seen: str, remedy: str) -> str:
        return f"rule {self.name}: {self.statement}\n  seen:   {seen}\n  remedy: {remedy}"


RULES: dict[str, dict[str, Rule]] = {"dataset": {}, "backbone": {}, "weighting": {}, "tracker": {}}
"""All rules by kind and name, in the order of checking."""


def rule(*kinds: str) -> Callable[[Check], Check]:
    """Register a function as a rule for plugins of ``kinds``: its name is the rule's, its docstring the statement."""

    def register(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        statement = " ".join(cleandoc(check.__doc__ or "").partition("\n\n")[0].split())
        for kind in kinds:
            RULES[kind][name] = Rule(kind, name, statement, check)
        return check

    return register


def in_one_line(error: BaseException) -> str:
    """The error's type and the first line of its message."""
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _place_in(plugin: PluginUnderTest, error: BaseException) -> str:
    """The innermost line of the plugin's own file in the traceback, else the innermost line of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = getsourcefile(plugin.cls)
    frame = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
    return f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}: {frame.line}"
