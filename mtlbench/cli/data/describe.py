"""``mtlbench data``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import PluginFiles, find_plugins, plain, say, stdout, table
from mtlbench.errors import UsageError
from mtlbench.text import escaped

app = typer.Typer(
    help="Datasets: what there is, download, check, and a look at your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Datasets: what there is, download, check, and a look at your own."""


@app.command()
def describe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or Parquet file, or a folder of them.")],
    toml: Annotated[
        Path | None, typer.Option("--toml", metavar="FILE", help="Write the drafted description to this new file.")
    ] = None,
    plugin: PluginFiles = None,
) -> None:
    """Profile your own log, and draft its description.

    Types, distinct and missing values, base rates, funnel and session lengths; columns that alone predict a label are
    named as leak suspects.

    \b
    mtlbench data describe my_log.csv
    mtlbench data describe my_log.csv --toml my_log.toml
    """
    if toml is not None and toml.exists():
        raise UsageError(f"{toml} exists already: name another file after --toml, or remove it")
    if not file.exists():
        raise UsageError(f"{file} is not there: check the path, which starts at the current folder")
    folder = Path() if toml is None else toml.parent
    found = (entry.cls.describe(file, folder) for entry in find_plugins(plugin).of_kind("dataset").values())
    description = next((one for one in found if one is not None), None)
    if description is None:
        raise UsageError(f"no dataset that is installed reads {file}; `mtlbench list datasets` shows what there is")
    console = stdout()
    for section in description.sections:
        console.print(plain(section.title, style="bold"))
        console.print(table(section.heads, section.rows))
        console.print()
    if toml is None:
        say(escaped(description.draft), nl=False)
        return
    _write(toml, description.draft)
    spec = description.spec.format(path=toml)
    say(f"wrote {toml}; check it, then: mtlbench run --dataset '{spec}'", err=True)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; name another file after --toml") from error
