"""How large numbers and names of a record may be: whoever reads it can compute with them and show them."""

from typing import Any

NUMBER = 1e30
"""Squares and products of what is measured then stay far below the largest float."""
INTEGER = 2**63 - 1
"""What other programs hold, and tables of 64-bit columns."""
PLUGIN_NAME = 60
"""Three of them make the name of a file."""
NAME = 1000
"""Characters of a label, a task or a stage."""
TEXT = 4096
"""Characters of a parameter that is text, such as a path."""
ITEMS = 1000
"""Of a parameter that is a list."""


def bounded(value: Any) -> Any:
    """``value``, a JSON value, where all its numbers and texts are within bounds.

    Raises:
        ValueError: one is not. The message is a clause about it.
    """
    if isinstance(value, float) and abs(value) > NUMBER:
        raise ValueError(f"the number {value:g} is beyond {NUMBER:g}")
    if isinstance(value, int) and abs(value) > INTEGER:
        raise ValueError("an integer is beyond 64 bits")
    if isinstance(value, str) and len(value) > TEXT:
        raise ValueError(f"a text has {len(value):,} characters, more than {TEXT:,}")
    if isinstance(value, (list, tuple, dict)):
        if len(value) > ITEMS:
            raise ValueError(f"a list has {len(value):,} items, more than {ITEMS:,}")
        for item in value:
            bounded(item)
        if isinstance(value, dict):
            bounded(list(value.values()))
    return value
