"""``mtlbench list --matrix``: which backbone and weighting make a pair, and why the others make none."""

import json
import re
from dataclasses import asdict
from string import ascii_lowercase
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from mtlbench.cli.output import stdout, table, warn_of_broken
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.discovery import Catalogue
    from mtlbench.experiments.applicability import Combination

FITS = "+"
DEFAULT_KIND = "funnel"


def show_matrix(catalogue: "Catalogue", kind: str, as_json: bool) -> None:
    """Print every pair of a backbone and a weighting on a dataset of ``kind``.

    Raises:
        UsageError: there is no such kind of dataset.
    """
    from mtlbench.experiments.applicability import KINDS_OF_DATASET, matrix

    if kind not in KINDS_OF_DATASET:
        raise UsageError(f"unknown kind of dataset {kind!r}: {did_you_mean(kind, list(KINDS_OF_DATASET))}")
    schema = KINDS_OF_DATASET[kind]
    pairs = matrix(catalogue, schema)
    warn_of_broken(catalogue)
    if as_json:
        dataset = {"kind": kind, "tasks": [asdict(task) for task in schema.tasks], "sessions": schema.sessions}
        verdicts = [{**vars(pair), "applicable": pair.reason is None} for pair in pairs]
        typer.echo(json.dumps({"dataset": dataset, "rows": verdicts}, indent=2))
        return
    console = stdout()
    shape = "one task" if len(schema.tasks) == 1 else "funnel tasks" if schema.chain else "parallel tasks"
    sessions = "with" if schema.sessions else "without"
    others = ", ".join(other for other in KINDS_OF_DATASET if other != kind)
    console.print(f"On a dataset of {shape} ({', '.join(schema.task_names)}) {sessions} sessions, defaults throughout.")
    console.print(f"Other kinds of dataset: --on {others}\n", markup=False)
    reasons = legend(pairs, catalogue)
    letters = dict(zip(dict.fromkeys(reasons.values()), _letters(), strict=False))
    backbones = list(dict.fromkeys(pair.backbone for pair in pairs))
    rows: dict[str, list[str]] = {}
    for pair in pairs:
        mark = FITS if pair.reason is None else letters[reasons[pair]]
        rows.setdefault(pair.weighting, []).append(mark)
    console.print(table(["weighting", *backbones], [[name, *marks] for name, marks in rows.items()]))
    console.print()
    console.print(table(["mark", "meaning"], [(FITS, "makes sense"), *((mark, why) for why, mark in letters.items())]))
    refused = sum(pair.reason is not None for pair in pairs)
    console.print(Text(f"\n{len(pairs)} pairs, {refused} of them not applicable"))


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


def _letters() -> list[str]:
    return [*ascii_lowercase, *(first + second for first in ascii_lowercase for second in ascii_lowercase)]
