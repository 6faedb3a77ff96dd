"""Write docs/weightings.md from the docstrings of the built-in weightings: ``python docs/build_weightings.py``."""

import re
import sys
from inspect import getdoc
from pathlib import Path
from typing import Any

from mtlbench.config.parameters import parameter_rows
from mtlbench.discovery import Entry, discover

PAGE = Path(__file__).with_name("weightings.md")
BUILT_IN = "mtlbench_plugins."

HEAD = """\
# Weightings

<!-- Written by `python docs/build_weightings.py` from the docstrings of the plugins. Do not edit. -->

Every built-in weighting at a glance, then each with its formula and parameters. The trainer multiplies the weights with
the losses and averages over samples and tasks, so weights of ones are the plain average. K is the number of tasks, B of
samples in a batch, L_k the mean loss of task k, g_k the gradient of L_k with respect to the shared parameters.

`mtlbench info weighting NAME` prints the same in the terminal, and `mtlbench list --matrix` says which backbone each
can be paired with. [Write a plugin](write-a-plugin.md) has how to add one.
"""

REFERENCE = re.compile(r"((?:[\w-]+ ){0,3}(?:19|20)\d\d),?\s+(https?://[^\s,;)]+?)[.:,;)]*(?=\s|$)")
"""Venue and year, and the link behind them."""

LINK = re.compile(r"https?://[^\s,;)]+?(?=[.:,;)]*(?:\s|$))")

SPELT_OUT = {
    r"\,": r"\thinspace ",
    r"\;": r"\thickspace ",
    r"\:": r"\medspace ",
    r"\!": r"\negthinspace ",
    r"\|": r"\Vert ",
    r"\{": r"\lbrace ",
    r"\}": r"\rbrace ",
    r"\\": r"\cr ",
    "<": r"\lt ",
    ">": r"\gt ",
}
"""What Markdown would take away from a formula before it is typeset, in words that it leaves alone."""


def page() -> str:
    """The whole page."""
    entries = [entry for _, entry in sorted(discover().weightings.items()) if entry.cls.__module__.startswith(BUILT_IN)]
    rows = [table_row(["name", "paper", "needs", "in one line"]), table_row(["---"] * 4)]
    rows += [
        table_row([f"[`{entry.name}`](#{entry.name})", paper(entry), needs(entry), prose(entry.summary)])
        for entry in entries
    ]
    return "\n\n".join([HEAD.strip(), "\n".join(rows), *(section(entry) for entry in entries)]) + "\n"


def section(entry: Entry) -> str:
    """A weighting's heading, docstring and parameters."""
    parts = [f"## {entry.name}\n\n**{entry.cls.label}.**", body(getdoc(entry.cls) or "")]
    parameters = parameter_rows(entry.cls.Params)
    if parameters:
        cells = [
            [f"`{row['name']}`", f"`{row['default']}`", row["range"], prose(row["description"])] for row in parameters
        ]
        head = [table_row(["parameter", "default", "range", "meaning"]), table_row(["---"] * 4)]
        parts.append("\n".join(head + [table_row(row) for row in cells]))
    return "\n\n".join(parts)


def paper(entry: Entry) -> str:
    """Venue and year of the first reference, as a link."""
    text = " ".join((getdoc(entry.cls) or "").split())
    if found := REFERENCE.search(text):
        return f"[{found[1]}]({found[2]})"
    found = LINK.search(text)
    return f"[source]({found[0]})" if found else ""


def needs(entry: Entry) -> str:
    """What the method reads beside the losses, and what it continues from."""
    weighting: Any = entry.cls(entry.cls.Params())
    start = weighting.warm_start()
    return ", ".join([*sorted(entry.cls.needs), *([f"trained `{start.weighting}`"] if start else [])]) or "losses"


def body(docstring: str) -> str:
    """A docstring as Markdown: formulas between dollars, the rest as it is."""
    blocks: list[str] = []
    lines = docstring.splitlines()
    while lines:
        line = lines.pop(0)
        if not line.startswith(".. math::"):
            blocks.append(prose(line))
            continue
        formulas = [line.removeprefix(".. math::")]
        while lines and (not lines[0].strip() or lines[0].startswith(" ")):
            formulas.append(lines.pop(0))
        for formula in re.split(r"\n\s*\n", "\n".join(formulas).strip()):
            blocks += ["$$", github(formula), "$$", ""]
    return "\n".join(blocks).strip()


def github(formula: str) -> str:
    """A formula on one line, which Markdown passes on to the typesetter as it is.

    On a line of its own a leading ``-`` or ``=`` would be a list or a heading.
    """
    escape = re.compile("|".join(re.escape(mark) for mark in SPELT_OUT))
    return " ".join(escape.sub(lambda mark: SPELT_OUT[mark[0]], formula).split())


def prose(text: str) -> str:
    """Docstring text as Markdown; a ``<`` that would begin a tag is none."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    outside_and_code = re.split(r"(`[^`]*`)", text)
    outside_and_code[::2] = [re.sub(r"<(?=[A-Za-z/!])", r"\\<", part) for part in outside_and_code[::2]]
    return "".join(outside_and_code)


def table_row(cells: list[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE, file=sys.stderr)
