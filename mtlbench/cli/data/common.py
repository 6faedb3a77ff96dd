"""What the commands on datasets share."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.output import find_plugins, plain, stdout, table
from mtlbench.errors import UsageError

if TYPE_CHECKING:
    from mtlbench.api import Dataset, Description
    from mtlbench.discovery import Catalogue

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
OwnFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A CSV, JSON Lines or Parquet file, or a folder of them.")
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        metavar="COLUMN",
        show_default=False,
        help="A label: COLUMN, 'COLUMN>=NUMBER' or 'COLUMN==VALUE' (repeatable). [default: found by name]",
    ),
]


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


def description_of(file: Path, folder: Path, tasks: Sequence[str], catalogue: "Catalogue") -> "Description":
    """What the first dataset that reads ``file`` says of it, with a draft that is to be saved in ``folder``.

    Raises:
        UsageError: the file is not there, or no dataset reads it.
        DataError: it cannot be read, or a task is not in it.
    """
    if not file.exists():
        raise UsageError(f"{file} is not there: check the path, which starts at the current folder")
    found = (entry.cls.describe(file, folder, tasks) for entry in catalogue.of_kind("dataset").values())
    description: Description | None = next((one for one in found if one is not None), None)
    if description is None:
        raise UsageError(f"no dataset that is installed reads {file}; `mtlbench list datasets` shows what there is")
    return description


def print_profile(description: "Description") -> None:
    """Print what a dataset found in a file."""
    console = stdout()
    for section in description.sections:
        console.print(plain(section.title, style="bold"))
        console.print(table(section.heads, section.rows))
        console.print()
