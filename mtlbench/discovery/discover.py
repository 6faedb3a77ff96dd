"""Discovery, once per process."""

from collections.abc import Hashable, Iterable
from pathlib import Path

from mtlbench.discovery.catalogue import Catalogue
from mtlbench.discovery.dependencies import search_path
from mtlbench.discovery.files import digest

_FOUND: dict[Hashable, Catalogue] = {}


def discover(files: Iterable[Path] = ()) -> Catalogue:
    """Every plugin of the installed packages and of ``files``.

    A process that asks again gets the same catalogue. It searches again only when a file of ``files``, an installed
    package or ``sys.path`` has changed, or when a plugin was broken: its cause may be gone.

    A worker process finds the same plugins from the same ``files`` (:func:`mtlbench.discovery.plugin_files` lists
    them). What breaks goes into ``Catalogue.broken``.

    Raises:
        UsageError: two plugins of one kind have the same name.
    """
    files = tuple(map(Path, files))
    key = (search_path(), tuple((file, digest(file)) for file in files))
    if key in _FOUND:
        return _FOUND[key]
    from mtlbench.discovery.search import search

    catalogue = search(files)
    if not catalogue.broken:
        _FOUND[key] = catalogue
    return catalogue
