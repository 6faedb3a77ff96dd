"""Where raw and encoded datasets are kept."""

import os
from pathlib import Path

import platformdirs

from mtlbench.api import Dataset
from mtlbench.errors import DataError


def cache_dir() -> Path:
    """Folder of the encoded datasets: ``MTLBENCH_CACHE``, else the platform's cache folder of the user."""
    named = os.environ.get("MTLBENCH_CACHE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("mtlbench"))


def presence(dataset: Dataset, root: Path) -> str:
    """Whether the dataset lies below ``root``: ``yes``, ``no``, or ``in part`` where some of what is offered lacks."""
    publication = dataset.publication()
    offered = [file for file in (publication.files if publication else ()) if not file.unpack]
    try:
        dataset.files(root)
    except DataError:
        return "no"
    return "yes" if all((root / file.path).exists() for file in offered) else "in part"
