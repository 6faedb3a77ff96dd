"""``mtlbench info``."""

from typing import Annotated

import typer

from mtlbench.cli import completion
from mtlbench.cli.output import PluginFiles, plain, stdout, table
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
    from mtlbench.cli.plugin_info import plugin_index
    from mtlbench.discovery import KINDS, plugin_files

    if kind not in KINDS:
        raise UsageError(f"unknown kind of plugin {kind!r}: {did_you_mean(kind, list(KINDS))}")
    found = plugin_index(plugin_files(plugin or ())).get(kind, name)
    rows, needs = found.told(found.parameters), found.told(found.needs)
    console = stdout()
    console.print(plain(f"{found.label} ({kind} {name})\n", style="bold"))
    console.print(plain((found.description or "(no description)") + "\n"), soft_wrap=True)
    if rows:
        console.print(plain("Parameters", style="bold"))
        console.print(table(list(rows[0]), [list(row.values()) for row in rows]))
    else:
        console.print(plain("No parameters"))
    if found.searched:
        console.print(plain("\nSearched by --trials", style="bold"))
        for one in found.searched:
            console.print(plain(f"- {one}"), soft_wrap=True)
    console.print(plain("\nNeeds", style="bold"))
    for need in needs or ["nothing in particular"]:
        console.print(plain(f"- {need}"), soft_wrap=True)
    console.print(plain(f"\nOrigin: {found.origin}"))
