"""From a pydantic error to sentences that a user understands."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from mtlbench.config.parameters import text_of
from mtlbench.errors import did_you_mean
from mtlbench.text import shortened, shown

OUT_OF_RANGE = {
    "less_than",
    "less_than_equal",
    "greater_than",
    "greater_than_equal",
    "multiple_of",
    "finite_number",
    "too_short",
    "too_long",
}


def complaints(error: ValidationError, given: Mapping[str, Any], known: list[str] | None = None) -> Iterator[str]:
    """One clause per rejected field, such as ``lambda = 2 is out of range: must be less than or equal to 1``.

    Args:
        error: what pydantic raised.
        given: the values that were rejected, by public name.
        known: the names there are, to suggest one for an unknown name.
    """
    told = set()
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        if name in told:
            continue
        told.add(name)
        message = re.sub(r"^\w+ should", "must", detail["msg"]).removeprefix("Value error, ")
        message = message.partition(", unable to parse")[0]
        if detail["type"] == "extra_forbidden":
            yield f"{name!r} is unknown: {did_you_mean(name, known or [])}"
        elif not name:
            yield message
        else:
            verdict = "out of range" if detail["type"] in OUT_OF_RANGE else "invalid"
            yield f"{name} = {_said(given.get(name, detail['input']))} is {verdict}: {message}"


def _said(value: Any) -> str:
    try:
        return shortened(text_of(value), 200)
    except Exception:  # of a class of the user's
        return shown(value)
