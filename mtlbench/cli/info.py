"""``mtlbench info``."""

from collections.abc import Iterator
from inspect import getdoc
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from mtlbench.cli.output import PluginFiles, find_plugins, stdout, table
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.discovery import Entry


def info(
    kind: Annotated[str, typer.Argument(metavar="dataset|backbone|weighting")],
    name: Annotated[str, typer.Argument(metavar="NAME")],
    plugin: PluginFiles = None,
) -> None:
    """Say what a plugin does: formula, paper, parameters and needs.

    \b
    mtlbench info weighting rmtl
    mtlbench info backbone ple
    """
    from mtlbench.config.parameters import parameter_rows
    from mtlbench.discovery import KINDS

    if kind not in KINDS:
        raise UsageError(f"unknown kind of plugin {kind!r}: {did_you_mean(kind, list(KINDS))}")
    entry = find_plugins(plugin).get(kind, name)
    console = stdout()
    console.print(Text(f"{entry.cls.label} ({kind} {entry.name})\n", style="bold"))
    console.print(Text((getdoc(entry.cls) or "(no description)") + "\n"), soft_wrap=True)
    rows = parameter_rows(entry.cls.Params)
    if rows:
        console.print(Text("Parameters", style="bold"))
        console.print(table(list(rows[0]), [list(row.values()) for row in rows]))
    else:
        console.print(Text("No parameters"))
    console.print(Text("\nNeeds", style="bold"))
    for need in list(_needs(entry)) or ["nothing in particular"]:
        console.print(Text(f"- {need}"), soft_wrap=True)
    console.print(Text(f"\nOrigin: {entry.origin}"))


def _needs(entry: "Entry") -> Iterator[str]:
    """What must be there, found by asking the plugin itself."""
    if entry.kind == "dataset":
        if entry.cls.folder:
            yield f"raw files in DATA_DIR/{entry.cls.folder}"
        return
    if entry.kind == "weighting":
        start = entry.cls(entry.cls.Params()).warm_start()
        if start is not None:
            yield f"the checkpoint of {start.weighting}, which is trained first where it is missing"
    yield from _refusals(entry)


def _refusals(entry: "Entry") -> Iterator[str]:
    """The reasons that the plugin gives for refusing datasets that lack one thing each."""
    from mtlbench.api import Backbone
    from mtlbench.experiments.applicability import KINDS_OF_DATASET

    lacking = {"sessions": "no-sessions", "tasks that form a funnel": "parallel", "two tasks": "one-task"}
    for what, kind in lacking.items():
        schema = KINDS_OF_DATASET[kind]
        if entry.kind == "backbone":
            reason = entry.cls.applicable(schema)
        else:
            reason = entry.cls(entry.cls.Params()).applicable(schema, Backbone)
        if reason is not None:
            yield f"{what}: {reason}"
