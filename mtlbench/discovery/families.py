"""The families of weightings, from what their classes declare: nobody lists methods by name."""

from collections.abc import Mapping
from typing import Any

MEANINGS: Mapping[str, str] = {
    "From losses": "one weight per task, from the task losses or from nothing",
    "From gradients": "the direction of the shared parameters, from the gradients of the tasks",
    "Per sample": "one weight per sample and task",
    "With stages": "further training from a trained network, or tuning",
}
"""Family -> what its methods do, in the order in which a reader meets them."""


def family_of(cls: type[Any]) -> str:
    """The family of a weighting: how it works at its defaults, by what its class declares and overrides."""
    from mtlbench.api import Weighting  # torch, which an answer from the cache does without

    # The baseline trains one stage at its defaults; its further stages are options for comparisons.
    if cls(cls.Params()).warm_start() is not None or (cls.fit is not Weighting.fit and not cls.baseline):
        return "With stages"
    if cls.needs & {"gram", "jacobian", "cross gram"}:
        return "From gradients"
    return "Per sample" if cls.per_sample else "From losses"
