"""``mtlbench list --matrix``: which backbone and weighting make a pair, and why the others make none."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from mtlbench.cli.output import plain, say, stdout, table, warn_of_broken
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.discovery import Catalogue
    from mtlbench.experiments.applicability import Combination

FITS = "+"
GAP = 3
"""Characters between two columns."""
DEFAULT_KIND = "funnel"


def show_matrix(files: Sequence[Path], kind: str, as_json: bool) -> None:
    """Print every pair of a backbone and a weighting on a dataset of ``kind``, with the plugins of ``files``.

    Raises:
        UsageError: there is no such kind of dataset.
    """
    from mtlbench.discovery import Broken, cached

    found = cached(f"matrix {kind}", files, lambda: _find(files, kind))
    warn_of_broken(Broken(**one) for one in found["broken"])
    dataset, pairs, meanings = found["dataset"], found["pairs"], found["meanings"]
    if as_json:
        verdicts = [{**pair, "applicable": pair["reason"] is None} for pair in pairs]
        say(json.dumps({"dataset": dataset, "rows": verdicts}, indent=2))
        return
    console = stdout()
    shape = "one task" if len(dataset["tasks"]) == 1 else f"{'funnel' if dataset['chain'] else 'parallel'} tasks"
    sessions = "with" if dataset["sessions"] else "without"
    names = ", ".join(task["name"] for task in dataset["tasks"])
    console.print(f"On a dataset of {shape} ({names}) {sessions} sessions, defaults throughout.")
    console.print(f"Other kinds of dataset: --on {', '.join(found['other kinds'])}\n", markup=False)
    backbones = list(dict.fromkeys(pair["backbone"] for pair in pairs))
    refusals = [meaning for meaning in meanings if meaning is not None]
    letters = dict(zip(dict.fromkeys(refusals), _letters(), strict=False))
    rows: dict[str, dict[str, str]] = {}
    for pair, meaning in zip(pairs, meanings, strict=True):
        rows.setdefault(pair["weighting"], {})[pair["backbone"]] = letters.get(meaning, FITS)
    for part in _parts(backbones, console.width - max(map(len, rows))):
        console.print(
            table(["weighting", *part], [[name, *(marks[one] for one in part)] for name, marks in rows.items()])
        )
        console.print()
    console.print(table(["mark", "meaning"], [(FITS, "makes sense"), *((mark, why) for why, mark in letters.items())]))
    console.print(plain(f"\n{len(pairs)} pairs, {len(refusals)} of them not applicable"))


def _find(files: Sequence[Path], kind: str) -> tuple[dict[str, Any], bool]:
    """The pairs and what is printed with them, and whether that may be kept."""
    from mtlbench.discovery import discover
    from mtlbench.experiments.applicability import KINDS_OF_DATASET, matrix

    catalogue = discover(files)
    if kind not in KINDS_OF_DATASET:
        raise UsageError(f"unknown kind of dataset {kind!r}: {did_you_mean(kind, list(KINDS_OF_DATASET))}")
    schema = KINDS_OF_DATASET[kind]
    pairs = matrix(catalogue, schema)
    meanings = legend(pairs, catalogue)
    found = {
        "dataset": {
            "kind": kind,
            "tasks": [asdict(task) for task in schema.tasks],
            "chain": schema.chain,
            "sessions": schema.sessions,
        },
        "other kinds": [other for other in KINDS_OF_DATASET if other != kind],
        "pairs": [vars(pair) for pair in pairs],
        "meanings": [meanings.get(pair) for pair in pairs],
        "broken": [vars(broken) for broken in catalogue.broken],
    }
    return found, not catalogue.broken


def legend(pairs: "list[Combination]", catalogue: "Catalogue") -> "dict[Combination, str]":
    """A sentence for each refused pair, the same one where reasons differ in the weighting's or backbone's label."""
    own = {pair: pair.reason for pair in pairs if pair.reason is not None}
    for kind, name in (("weighting", "the weighting"), ("backbone", "the backbone")):
        general = {
            pair: re.sub(rf"\b{re.escape(catalogue.get(kind, getattr(pair, kind)).cls.label)}\b", name, reason)
            for pair, reason in own.items()
        }
        spread = {text: {own[pair] for pair in general if general[pair] == text} for text in general.values()}
        own = {pair: text if len(spread[text]) > 1 else own[pair] for pair, text in general.items()}
    return own


def _parts(names: Sequence[str], width: int) -> list[list[str]]:
    """``names`` in parts whose columns fit beside each other into ``width``."""
    parts: list[list[str]] = []
    left = 0
    for name in names:
        needed = len(name) + GAP
        if needed > left or not parts:
            parts.append([])
            left = width
        parts[-1].append(name)
        left -= needed
    return parts


def _letters() -> list[str]:
    return [*ascii_lowercase, *(first + second for first in ascii_lowercase for second in ascii_lowercase)]
