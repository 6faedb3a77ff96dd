"""LaTeX formulas as text that a terminal shows: ``\\frac{1}{K} \\sum_k w_k`` as ``(1/K) ∑_k w_k``."""

import re
import unicodedata
from functools import cache
from typing import Any

from pylatexenc.latex2text import (
    LatexNodes2Text,
    MacroTextSpec,
    SpecialsTextSpec,
    get_default_latex_context_db,
)
from pylatexenc.latexwalker import LatexWalker
from pylatexenc.latexwalker import get_default_latex_context_db as get_parsing_context_db
from pylatexenc.macrospec import MacroStandardArgsParser, SpecialsSpec, std_macro

LINE, OPEN, CLOSE, APPLY = "\x01\x02\x03\x04"
"""Stand in for a new line, the bars of a norm, and the end of a function's name."""

SPACES = {"quad": " ", ",": " ", ";": " ", ":": " ", " ": " ", "!": "", "qquad": LINE}
SIZES = ("big", "Big", "bigg", "Bigg", "left", "right", "textstyle", "displaystyle")
FUNCTIONS = ("log", "ln", "exp", "min", "max", "sin", "cos", "tan", "inf", "sup", "det", "dim")
PREFIXES = "∑∏∫∇∂√∀∃∞⊤⊥|¬"
"""Mathematical symbols that are no operators between two terms."""
BALANCED = re.compile(r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)")
"""Parentheses around the whole of a text, with up to three more inside each other."""
BRACKETED = re.compile(r"\([^()]*\)|\{[^{}]*\}|\[[^][]*\]|‖[^‖]*‖|⟨[^⟨⟩]*⟩")


def formula(latex: str) -> list[str]:
    """The relations of ``latex``, which ``\\qquad`` separates, as a line each.

    An unknown command keeps its name, and what is no LaTeX stays as it is.
    """
    parsing, writing = _contexts()
    try:
        nodes, _, _ = LatexWalker(latex, latex_context=parsing, tolerant_parsing=True).get_latex_nodes()
        text = LatexNodes2Text(writing, math_mode="text", strict_latex_spaces=True).nodelist_to_text(nodes)
    except Exception:  # whatever the parser and our replacements make of a stranger's formula
        return [" ".join(latex.split())]
    lines = [_bare(line.removesuffix(",")) for part in text.split(LINE) if (line := _spaced(part))]
    return lines or [" ".join(latex.split())]


@cache
def _contexts() -> tuple[Any, Any]:
    """What pylatexenc parses by, and what it writes by."""
    arguments = MacroStandardArgsParser("{")
    parsing = get_parsing_context_db()
    parsing.add_context_category(
        "mtlbench",
        macros=[std_macro("tfrac", False, 2), std_macro("dfrac", False, 2), std_macro("operatorname", False, 1)],
        specials=[SpecialsSpec(mark, args_parser=arguments) for mark in "^_"],
        prepend=True,
    )
    texts = {
        **SPACES,
        **dict.fromkeys(SIZES, ""),
        **{name: f" {name}{APPLY}" for name in FUNCTIONS},
        **dict.fromkeys(("frac", "tfrac", "dfrac"), _fraction),
        "sqrt": _root,
        "lVert": OPEN,
        "rVert": CLOSE,
        "|": "‖",
        "ne": "≠",
        "arg": "arg",
        "operatorname": lambda node, l2tobj: "".join(_arguments(node, l2tobj)),
    }
    writing = get_default_latex_context_db()
    writing.add_context_category(
        "mtlbench",
        macros=[MacroTextSpec(name, text) for name, text in texts.items()],
        specials=[SpecialsTextSpec("^", _superscript), SpecialsTextSpec("_", _subscript)],
        prepend=True,
    )
    writing.set_unknown_macro_spec(MacroTextSpec("", lambda node: node.latex_verbatim()))
    return parsing, writing


def _arguments(node: Any, l2tobj: Any) -> list[str]:
    found = [argument for argument in node.nodeargd.argnlist if argument is not None]
    return [_spaced(l2tobj.nodelist_to_text([argument])) for argument in found]


def _fraction(node: Any, l2tobj: Any) -> str:
    above, below = map(_one, _arguments(node, l2tobj))
    return f"({above}/{below})" if len(above) == len(below) == 1 else f"({above} / {below})"


def _root(node: Any, l2tobj: Any) -> str:
    text = _arguments(node, l2tobj)[-1]
    return f"√{text}" if _plain(text) else f"√({text})"


def _subscript(node: Any, l2tobj: Any) -> str:
    [text] = _arguments(node, l2tobj)
    return f"_{text}" if _plain(text) else f"_{{{text}}}"


def _superscript(node: Any, l2tobj: Any) -> str:
    [text] = _arguments(node, l2tobj)
    return f"^{text} " if _plain(text) or re.fullmatch(r"\([^()]*\)", text) else f"^({text}) "


def _plain(text: str) -> bool:
    return len(text) == 1 or text.isalnum()


def _one(text: str) -> str:
    """``text`` in parentheses, unless it is a single factor."""
    bare, inside = text, ""
    while bare != inside:
        inside, bare = bare, BRACKETED.sub("", bare)
    return f"({text})" if re.search(r"[\s/+−-]", bare) else text


def _spaced(text: str) -> str:
    """``text`` with single spaces: around operators, behind functions, outside of bars, and none inside brackets."""
    operators = {char for char in text if unicodedata.category(char) == "Sm" or char == "·"} - set(PREFIXES)
    for char in operators:
        text = text.replace(char, f" {char} ")
    text = re.sub(rf"{OPEN}\s*(.*?)\s*{CLOSE}", r" ‖\1‖ ", text)
    text = re.sub(rf"{APPLY}\s*(?=[(_^])", "", text).replace(APPLY, " ")
    text = re.sub(r"\barg (?=max|min)", "arg", " ".join(text.split()))
    text = re.sub(r" (?=[)\]},;:^_⟩])|(?<=[(\[{⟨]) ", "", text)
    text = re.sub(r"(?<=\w)- ", " - ", text)
    return re.sub(r"(^|[=←] )- ", r"\1-", text).strip()


def _bare(text: str) -> str:
    """``text`` without parentheses around a whole side of ``=`` or ``←``, and without double ones."""
    text = re.sub(r"\((\((?:[^()]|\([^()]*\))*\))\)", r"\1", text)
    parts = re.split(r"( [=←] )", text)
    return "".join(part[1:-1] if re.fullmatch(BALANCED, part) else part for part in parts)
