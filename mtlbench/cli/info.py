"""``mtlbench info``."""

from collections.abc import Sequence
from typing import Annotated

import typer

from mtlbench.cli import completion
from mtlbench.cli.output import PluginFiles, plain, say, stdout, wrapped
from mtlbench.errors import UsageError, did_you_mean


def info(
    kind: Annotated[str, typer.Argument(metavar="dataset|backbone|weighting|tracker", autocompletion=completion.kinds)],
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=completion.names)],
    plugin: PluginFiles = None,
) -> None:
    """Say what a plugin does: formula, paper, parameters and needs.

    \b
    mtlbench info weighting rmtl
    mtlbench info backbone ple
    """
    from mtlbench.cli.docstrings import readable
    from mtlbench.cli.plugin_info import plugin_index
    from mtlbench.discovery import KINDS, plugin_files

    if kind not in KINDS:
        raise UsageError(f"unknown kind of plugin {kind!r}: {did_you_mean(kind, list(KINDS))}")
    found = plugin_index(plugin_files(plugin or ())).get(kind, name)
    rows, needs = found.told(found.parameters), found.told(found.needs)
    width = stdout().width
    _heading(f"{found.label} ({kind} {name})\n")
    say(readable(found.description or "(no description)", width))
    _heading("\nParameters" if rows else "\nNo parameters")
    for row in rows:
        say(wrapped(f"{row['name']} = {row['default']} ({row['range']})", width, "- ", "  "))
        say(wrapped(row["description"], width, "    ", "    "))
    if found.searched:
        _heading("\nSearched by --trials")
        _items(found.searched, width)
    _heading("\nNeeds")
    _items(needs or ["nothing in particular"], width)
    say(f"\nOrigin: {found.origin}")


def _heading(text: str) -> None:
    stdout().print(plain(text, style="bold"))


def _items(texts: Sequence[str], width: int) -> None:
    for text in texts:
        say(wrapped(text, width, "- ", "  "))
