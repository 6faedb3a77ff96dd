"""What a rule of the kit is: one fact that every plugin of a kind must obey, and what is said where one does not."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc, getsourcefile
from pathlib import Path
from typing import NoReturn

from mtlbench.conformance.subject import Subject

Check = Callable[[Subject], None]


class BrokenRuleError(AssertionError):
    """A plugin broke a rule; the message names the rule, what was seen and the remedy."""


class NotApplicableError(Exception):
    """A rule has no meaning for a plugin; the message is the reason, often the plugin's own."""


class _SeenError(Exception):
    def __init__(self, seen: str, remedy: str) -> None:
        super().__init__(seen)
        self.seen, self.remedy = seen, remedy


def broken(seen: str, remedy: str) -> NoReturn:
    """Say from inside a rule that the plugin breaks it.

    Args:
        seen: the value that was seen and what was expected.
        remedy: what the author of the plugin can do.
    """
    raise _SeenError(seen, remedy)


@dataclass(frozen=True)
class Rule:
    """One fact that every plugin of a kind must obey."""

    kind: str
    """``dataset``, ``backbone`` or ``weighting``."""
    name: str
    statement: str
    """The fact, as one sentence."""
    _check: Check

    def check(self, subject: Subject) -> None:
        """Hold the plugin against the rule.

        Raises:
            BrokenRuleError: it breaks the rule, or raised an error where it must not.
            NotApplicableError: the rule has no meaning for it.
        """
        try:
            self._check(subject)
        except _SeenError as found:
            raise BrokenRuleError(self._message(found.seen, found.remedy)) from None
        except (NotApplicableError, KeyboardInterrupt):
            raise
        except Exception as error:
            where = _place_in(subject, error)
            seen = f"{told(error)} ({where})"
            raise BrokenRuleError(self._message(seen, "let the plugin handle this case without an error")) from error

    def _message(self, seen: str, remedy: str) -> str:
        return f"rule {self.name}: {self.statement}\n  seen:   {seen}\n  remedy: {remedy}"


RULES: dict[str, dict[str, Rule]] = {"dataset": {}, "backbone": {}, "weighting": {}}
"""All rules by kind and name, in the order in which they are checked."""


def rule(*kinds: str) -> Callable[[Check], Check]:
    """Make a function the rule of its name, its docstring the statement, for plugins of ``kinds``."""

    def register(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        statement = " ".join(cleandoc(check.__doc__ or "").partition("\n\n")[0].split())
        for kind in kinds:
            RULES[kind][name] = Rule(kind, name, statement, check)
        return check

    return register


def told(error: BaseException) -> str:
    """An error in one line."""
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _place_in(subject: Subject, error: BaseException) -> str:
    """The innermost line of the plugin's own file that ``error`` passed through, else the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = getsourcefile(subject.cls)
    frame = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
    return f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}: {frame.line}"
