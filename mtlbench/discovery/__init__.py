"""Finding plugins: entry points, plugin files, and the catalogue of what was found.

Importing this room does not import torch. Only a search does, because it imports the plugins.
"""

from mtlbench.discovery.cache import cached
from mtlbench.discovery.catalogue import KINDS, Broken, Catalogue, Entry, named
from mtlbench.discovery.discover import discover
from mtlbench.discovery.files import plugin_files

__all__ = ["KINDS", "Broken", "Catalogue", "Entry", "cached", "discover", "named", "plugin_files"]
