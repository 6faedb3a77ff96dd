"""What the commands on datasets share."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.output import find_plugins
from mtlbench.errors import UsageError

if TYPE_CHECKING:
    from mtlbench.api import Dataset

DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        envvar="MTLBENCH_DATA",
        show_default=False,
        help="Folder of raw data. [default: ./data]",
    ),
]
DEFAULT_DATA_DIR = Path("data")


def one_dataset(text: str, plugins: Iterable[Path] | None) -> "Dataset":
    """The dataset that the spec ``text`` names.

    Raises:
        UsageError: it names none, or several.
    """
    from mtlbench.config.specs import resolve_texts

    found = resolve_texts(find_plugins(plugins), "dataset", [text], "quick")
    if len(found) != 1:
        raise UsageError(f"{text!r} names {len(found)} datasets: name one")
    dataset: Dataset = found[0].create()
    return dataset


def size_text(size: int | None) -> str:
    """Bytes as a person reads them; a question mark where they are unknown."""
    if size is None:
        return "?"
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"
