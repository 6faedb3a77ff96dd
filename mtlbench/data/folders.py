"""Whether raw data are there."""

from pathlib import Path

from mtlbench.api import Dataset
from mtlbench.errors import DataError


def presence(dataset: Dataset, root: Path) -> str:
    """Whether the dataset lies below ``root``: ``yes``, ``no``, or ``in part`` where some of what is offered lacks."""
    publication = dataset.publication()
    offered = [file for file in (publication.files if publication else ()) if not file.unpack]
    try:
        dataset.files(root)
    except DataError:
        return "no"
    return "yes" if all((root / file.path).exists() for file in offered) else "in part"
