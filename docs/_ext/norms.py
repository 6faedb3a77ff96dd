"""Escape bars outside of code: docstrings write a norm as |g|, and the markup would read a substitution."""

import re

from sphinx.application import Sphinx

CODE = re.compile(r"(``.*?``)")


def escape_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Escape every bar in text; formulas and literal blocks, which are indented below ``::``, stay as they are."""
    block: int | None = None
    for place, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if block is not None and line.strip() and indent <= block:
            block = None
        if block is None:
            lines[place] = "".join(
                part if CODE.fullmatch(part) else part.replace("|", r"\|") for part in CODE.split(line)
            )
        if line.rstrip().endswith("::") or line.lstrip().startswith(".. math::"):
            block = indent


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hook."""
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True}
