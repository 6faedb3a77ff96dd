"""``mtlbench list``."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len

from mtlbench.cli.matrix import DEFAULT_KIND, show_matrix
from mtlbench.cli.output import PluginFiles, plain, say, stdout, wrapped
from mtlbench.discovery.families import MEANINGS
from mtlbench.errors import UsageError, did_you_mean
from mtlbench.text import one_line

if TYPE_CHECKING:
    from mtlbench.cli.plugin_info import PluginIndex, PluginInfo
    from mtlbench.discovery import Broken

GROUPS = {"datasets": "dataset", "backbones": "backbone", "weightings": "weighting", "trackers": "tracker"}


def list_plugins(
    group: Annotated[str | None, typer.Argument(metavar="[datasets|backbones|weightings|trackers]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_matrix: Annotated[
        bool, typer.Option("--matrix", help="Show which backbone and weighting make a pair, and why others do not.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="funnel|no-sessions|parallel|mixed|one-task",
            help="Kind of dataset that --matrix is for. [default: funnel, with sessions]",
        ),
    ] = None,
    plugin: PluginFiles = None,
) -> None:
    """List the plugins there are, and those that are broken, with the reason.

    \b
    mtlbench list
    mtlbench list weightings --json
    mtlbench list --matrix --on parallel
    mtlbench list --plugin my_weighting.py
    """
    from mtlbench.cli.plugin_info import plugin_index
    from mtlbench.discovery import plugin_files

    if as_matrix:
        if group is not None:
            raise UsageError(f"--matrix shows backbones and weightings together; leave {group!r} out")
        show_matrix(plugin_files(plugin or ()), on or DEFAULT_KIND, as_json)
        return
    if on is not None:
        raise UsageError(f"--on {on} is for --matrix; add --matrix or leave --on out")
    if group is not None and group not in GROUPS:
        raise UsageError(f"unknown list {group!r}: {did_you_mean(group, list(GROUPS))}")
    groups = [group] if group else list(GROUPS)
    index = plugin_index(plugin_files(plugin or ()))
    if as_json:
        say(json.dumps(_as_json(index, groups), indent=2))
    else:
        _print(index, groups)


def _broken_in(index: "PluginIndex", groups: list[str]) -> "list[Broken]":
    kinds = {GROUPS[group] for group in groups} | {None}
    return [broken for broken in index.broken if broken.kind in kinds]


def _print(index: "PluginIndex", groups: list[str]) -> None:
    console = stdout()
    for group in groups:
        plugins = _sorted(index, group)
        console.print(plain(f"{group} ({len(plugins)})\n", style="bold"))
        width = max((cell_len(plugin.name) for plugin in plugins), default=0)
        for family in dict.fromkeys([*MEANINGS, ""]):
            own = [plugin for plugin in plugins if plugin.family == family]
            if own and family:
                console.print(plain(f"{family}: {MEANINGS[family]}", style="bold"))
            for plugin in own:
                _print_line(plugin, width, console.width)
            if own:
                console.print()
    broken = _broken_in(index, groups)
    if broken:
        console.print(plain(f"broken ({len(broken)})", style="bold"))
        for one in broken:
            console.print(
                plain(f"{one.name} ({one.kind or 'kind unknown'}) {one.origin}: {one.reason}"), soft_wrap=True
            )


def _print_line(plugin: "PluginInfo", name_width: int, width: int) -> None:
    indent = "  "
    name = f"{indent}{plugin.name}{' ' * (name_width - cell_len(plugin.name))}{indent}"
    say(wrapped(one_line(plugin.summary.replace("``", "")), width, name, " " * cell_len(name)))


def _as_json(index: "PluginIndex", groups: list[str]) -> dict[str, Any]:
    plugins: dict[str, Any] = {
        group: [
            {
                "name": plugin.name,
                "label": plugin.label,
                "summary": plugin.summary,
                "origin": plugin.origin,
                "family": plugin.family or None,
                "parameters": plugin.told(plugin.parameters),
            }
            for plugin in _sorted(index, group)
        ]
        for group in groups
    }
    return {**plugins, "broken": [vars(broken) for broken in _broken_in(index, groups)]}


def _sorted(index: "PluginIndex", group: str) -> "list[PluginInfo]":
    return sorted(index.of_kind(GROUPS[group]).values(), key=lambda plugin: plugin.name)
