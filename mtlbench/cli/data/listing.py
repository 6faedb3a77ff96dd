"""``mtlbench data list``."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from mtlbench.cli.data.common import DEFAULT_DATA_DIR, DataDir, size_text
from mtlbench.cli.output import PluginFiles, find_plugins, say, stdout, table


def list_datasets(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    plugin: PluginFiles = None,
) -> None:
    """List the datasets: size, licence, and whether they are in the data folder.

    \b
    mtlbench data list --data-dir data
    mtlbench data list --json
    """
    rows = list(_rows(data_dir, plugin))
    if as_json:
        say(json.dumps(rows, indent=2))
        return
    heads = ("dataset", "size", "licence", "download", "here")
    stdout().print(table(heads, [_cells(row) for row in rows]))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    published = bool(row["page"])
    size = size_text(row["size"])
    way = "by pip" if row["package"] else "by hand" if row["by_hand"] else "by command"
    return row["dataset"], size if published else "", row["licence"], way if published else "", row["here"]


def _rows(data_dir: Path, plugin: list[Path] | None) -> Iterator[dict[str, Any]]:
    from mtlbench.config.parameters import spec_text
    from mtlbench.data.folders import presence

    for name, entry in sorted(find_plugins(plugin).of_kind("dataset").items()):
        default = entry.cls(entry.cls.Params())
        for publication in entry.cls.publications:
            dataset = entry.cls(entry.cls.Params.model_validate(dict(publication.params)))
            chosen = {} if default.publication() is publication else publication.params
            yield {
                "dataset": spec_text(name, chosen),
                "size": publication.size,
                "licence": publication.licence,
                "by_hand": not publication.files,
                "here": presence(dataset, data_dir),
                "page": publication.page,
                "package": entry.cls.package,
            }
        if not entry.cls.publications:
            own = "your own" if entry.cls.needs_parameters else "generated"
            here = presence(default, data_dir) if entry.cls.folder else own
            nothing = {"size": None, "licence": "", "by_hand": False, "page": "", "package": None}
            yield {"dataset": name, "here": here, **nothing}
