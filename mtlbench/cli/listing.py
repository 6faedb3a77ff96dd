"""``mtlbench list``."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from mtlbench.cli.matrix import DEFAULT_KIND, show_matrix
from mtlbench.cli.output import PluginFiles, find_plugins, stdout, table
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.discovery import Catalogue, Entry

GROUPS = {"datasets": "dataset", "backbones": "backbone", "weightings": "weighting"}


def list_plugins(
    group: Annotated[str | None, typer.Argument(metavar="[datasets|backbones|weightings]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_matrix: Annotated[
        bool, typer.Option("--matrix", help="Show which backbone and weighting make a pair, and why others do not.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="funnel|no-sessions|parallel|one-task",
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
    if as_matrix:
        if group is not None:
            raise UsageError(f"--matrix shows backbones and weightings together; leave {group!r} out")
        show_matrix(find_plugins(plugin), on or DEFAULT_KIND, as_json)
        return
    if on is not None:
        raise UsageError(f"--on {on} is for --matrix; add --matrix or leave --on out")
    if group is not None and group not in GROUPS:
        raise UsageError(f"unknown list {group!r}: {did_you_mean(group, list(GROUPS))}")
    groups = [group] if group else list(GROUPS)
    catalogue = find_plugins(plugin)
    if as_json:
        typer.echo(json.dumps(_as_json(catalogue, groups), indent=2))
    else:
        _print(catalogue, groups)


def _broken_in(catalogue: "Catalogue", groups: list[str]) -> list[Any]:
    kinds = {GROUPS[group] for group in groups} | {None}
    return [broken for broken in catalogue.broken if broken.kind in kinds]


def _print(catalogue: "Catalogue", groups: list[str]) -> None:
    console = stdout()
    for group in groups:
        entries = _sorted(catalogue, group)
        console.print(Text(f"{group} ({len(entries)})", style="bold"))
        console.print(table(["name", "summary"], [(entry.name, entry.summary) for entry in entries]))
        console.print()
    broken = _broken_in(catalogue, groups)
    if broken:
        console.print(Text(f"broken ({len(broken)})", style="bold"))
        for one in broken:
            console.print(Text(f"{one.name} ({one.kind or 'kind unknown'}) {one.origin}: {one.reason}"), soft_wrap=True)


def _as_json(catalogue: "Catalogue", groups: list[str]) -> dict[str, Any]:
    from mtlbench.config.parameters import parameter_rows

    plugins: dict[str, Any] = {
        group: [
            {
                "name": entry.name,
                "label": entry.cls.label,
                "summary": entry.summary,
                "origin": entry.origin,
                "parameters": parameter_rows(entry.cls.Params),
            }
            for entry in _sorted(catalogue, group)
        ]
        for group in groups
    }
    return {**plugins, "broken": [vars(broken) for broken in _broken_in(catalogue, groups)]}


def _sorted(catalogue: "Catalogue", group: str) -> "list[Entry]":
    return sorted(catalogue.of_kind(GROUPS[group]).values(), key=lambda entry: entry.name)
