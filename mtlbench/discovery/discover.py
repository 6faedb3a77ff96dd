"""Discovery: from entry points and files to a catalogue."""

import importlib
import pkgutil
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from mtlbench.discovery import hookspecs
from mtlbench.discovery.catalogue import KINDS, Broken, Catalogue, Entry
from mtlbench.discovery.files import import_file
from mtlbench.discovery.validation import classes_in, flaw, missing_methods
from mtlbench.errors import UsageError

GROUP = "mtlbench"
BREAKS = (Exception, SystemExit)
"""What the code of a plugin may raise without taking mtlbench down: anything but an interrupt."""


def discover(files: Iterable[Path] = ()) -> Catalogue:
    """Every plugin of the installed packages and of ``files``.

    Depends on nothing else, so that a worker process finds the same plugins from the same ``files``
    (:func:`mtlbench.discovery.plugin_files` lists them). Whatever breaks goes into ``Catalogue.broken``.

    Raises:
        UsageError: two plugins of one kind have the same name.
    """
    catalogue = Catalogue()
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name):
        source = f"{point.dist.name} {point.dist.version}" if point.dist else f"entry point {point.name}"
        try:
            plugin = point.load()
        except BREAKS as error:
            catalogue.broken.append(Broken(point.name, None, f"{point.value} ({source})", _reason(error)))
        else:
            _call_hooks(manager, plugin, point.name, f"{point.value} ({source})", source, catalogue)
    for file in files:
        _add_file(manager, Path(file), catalogue)
    return catalogue


def _call_hooks(
    manager: pluggy.PluginManager, plugin: Any, name: str, origin: str, source: str, catalogue: Catalogue
) -> None:
    """Register ``plugin`` with pluggy and call its hooks alone, so that an error in them is known to be its own."""
    try:
        manager.register(plugin)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        if manager.is_registered(plugin):
            manager.unregister(plugin)
        catalogue.broken.append(Broken(name, None, origin, _reason(error)))
        return
    others = [other for other in manager.get_plugins() if other is not plugin]
    for kind in KINDS:
        hook = manager.subset_hook_caller(f"register_{kind}s", remove_plugins=others)
        try:
            hook(register=CatalogueRegistrar(catalogue, kind, source))
        except UsageError:
            raise
        except BREAKS as error:
            catalogue.broken.append(Broken(name, kind, origin, _reason(error)))


def _add_file(manager: pluggy.PluginManager, file: Path, catalogue: Catalogue) -> None:
    """A file with hooks registers what they say; any other, the plugin classes that it defines."""
    name, origin = file.stem.replace("_", "-"), str(file)
    try:
        module = import_file(file)
    except BREAKS as error:
        catalogue.broken.append(Broken(name, None, origin, _reason(error)))
        return
    if any(manager.parse_hookimpl_opts(module, attribute) for attribute in vars(module)):
        _call_hooks(manager, module, name, origin, origin, catalogue)
        return
    found = [CatalogueRegistrar(catalogue, kind, origin).module(module, origin) for kind in KINDS]
    if not any(found):
        reason = "defines no subclass of mtlbench.api.Dataset, Backbone or Weighting"
        catalogue.broken.append(Broken(name, None, origin, reason))


class CatalogueRegistrar:
    """The :class:`mtlbench.api.Registrar` that fills a catalogue with plugins of one kind.

    Args:
        catalogue: what to fill.
        kind: one of ``KINDS``.
        source: the distribution or the file that registers.
    """

    def __init__(self, catalogue: Catalogue, kind: str, source: str) -> None:
        self._catalogue = catalogue
        self._kind = kind
        self._source = source

    def __call__(self, plugin: type[Any]) -> None:
        """Register one plugin class."""
        where = getattr(plugin, "__module__", repr(plugin))
        self._add(plugin, f"{where} ({self._source})")

    def package(self, name: str) -> None:
        """Register the plugin classes of every module of the package ``name``."""
        try:
            folder = importlib.import_module(name).__path__
        except BREAKS as error:
            self._break(name.rpartition(".")[2], f"{name} ({self._source})", _reason(error))
            return
        for info in pkgutil.iter_modules(folder):
            if info.name.startswith("_"):
                continue
            plugin_name, origin = info.name.replace("_", "-"), f"{name}.{info.name} ({self._source})"
            try:
                module = importlib.import_module(f"{name}.{info.name}")
            except BREAKS as error:
                self._break(plugin_name, origin, _reason(error))
                continue
            if not self.module(module, origin):
                reason = f"defines no {self._kind} class; a helper module's name starts with an underscore"
                self._break(plugin_name, origin, reason)

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
            self._catalogue.add(Entry(cls, self._kind, origin))
        else:
            self._break(str(getattr(cls, "name", getattr(cls, "__name__", cls))), origin, reason)

    def _break(self, name: str, origin: str, reason: str) -> None:
        self._catalogue.broken.append(Broken(name, self._kind, origin, reason))


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
