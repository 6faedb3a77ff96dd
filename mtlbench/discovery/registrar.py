"""What a search has found so far, and the registrar through which hooks add to it."""

import importlib
import pkgutil
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from mtlbench.discovery.catalogue import BREAKS, KINDS, Broken, Catalogue, Entry, reason_of
from mtlbench.discovery.described import described_module
from mtlbench.discovery.validation import classes_in, flaw, missing_methods
from mtlbench.errors import UsageError, is_out_of_memory


class Found:
    """The plugins that a search has found so far, and what it has found broken."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        self._broken: list[Broken] = []
        self._descriptions: list[tuple[FoundRegistrar, str, Path, str]] = []

    def add(self, entry: Entry) -> None:
        """Take in a plugin.

        Raises:
            UsageError: another plugin of its kind has its name.
        """
        present = self._entries[entry.kind].setdefault(entry.name, entry)
        if present.cls is not entry.cls:
            raise UsageError(
                f"two {entry.kind} plugins are called {entry.name!r}: {present.origin} and {entry.origin}; rename one "
                "or leave one out"
            )

    def add_broken(self, name: str, kind: str | None, origin: str, reason: str | BaseException) -> None:
        """Take in what should have been a plugin, with the reason why it is none, or the error that it raised.

        An error for want of memory says nothing of the plugin, and is raised again.
        """
        if isinstance(reason, BaseException) and is_out_of_memory(reason):
            raise reason
        self._broken.append(Broken(name, kind, origin, reason if isinstance(reason, str) else reason_of(reason)))

    def add_description(self, registrar: "FoundRegistrar", module: str, file: Path, origin: str) -> None:
        """Take in a ``file`` that describes a dataset, which ``registrar`` will register as of ``module``."""
        self._descriptions.append((registrar, module, file, origin))

    def read_descriptions(self) -> None:
        """Register what was described, once the datasets that read descriptions are known."""
        readers = [entry.cls for entry in self._entries["dataset"].values()]
        for registrar, name, file, origin in self._descriptions:
            try:
                module = described_module(name, file, readers)
            except BREAKS as error:
                self.add_broken(file.stem.replace("_", "-"), "dataset", origin, error)
            else:
                registrar.module(module, origin)

    def catalogue(self) -> Catalogue:
        """All that was found."""
        datasets, backbones, weightings, trackers = (MappingProxyType(self._entries[kind]) for kind in KINDS)
        return Catalogue(datasets, backbones, weightings, trackers, tuple(self._broken))


class FoundRegistrar:
    """The :class:`mtlbench.api.Registrar` that adds plugins of one kind to what was found.

    Args:
        found: what to add to.
        kind: one of ``KINDS``.
        source: the distribution or the file that registers.
    """

    def __init__(self, found: Found, kind: str, source: str) -> None:
        self._found = found
        self._kind = kind
        self._source = source

    def __call__(self, plugin: type[Any]) -> None:
        """Register one plugin class."""
        where = getattr(plugin, "__module__", repr(plugin))
        self._add(plugin, f"{where} ({self._source})")

    def package(self, name: str) -> None:
        """Register the plugin classes of every module of the package ``name``, and the datasets described there."""
        try:
            folder = importlib.import_module(name).__path__
        except BREAKS as error:
            self._found.add_broken(name.rpartition(".")[2], self._kind, f"{name} ({self._source})", error)
            return
        for info in pkgutil.iter_modules(folder):
            if not info.name.startswith("_"):
                self._submodule(name, info.name)
        files = [file for place in folder for file in sorted(Path(place).glob("[!_.]*.toml"))]
        for file in files if self._kind == "dataset" else ():
            origin = f"{file.name} of {name} ({self._source})"
            self._found.add_description(self, f"{name}.{file.stem}", file, origin)

    def _submodule(self, package: str, name: str) -> None:
        plugin, origin = name.replace("_", "-"), f"{package}.{name} ({self._source})"
        try:
            module = importlib.import_module(f"{package}.{name}")
        except BREAKS as error:
            self._found.add_broken(plugin, self._kind, origin, error)
            return
        if not self.module(module, origin):
            reason = f"defines no {self._kind} class; let the name of a helper module start with an underscore"
            self._found.add_broken(plugin, self._kind, origin, reason)

    def module(self, module: ModuleType, origin: str) -> bool:
        """Register the plugin classes that ``module`` defines; whether there was one, broken or not.

        Abstract classes beside a concrete one are its bases. Where all are abstract, a method was forgotten.
        """
        classes = classes_in(module, self._kind)
        for cls in [cls for cls in classes if not missing_methods(cls)] or classes:
            self._add(cls, origin)
        return bool(classes)

    def _add(self, cls: Any, origin: str) -> None:
        reason = flaw(self._kind, cls)
        if reason is None:
            self._found.add(Entry(cls, self._kind, origin))
        else:
            name = str(getattr(cls, "name", getattr(cls, "__name__", cls)))
            self._found.add_broken(name, self._kind, origin, reason)
