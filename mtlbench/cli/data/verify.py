"""``mtlbench data verify``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtlbench.cli.data.common import DEFAULT_DATA_DIR, DataDir, one_dataset
from mtlbench.cli.output import PluginFiles, say, stdout, table

if TYPE_CHECKING:
    from mtlbench.api import Dataset
    from mtlbench.data.verification import Check

DIFFERS = 1


def verify(
    name: Annotated[str, typer.Argument(metavar="SPEC", help="A dataset, such as kuairand[variant=1k].")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    plugin: PluginFiles = None,
) -> None:
    """Compare a dataset with the facts that its publisher states.

    Rows, users, counts and base rates are compared. Facts without a published figure are shown too.

    \b
    mtlbench data verify census-income --data-dir data
    mtlbench data verify 'kuairand[variant=1k]'

    Exit codes: 0 all published facts hold, 1 some do not, 2 wrong use.
    """
    found = check(one_dataset(name, plugin), data_dir)
    if as_json:
        rows = [{"fact": one.fact, "published": one.published, "here": one.here, "agrees": one.agrees} for one in found]
        say(json.dumps(rows, indent=2))
    else:
        cells = [(one.fact, _text(one.published), _text(one.here), _verdict(one)) for one in found]
        stdout().print(table(("fact", "published", "here", ""), cells))
    if say_verdict(found):
        raise typer.Exit(DIFFERS)


def check(dataset: "Dataset", data_dir: Path) -> "list[Check]":
    """Encode the dataset, or take it from the cache, and check its facts."""
    from mtlbench.data import announce, cache_dir, load
    from mtlbench.data.verification import checks

    splits = load(dataset, data_dir, cache_dir())
    announce(splits, dataset.name)
    return checks(dataset, splits)


def say_verdict(found: "list[Check]") -> int:
    """Say on stderr how many published facts hold; the number of those that do not."""
    published = [one for one in found if one.agrees is not None]
    wrong = [one for one in published if not one.agrees]
    if not published:
        say("nothing is published to compare with", err=True)
    elif not wrong:
        say(f"all {len(published)} published facts hold", err=True)
    for one in wrong:
        here = "is not here" if one.here is None else f"is {_text(one.here)}"
        say(f"differs: {one.fact} {here}, published is {_text(one.published)}", err=True)
    if wrong:
        say("the raw files are incomplete, or not the published ones: fetch them again", err=True)
    return len(wrong)


def _verdict(one: "Check") -> str:
    return {True: "holds", False: "differs", None: ""}[one.agrees]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " to ".join(map(_text, value))
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
