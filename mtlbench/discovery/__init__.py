"""Finding plugins: entry points, plugin files, and the catalogue of what was found."""

from mtlbench.discovery.catalogue import KINDS, Broken, Catalogue, Entry
from mtlbench.discovery.discover import discover
from mtlbench.discovery.files import plugin_files

__all__ = ["KINDS", "Broken", "Catalogue", "Entry", "discover", "plugin_files"]
