"""Troubles of a log that a weighting may be made for, and that can be measured on it."""

from typing import Literal, get_args

Trouble = Literal["scale", "conflict", "pace", "rarity"]
"""What a weighting says that it repairs.

``scale``
    The losses, or the gradients, of the tasks differ in size, so that one task outweighs the others.
``conflict``
    The gradients of the tasks point against each other.
``pace``
    The tasks learn at different rates, so that one is done while another has hardly begun.
``rarity``
    One of the two labels of a task is rare.
"""


def check_repairs(owner: str, repairs: frozenset[str]) -> None:
    """Refuse what is no trouble.

    Raises:
        TypeError: naming the troubles that there are.
    """
    if unknown := sorted(repairs - {*get_args(Trouble)}):
        raise TypeError(f"{owner}.repairs names {', '.join(unknown)}; choose among {', '.join(get_args(Trouble))}")
