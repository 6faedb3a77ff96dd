"""``mtlbench data describe``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.data.common import OwnFile, Tasks, description_of, print_profile
from mtlbench.cli.output import PluginFiles, find_plugins, say
from mtlbench.errors import UsageError
from mtlbench.text import escaped


def describe(
    file: OwnFile,
    toml: Annotated[
        Path | None, typer.Option("--toml", metavar="FILE", help="Write the drafted description to this new file.")
    ] = None,
    task: Tasks = None,
    plugin: PluginFiles = None,
) -> None:
    """Profile your own log, and draft its description.

    Types, distinct and missing values, base rates, funnel and session lengths; columns that alone predict a label are
    named as leak suspects.

    \b
    mtlbench data describe my_log.csv
    mtlbench data describe my_log.csv --toml my_log.toml
    mtlbench data describe my_log.csv --task click --task 'rating>=4'
    """
    if toml is not None and toml.exists():
        raise UsageError(f"{toml} exists already: name another file after --toml, or remove it")
    description = description_of(file, Path() if toml is None else toml.parent, task or (), find_plugins(plugin))
    print_profile(description)
    if toml is None:
        say(escaped(description.draft), nl=False)
        return
    _write(toml, description.draft)
    spec = description.spec.format(path=toml)
    advise = f"mtlbench advise {shlex.quote(str(toml))} --out advice"
    say(f"wrote {toml}; check it, then: {advise}, or mtlbench run --dataset '{spec}'", err=True)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; name another file after --toml") from error
