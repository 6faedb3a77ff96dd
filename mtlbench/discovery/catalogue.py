"""The catalogue: every plugin that was found, and what was found broken."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any, Protocol, TypeVar

from mtlbench.cells import PluginSpec
from mtlbench.errors import UsageError, did_you_mean

KINDS = ("dataset", "backbone", "weighting", "tracker")

BREAKS = (Exception, SystemExit)
"""What the code of a plugin may raise without ending mtlbench: anything but an interrupt."""


class Labelled(Protocol):
    """What is known of a plugin."""

    @property
    def label(self) -> str:
        """Its name in leaderboards."""


Known = TypeVar("Known", bound=Labelled)


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
    def label(self) -> str:
        """Name in leaderboards."""
        return str(self.cls.label)

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


@dataclass(frozen=True)
class Catalogue:
    """Plugins by kind and name. All who ask for it share one, so nobody changes it."""

    datasets: Mapping[str, Entry] = field(default_factory=dict)
    backbones: Mapping[str, Entry] = field(default_factory=dict)
    weightings: Mapping[str, Entry] = field(default_factory=dict)
    trackers: Mapping[str, Entry] = field(default_factory=dict)
    broken: Sequence[Broken] = ()

    def of_kind(self, kind: str) -> Mapping[str, Entry]:
        """The plugins of one of ``KINDS``, by name."""
        return dict(zip(KINDS, (self.datasets, self.backbones, self.weightings, self.trackers), strict=True))[kind]

    def get(self, kind: str, name: str) -> Entry:
        """The plugin called ``name``.

        Raises:
            UsageError: there is none, or it is broken.
        """
        return named(kind, name, self.of_kind(kind), self.broken)

    def create(self, kind: str, spec: PluginSpec, *arguments: object) -> Any:
        """Build the plugin of ``spec``; its constructor takes ``arguments``, then the parameters."""
        cls = self.get(kind, spec.name).cls
        from mtlbench.api import recorded  # with the plugins' interface, which an answer from the cache does without

        return cls(*arguments, cls.Params.model_validate(recorded(cls.Params, spec.params)))

    def including(self, entries: Sequence[Entry]) -> "Catalogue":
        """This catalogue with ``entries``, each in place of the plugin of its name."""
        more = {kind: {entry.name: entry for entry in entries if entry.kind == kind} for kind in KINDS}
        datasets, backbones, weightings, trackers = ({**self.of_kind(kind), **more[kind]} for kind in KINDS)
        return Catalogue(datasets, backbones, weightings, trackers, self.broken)


def named(kind: str, name: str, known: Mapping[str, Known], broken: Iterable[Broken]) -> Known:
    """What is ``known`` of the plugin called ``name``.

    Raises:
        UsageError: there is no such plugin, or it is broken.
    """
    if name in known:
        return known[name]
    for one in broken:
        if one.name == name and one.kind in {kind, None}:
            raise UsageError(f"the {kind} {name!r} is broken: {one.origin}: {one.reason}; repair it, or leave it out")
    spelt = _plain(name)
    meant = next((other for other, one in known.items() if spelt in {_plain(other), _plain(one.label)}), name)
    raise UsageError(f"unknown {kind} {name!r}: {did_you_mean(meant, list(known))}")


def _plain(name: str) -> str:
    """Equal for spellings of one name: ``Nash-MTL``, ``nash_mtl``."""
    return "".join(filter(str.isalnum, name.casefold()))


def reason_of(error: BaseException) -> str:
    """Type and message of what a plugin raised."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
