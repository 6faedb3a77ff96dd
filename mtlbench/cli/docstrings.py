"""Docstrings of plugins for a terminal: paragraphs that fit it, formulas as text, and no word broken."""

import re
from collections.abc import Iterator

from mtlbench.cli.formulas import formula
from mtlbench.cli.output import wrapped

MATH = ".. math::"
LITERAL = "::"
INDENT = "    "
MARKER = re.compile(r"[-*] +")
CODE = re.compile(r"(?::\w+:)?`~?([^`]+)`|``([^`]+)``")
LATEX = re.compile(r"\\[A-Za-z]+(?:\{[^{}]*\})*")
ESCAPED = re.compile(r"\\([*_`|\\])")


def readable(docstring: str, width: int) -> str:
    """``docstring`` in lines of at most ``width`` characters, where no single word is longer."""
    return "\n\n".join(_blocks(docstring, width))


def _blocks(docstring: str, width: int) -> Iterator[str]:
    kind = ""
    for block in re.split(r"\n\s*\n", docstring.strip("\n")):
        if block.startswith(MATH):
            kind = MATH
        elif not block.startswith(" "):
            kind = ""
        if kind == MATH:  # what is indented below a formula is one more
            lines = formula(block.removeprefix(MATH))
            yield "\n".join(wrapped(line, width, INDENT, INDENT * 2) for line in lines)
        elif kind == LITERAL:
            yield block
        else:
            yield "\n".join(wrapped(_inline(text), width, *indents) for text, indents in _chunks(block))
            kind = LITERAL if block.endswith(LITERAL) else ""


def _chunks(block: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Text that belongs together, such as an item of a list, and what its first and its other lines begin with."""
    words: list[str] = []
    first = rest = ""
    for line in block.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        marker = MARKER.match(line.lstrip())
        if words and (marker or indent != rest):
            yield " ".join(words), (first, rest)
            words = []
        if not words:
            first, rest = indent, indent + " " * (marker.end() if marker else 0)
        words.append(line.strip())
    yield " ".join(words), (first, rest)


def _inline(text: str) -> str:
    """``text`` without markup."""
    text = CODE.sub(lambda found: found[1] or found[2], text.removesuffix(":") if text.endswith(LITERAL) else text)
    text = LATEX.sub(lambda found: " ".join(formula(found[0])), text.replace(r"\,", " "))
    return ESCAPED.sub(r"\1", text)
