"""What ``list``, ``info`` and ``new`` know of each plugin: kept, so that they need not import the plugins."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from inspect import getdoc
from pathlib import Path
from typing import Any, TypeVar

from mtlbench.discovery import KINDS, Broken, Entry, cached, discover, named
from mtlbench.discovery.catalogue import BREAKS, reason_of
from mtlbench.discovery.families import family_of
from mtlbench.errors import UsageError, is_out_of_memory

Told = TypeVar("Told")


@dataclass(frozen=True)
class PluginInfo:
    """What is printed of a usable plugin."""

    kind: str
    name: str
    label: str
    summary: str
    description: str
    origin: str
    parameters: list[dict[str, str]] | None
    """``None`` where it failed to tell them, with the reason in ``failure``."""
    needs: list[str] | None
    """What must be there for it to run. ``None`` where it failed to tell."""
    failure: str
    searched: list[str]
    """What trials search, of its parameters and of the settings that all methods share; of a weighting alone."""
    family: str
    """How a weighting works, as of :mod:`mtlbench.discovery.families`; empty for other plugins, and where it failed."""

    def told(self, answer: Told | None) -> Told:
        """``answer``, which is the parameters or the needs.

        Raises:
            UsageError: the plugin failed to tell it.
        """
        if answer is None:
            raise UsageError(
                f"the {self.kind} {self.name!r} cannot be described: {self.origin}: {self.failure}; repair it, or "
                "leave it out"
            )
        return answer


@dataclass(frozen=True)
class PluginIndex:
    """All plugins, usable and broken."""

    plugins: list[PluginInfo]
    broken: list[Broken]

    def of_kind(self, kind: str) -> dict[str, PluginInfo]:
        """The usable plugins of ``kind``, by name."""
        return {plugin.name: plugin for plugin in self.plugins if plugin.kind == kind}

    def get(self, kind: str, name: str) -> PluginInfo:
        """The plugin called ``name``.

        Raises:
            UsageError: there is none, or it is broken.
        """
        return named(kind, name, self.of_kind(kind), self.broken)


def plugin_index(files: Sequence[Path]) -> PluginIndex:
    """What is known of the plugins of the installed packages and of ``files``."""

    def find() -> tuple[Any, bool]:
        catalogue = discover(files)
        plugins = [_describe(entry) for kind in KINDS for entry in catalogue.of_kind(kind).values()]
        lasting = not catalogue.broken and not any(plugin.failure for plugin in plugins)
        return asdict(PluginIndex(plugins, list(catalogue.broken))), lasting

    known = cached("plugins", files, find)
    return PluginIndex([PluginInfo(**one) for one in known["plugins"]], [Broken(**one) for one in known["broken"]])


def _describe(entry: Entry) -> PluginInfo:
    from mtlbench.config.parameters import parameter_rows

    parameters, needs, failure, searched, family = None, None, "", [], ""
    try:
        parameters = parameter_rows(entry.cls.Params)
        if entry.kind == "weighting":
            searched, family = list(_searched(entry)), family_of(entry.cls)
        needs = list(_needs(entry))
    except BREAKS as error:
        if is_out_of_memory(error):
            raise
        failure = reason_of(error)
    description = getdoc(entry.cls) or ""
    facts = entry.kind, entry.name, entry.cls.label, entry.summary, description, entry.origin
    return PluginInfo(*facts, parameters, needs, failure, searched, family)


def _searched(entry: Entry) -> Iterator[str]:
    from mtlbench.config.space import common_space, declared_by

    own = declared_by(entry.cls.Params)
    yield from [f"{name}: {found}" for name, found in own.items()] or ["no parameter of its own"]
    yield f"for every method: {', '.join(name.replace('_', ' ') for name in common_space('quick'))}"


def _needs(entry: Entry) -> Iterator[str]:
    """What must be there, found by asking the plugin itself."""
    if entry.kind == "dataset":
        if entry.cls.folder:
            yield f"raw files in DATA_DIR/{entry.cls.folder}"
        if entry.cls.package:
            yield f"the Python package {entry.cls.package}, which brings the raw files"
        return
    if entry.kind == "tracker":
        if entry.cls.package:
            yield f"the package {entry.cls.package}" + (f": {command}" if (command := entry.cls.missing()) else "")
        return
    if entry.kind == "weighting":
        start = entry.cls(entry.cls.Params()).warm_start()
        if start is not None:
            yield f"the checkpoint of {start.weighting}, which is trained first where it is missing"
    yield from _refusals(entry)


def _refusals(entry: Entry) -> Iterator[str]:
    """The reasons that the plugin gives for refusing datasets that lack one thing each."""
    from mtlbench.api import Backbone
    from mtlbench.experiments.applicability import KINDS_OF_DATASET, other_kind

    lacking = {
        "sessions": "no-sessions",
        "tasks that form a funnel": "parallel",
        "binary tasks": "mixed",
        "two tasks": "one-task",
    }
    known = set()
    for what, kind in lacking.items():
        schema = KINDS_OF_DATASET[kind]
        if entry.kind == "backbone":
            reason = other_kind(entry.cls, schema) or entry.cls.applicable(schema)
        else:
            reason = other_kind(entry.cls, schema) or entry.cls(entry.cls.Params()).applicable(schema, Backbone)
        if reason is not None and reason not in known:
            known.add(reason)
            yield f"{what}: {reason}"
