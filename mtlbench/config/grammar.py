"""The grammar of plugin specs: ``name``, ``name[key=value|value,key=value]``, and lists of them.

Quotes, single or double, keep a value that contains any of ``, | [ ] =`` together: ``table[schema='a,b.toml']``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mtlbench.errors import UsageError

ALL = "all"
QUOTES = "'\""
QUOTE_IT = "if a path or another value has brackets in it, quote it: NAME[PARAMETER='VALUE']"


@dataclass(frozen=True)
class ValueText:
    """A parameter's value as it was typed, without its quotes."""

    text: str
    quoted: bool = False
    """Whether it was in quotes, and so is text and nothing else."""


def parse(text: str) -> list[tuple[str, dict[str, list[ValueText]]]]:
    """The specs in the comma-separated list ``text``: name, and the values of each parameter.

    Raises:
        UsageError: it does not follow the grammar.
    """
    return [_spec(part.strip()) for part in _split(text, ",")]


def quoted(text: str) -> str:
    """``text`` as a value of the grammar, in quotes where it needs them."""
    plain = text and text == text.strip() and not any(mark in text for mark in f",|[]={QUOTES}")
    if plain:
        return text
    return f'"{text}"' if "'" in text else f"'{text}'"


def _spec(text: str) -> tuple[str, dict[str, list[ValueText]]]:
    name, bracket, rest = text.partition("[")
    name = name.strip()
    if not name:
        raise UsageError(f"a name is missing in {text!r}; expected NAME or NAME[PARAMETER=VALUE,...]")
    if not bracket:
        return name, {}
    inside = rest[:-1]
    if not rest.endswith("]") or any(mark in "[]" for _, mark in _unquoted(inside)):
        raise UsageError(
            f"unexpected text after the bracket in {text!r}; expected NAME[PARAMETER=VALUE,...]; {QUOTE_IT}"
        )
    parameters: dict[str, list[ValueText]] = {}
    if not inside.strip():
        return name, parameters
    for part in _split(inside, ","):
        key, equals, values = part.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(
                f"{part.strip()!r} in {text!r} is not PARAMETER=VALUE; a list of numbers is written with hyphens, such "
                "as bottom=512-256"
            )
        if key in parameters:
            raise UsageError(f"parameter {key!r} stands twice in {text!r}; several values are written {key}=A|B")
        parameters[key] = [_value(value, key, text) for value in _split(values, "|")]
    return name, parameters


def _value(raw: str, key: str, whole: str) -> ValueText:
    text = raw.strip()
    if len(text) >= 2 and text[0] in QUOTES and text[-1] == text[0] and text[0] not in text[1:-1]:
        return ValueText(text[1:-1], quoted=True)
    if not text:
        raise UsageError(f"parameter {key!r} in {whole!r} has an empty value; expected {key}=VALUE")
    return ValueText(text)


def _unquoted(text: str) -> Iterator[tuple[int, str]]:
    """Place and character of everything in ``text`` outside quotes."""
    quote = ""
    for place, mark in enumerate(text):
        if quote:
            quote = "" if mark == quote else quote
        elif mark in QUOTES:
            quote = mark
        else:
            yield place, mark
    if quote:
        raise UsageError(f"the quote {quote} in {text!r} is not closed")


def _split(text: str, separator: str) -> list[str]:
    """``text`` cut at ``separator`` outside quotes and brackets."""
    parts, start, depth = [], 0, 0
    for place, mark in _unquoted(text):
        depth += (mark == "[") - (mark == "]")
        if depth not in {0, 1}:
            break
        if mark == separator and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    if depth != 0:
        raise UsageError(f"unbalanced bracket in {text!r}; expected NAME[PARAMETER=VALUE,...]; {QUOTE_IT}")
    return [*parts, text[start:]]
