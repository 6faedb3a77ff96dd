"""How much groups of test rows move a cell's scores, small enough for its record."""

from base64 import b64decode, b64encode
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mtlbench import bounds

LONGEST = 4 * bounds.ITEMS
"""Characters of the sums of one task."""
WHOLE = 3e-3
"""The sums of a task add up to 0, but for rounding; more than this share of their size is damage."""


def encoded(sums: NDArray[np.float64]) -> str:
    """``sums`` (G,) as text: their size as float32, and each over it as float16."""
    size = np.sqrt((sums**2).mean()) or 1.0
    return b64encode(np.asarray(size, "<f4").tobytes() + (sums / size).astype("<f2").tobytes()).decode()


def decoded(text: str) -> NDArray[np.float64]:
    """The inverse of :func:`encoded`, to three digits.

    Raises:
        ValueError: ``text`` is not what it wrote.
    """
    content = b64decode(text, validate=True)
    if len(content) < 6 or len(content) % 2:
        raise ValueError("it is no list of sums")
    sums: NDArray[np.float64] = np.frombuffer(content[4:], "<f2").astype(float) * np.frombuffer(content[:4], "<f4")[0]
    if not np.isfinite(sums).all():
        raise ValueError("a sum is not finite")
    if abs(sums.sum()) > WHOLE * np.abs(sums).sum():
        raise ValueError("the sums do not add up to 0")
    return sums


def _readable(text: str) -> str:
    decoded(text)
    return text


Sums = Annotated[str, Field(max_length=LONGEST), AfterValidator(_readable)]


class Influence(BaseModel):
    """For each task how much groups of test rows move its primary metric, by which the test-sample error is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: Literal["session", "user", "row"]
    """What was dealt to the groups as a whole."""
    sums: dict[Annotated[str, Field(max_length=bounds.NAME)], Sums]
    """Task -> :func:`encoded` sums of the influence of each row, over the same groups in every cell of the data."""
