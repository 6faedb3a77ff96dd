"""A case is one rule for one plugin: what pytest runs."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import RULES, NotApplicableError, Rule
from mtlbench.discovery import Catalogue, Entry, discover
from mtlbench.discovery.validation import BASES, classes_in, flaw, missing_methods


@dataclass(frozen=True)
class Case:
    """One rule for one plugin. ``str(case)`` is its name, such as ``pcgrad-deterministic``."""

    rule: Rule
    plugin: PluginUnderTest

    def __str__(self) -> str:
        return f"{self.plugin.entry.name}-{self.rule.name}"

    def check(self) -> None:
        """Check the rule, inside a test of pytest.

        Raises:
            BrokenRuleError: the plugin breaks the rule.
            pytest.skip.Exception: the rule has no meaning for the plugin; the reason is often the plugin's own.
        """
        import pytest

        try:
            self.rule.check(self.plugin)
        except NotApplicableError as reason:
            pytest.skip(str(reason))


def cases(*plugins: type[Any] | ModuleType, data_dir: str | Path | None = None) -> list[Case]:
    """All rules for the given plugins, to parametrise a test::

        @pytest.mark.parametrize("case", cases(my_weighting), ids=str)
        def test_conforms(case):
            case.check()

    Args:
        plugins: subclasses of :class:`mtlbench.api.Weighting`, ``Backbone``, ``Dataset`` or ``Tracker``, installed or
            not, or modules that define some.
        data_dir: where datasets find their files; default: the environment variable ``MTLBENCH_DATA``, or ``data``.

    Raises:
        TypeError: something is no plugin and defines none.
    """
    entries = []
    for cls in [cls for plugin in plugins for cls in _classes(plugin)]:
        kind = next((kind for kind, base in BASES.items() if isinstance(cls, type) and issubclass(cls, base)), None)
        reason = f"{cls!r} is no subclass of a plugin interface" if kind is None else flaw(kind, cls)
        if kind is None or reason is not None:
            raise TypeError(reason)
        entries.append(Entry(cls, kind, cls.__module__))
    return cases_of(entries, discover().including(entries), Path(data_dir or os.environ.get("MTLBENCH_DATA", "data")))


def _classes(plugin: type[Any] | ModuleType) -> list[type[Any]]:
    if not isinstance(plugin, ModuleType):
        return [plugin]
    found = [cls for kind in BASES for cls in classes_in(plugin, kind) if not missing_methods(cls)]
    if not found:
        raise TypeError(f"the module {plugin.__name__} defines no plugin")
    return found


def cases_of(entries: Iterable[Entry], catalogue: Catalogue, data_dir: Path) -> list[Case]:
    """All rules for each of ``entries``, in order."""
    return [
        Case(rule, PluginUnderTest(entry, catalogue, data_dir))
        for entry in entries
        for rule in RULES[entry.kind].values()
    ]
