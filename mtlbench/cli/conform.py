"""``mtlbench test-plugin``."""

import importlib.util
import re
import sys
from inspect import getsourcefile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.output import PluginFiles, say, stdout, wrapped
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.discovery import Catalogue, Entry

SOME_RULE_BROKEN = 1


def conform(
    plugin: Annotated[str, typer.Argument(metavar="NAME|FILE", help="An installed plugin, or a .py file of plugins.")],
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="dataset|backbone|weighting|tracker", help="Test only plugins of this kind.", show_default=False
        ),
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Check only this rule (repeatable).", show_default=False)
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar="MTLBENCH_DATA", help="Folder of raw data. [default: ./data]", show_default=False
        ),
    ] = None,
    files: PluginFiles = None,
) -> None:
    """Check a plugin by the rules that every plugin of its kind must obey.

    Needs pytest: pip install 'mtlbench[test]'.

    \b
    mtlbench test-plugin my_weighting.py
    mtlbench test-plugin pcgrad --rule permutation-equivariant
    mtlbench test-plugin kuairand --kind dataset --data-dir data

    Exit codes: 0 all rules obeyed, 1 some rule broken, 2 wrong use.
    """
    if importlib.util.find_spec("pytest") is None:
        raise UsageError(
            "test-plugin runs its rules through pytest, which is not installed: pip install 'mtlbench[test]'"
        )
    from mtlbench.conformance import cases_of
    from mtlbench.conformance.running import run
    from mtlbench.discovery import KINDS

    if kind is not None and kind not in KINDS:
        raise UsageError(f"unknown kind of plugin {kind!r}: {did_you_mean(kind, list(KINDS))}")
    kinds = [kind] if kind else list(KINDS)
    catalogue, entries = find(plugin, kinds, files or [])
    cases = cases_of(entries, catalogue, (data_dir or Path("data")).expanduser().resolve())
    names = list(dict.fromkeys(case.rule.name for case in cases))
    for name in rule or []:
        if name not in names:
            raise UsageError(f"unknown rule {name!r}: {did_you_mean(name, names)}")
    chosen = [case for case in cases if not rule or case.rule.name in rule]
    if not run(chosen, _print):
        raise typer.Exit(SOME_RULE_BROKEN)


def _print(text: str) -> None:
    """Print lines; in a terminal, long ones are folded below where their text begins."""
    say(folded(text, stdout().width) if sys.stdout.isatty() else text)


def folded(text: str, width: int) -> str:
    """The lines of ``text`` at most ``width`` wide, but for words that are longer."""
    return "\n".join(wrapped(line, width, rest=" " * _text_begins(line)) for line in text.split("\n"))


def _text_begins(line: str) -> int:
    """Where the text after an indented first word begins."""
    found = re.match(r" +\S+ +", line)
    return found.end() if found else 0


def find(plugin: str, kinds: list[str], files: list[Path]) -> "tuple[Catalogue, list[Entry]]":
    """The catalogue, and the plugins of ``kinds`` that ``plugin`` means: those of a file, or those of a name.

    Raises:
        UsageError: there is none, or it is broken.
    """
    from mtlbench.discovery import discover, plugin_files

    if not plugin.endswith(".py"):
        catalogue = discover(plugin_files(files))
        named = [entries[plugin] for kind in kinds if plugin in (entries := catalogue.of_kind(kind))]
        if named:
            return catalogue, named
        for broken in catalogue.broken:
            if broken.name == plugin:
                raise UsageError(f"{plugin!r} is broken: {broken.origin}: {broken.reason}")
        known = [name for kind in kinds for name in catalogue.of_kind(kind)]
        raise UsageError(f"unknown {' or '.join(kinds)} {plugin!r}: {did_you_mean(plugin, known)}")
    (path,) = plugin_files([Path(plugin)])[:1]
    catalogue = discover(plugin_files(files))
    if not (own := _in_file(catalogue, kinds, path)):
        # Not installed: not a module of a package that is.
        catalogue = discover(plugin_files([path, *files]))
        own = _in_file(catalogue, kinds, path)
    for broken in catalogue.broken:
        if broken.origin == str(path):
            raise UsageError(f"{path}: {broken.name}: {broken.reason}")
    if not own:
        raise UsageError(f"{path} defines no {' or '.join(kinds)}; a plugin is a subclass of a class in mtlbench.api")
    return catalogue, own


def _in_file(catalogue: "Catalogue", kinds: list[str], path: Path) -> "list[Entry]":
    return [
        entry
        for kind in kinds
        for entry in catalogue.of_kind(kind).values()
        if Path(getsourcefile(entry.cls) or "").resolve() == path
    ]
