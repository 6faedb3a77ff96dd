"""``mtlbench data download``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.data.common import DEFAULT_DATA_DIR, DataDir, one_dataset, size_text
from mtlbench.cli.data.verify import DIFFERS, check, say_verdict
from mtlbench.cli.output import PluginFiles, say
from mtlbench.errors import UsageError

if TYPE_CHECKING:
    from mtlbench.api import Dataset, Publication

INTERRUPTED = 130

Report = Callable[[str, int, int | None], None]


def download(
    name: Annotated[str, typer.Argument(metavar="SPEC", help="A dataset, such as kuairand[variant=1k].")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    verify: Annotated[bool, typer.Option(help="Then check the published facts, which encodes the dataset.")] = True,
    plugin: PluginFiles = None,
) -> None:
    """Download a dataset and check it.

    Prints the raw files. What is there already is not downloaded again, and what was interrupted goes on. Where a site
    wants an account, it says what to fetch and where to put it.

    \b
    mtlbench data download kuairand --data-dir data
    mtlbench data download 'kuairand[variant=1k]' --no-verify

    Exit codes: 0 ok, 1 some published fact does not hold, 2 not downloaded.
    """
    from mtlbench.data.folders import presence

    dataset = one_dataset(name, plugin)
    publication = dataset.publication()
    if publication is None:
        raise UsageError(f"dataset {dataset.name!r} has no raw files to download: it is generated, or reads your own")
    say(f"{dataset.label}: {publication.page}", err=True)
    say(f"licence: {publication.licence}, {publication.licence_page or publication.page}", err=True)
    if presence(dataset, data_dir) == "yes":
        say(f"it is in {data_dir} already", err=True)
    else:
        _download(dataset, publication, data_dir)
    for path in dataset.files(data_dir):
        say(path)
    if verify and say_verdict(check(dataset, data_dir)):
        raise typer.Exit(DIFFERS)


def _download(dataset: "Dataset", publication: "Publication", data_dir: Path) -> None:
    from mtlbench.downloads import download as fetch

    if dataset.package:
        raise UsageError(f"{dataset.label} comes with the Python package {dataset.package}. {publication.by_hand}")
    if not publication.files:
        raise UsageError(
            f"{dataset.label} cannot be downloaded by a program. {publication.by_hand} The data folder is "
            f"{data_dir.absolute()}. Then run the same command again: it checks the files."
        )
    say(f"downloading {size_text(publication.size)} into {data_dir}", err=True)
    try:
        with _progress() as report:
            fetch(publication, data_dir, report)
    except KeyboardInterrupt:
        say("interrupted; the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar per file on a terminal, else silence."""
    if not sys.stderr.isatty():
        yield lambda name, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        tasks: dict[str, int] = {}

        def report(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=done, total=total)  # type: ignore[arg-type]

        yield report
