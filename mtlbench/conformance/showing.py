"""Values as text, for the kit's messages."""

from torch import Tensor

MOST_NUMBERS = 8


def show(values: Tensor, digits: int = 5) -> str:
    """The numbers of a tensor, or the first few of many."""
    flat = values.detach().flatten().tolist()
    numbers = ", ".join(f"{value:.{digits}g}" for value in flat[:MOST_NUMBERS])
    return f"({numbers}{', ...' if len(flat) > MOST_NUMBERS else ''})"
