"""The catalogue: every plugin that was found, and what was found broken."""

from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any

from mtlbench.cells import PluginSpec
from mtlbench.errors import UsageError, did_you_mean

KINDS = ("dataset", "backbone", "weighting")


@dataclass(frozen=True)
class Entry:
    """One usable plugin."""

    cls: type[Any]
    kind: str
    origin: str
    """Where it comes from: module and distribution, or a file."""

    @property
    def name(self) -> str:
        """Name on the command line."""
        return str(self.cls.name)

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return cleandoc(self.cls.__doc__ or "").partition("\n")[0]


@dataclass(frozen=True)
class Broken:
    """Something that should have been a plugin."""

    name: str
    """The plugin's name as far as it is known: from its class, its file or its entry point."""
    kind: str | None
    """``None`` where it broke before it said which kind it is."""
    origin: str
    reason: str


@dataclass
class Catalogue:
    """Plugins by kind and name."""

    datasets: dict[str, Entry] = field(default_factory=dict)
    backbones: dict[str, Entry] = field(default_factory=dict)
    weightings: dict[str, Entry] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def of_kind(self, kind: str) -> dict[str, Entry]:
        """The plugins of one of ``KINDS``, by name."""
        return {"dataset": self.datasets, "backbone": self.backbones, "weighting": self.weightings}[kind]

    def get(self, kind: str, name: str) -> Entry:
        """The plugin called ``name``.

        Raises:
            UsageError: there is none, or it is broken.
        """
        known = self.of_kind(kind)
        if name in known:
            return known[name]
        for broken in self.broken:
            if broken.name == name and broken.kind in {kind, None}:
                raise UsageError(
                    f"the {kind} {name!r} is broken: {broken.origin}: {broken.reason}; repair it, or leave it out"
                )
        raise UsageError(f"unknown {kind} {name!r}: {did_you_mean(name, list(known))}")

    def create(self, kind: str, spec: PluginSpec, *arguments: object) -> Any:
        """Build the plugin of ``spec``; its constructor takes ``arguments``, then the parameters."""
        cls = self.get(kind, spec.name).cls
        return cls(*arguments, cls.Params.model_validate(dict(spec.params)))

    def add(self, entry: Entry) -> None:
        """Take in a plugin.

        Raises:
            UsageError: another plugin of its kind has its name.
        """
        present = self.of_kind(entry.kind).setdefault(entry.name, entry)
        if present.cls is not entry.cls:
            raise UsageError(
                f"two {entry.kind} plugins are called {entry.name!r}: {present.origin} and {entry.origin}; rename one "
                "or leave one out"
            )
