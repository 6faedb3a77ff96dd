"""Finding plugins: entry points, plugin files, and the catalogue of what was found."""

from mtlbench.plugins.catalogue import KINDS, Broken, Catalogue, Entry
from mtlbench.plugins.discovery import discover
from mtlbench.plugins.files import plugin_files

__all__ = ["KINDS", "Broken", "Catalogue", "Entry", "discover", "plugin_files"]
