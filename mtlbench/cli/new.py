"""``mtlbench new``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli import completion
from mtlbench.cli.output import say
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.scaffold import Names


def new(
    kind: Annotated[str, typer.Argument(metavar="weighting|backbone|dataset|tracker", autocompletion=completion.kinds)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and hyphens.")],
    package: Annotated[
        bool, typer.Option("--package", help="Write an installable package with an entry point and a test.")
    ] = False,
) -> None:
    """Write a working plugin into the current folder.

    It passes `mtlbench test-plugin` as it is; put your own method in its place. Nothing is overwritten.

    \b
    mtlbench new weighting my-method
    mtlbench new backbone my-network
    mtlbench new dataset my-log --package
    """
    from mtlbench.cli.plugin_info import plugin_index
    from mtlbench.discovery import KINDS
    from mtlbench.scaffold import Names, files_of, write

    if kind not in KINDS:
        raise UsageError(f"unknown kind of plugin {kind!r}: {did_you_mean(kind, list(KINDS))}")
    names = Names(name)
    known = plugin_index(()).of_kind(kind)
    if name in known:
        raise UsageError(f"there is a {kind} {name!r} already: {known[name].origin}; choose another name")
    files = files_of(kind, names, package)
    write(files, Path())
    for path in files:
        say(path)
    say(f"next: {_next(names, package)}", err=True)


def _next(names: "Names", package: bool) -> str:
    if package:
        return f"python -m pip install -e './{names.distribution}[test]' && mtlbench test-plugin {names.name}"
    return f"mtlbench test-plugin {names.module}.py"
