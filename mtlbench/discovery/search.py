"""The search for plugins: from entry points and files to a catalogue. It imports them all, and so torch."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pluggy

from mtlbench.discovery import hookspecs
from mtlbench.discovery.catalogue import BREAKS, KINDS, Catalogue
from mtlbench.discovery.dependencies import GROUP, entry_points
from mtlbench.discovery.files import import_file
from mtlbench.discovery.registrar import Found, FoundRegistrar
from mtlbench.errors import UsageError


def search(files: Iterable[Path]) -> Catalogue:
    """Every plugin of the installed packages and of ``files``; see :func:`mtlbench.discovery.discover`."""
    found = Found()
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for point in entry_points():
        source = f"{point.dist.name} {point.dist.version}" if point.dist else f"entry point {point.name}"
        origin = f"{point.value} ({source})"
        try:
            plugin = point.load()
        except BREAKS as error:
            found.add_broken(point.name, None, origin, error)
        else:
            _call_hooks(manager, plugin, point.name, origin, source, found)
    for file in files:
        _add_file(manager, file, found)
    found.read_descriptions()
    return found.catalogue()


def _call_hooks(manager: pluggy.PluginManager, plugin: Any, name: str, origin: str, source: str, found: Found) -> None:
    """Register ``plugin`` with pluggy and call its hooks alone, so that an error in them is known to be its own."""
    try:
        manager.register(plugin)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        if manager.is_registered(plugin):
            manager.unregister(plugin)
        found.add_broken(name, None, origin, error)
        return
    others = [other for other in manager.get_plugins() if other is not plugin]
    for kind in KINDS:
        hook = manager.subset_hook_caller(f"register_{kind}s", remove_plugins=others)
        try:
            hook(register=FoundRegistrar(found, kind, source))
        except UsageError:
            raise
        except BREAKS as error:
            found.add_broken(name, kind, origin, error)


def _add_file(manager: pluggy.PluginManager, file: Path, found: Found) -> None:
    """A file with hooks registers what they say; any other, the plugin classes that it defines."""
    name, origin = file.stem.replace("_", "-"), str(file)
    try:
        module = import_file(file)
    except BREAKS as error:
        found.add_broken(name, None, origin, error)
        return
    if any(manager.parse_hookimpl_opts(module, attribute) for attribute in vars(module)):
        _call_hooks(manager, module, name, origin, origin, found)
        return
    registered = [FoundRegistrar(found, kind, origin).module(module, origin) for kind in KINDS]
    if not any(registered):
        reason = "defines no subclass of mtlbench.api.Dataset, Backbone, Weighting or Tracker"
        found.add_broken(name, None, origin, reason)
