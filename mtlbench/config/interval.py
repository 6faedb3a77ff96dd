"""How often a training is validated: every so many epochs or steps."""

import re
from typing import Literal, NamedTuple

from mtlbench.errors import UsageError


class Interval(NamedTuple):
    """A number of epochs or steps."""

    length: int
    unit: Literal["epochs", "steps"]

    @classmethod
    def parse(cls, text: str) -> "Interval":
        """``2``, ``2 epochs`` or ``500 steps``.

        Raises:
            UsageError: it is none of these.
        """
        match = re.fullmatch(r"\s*([1-9]\d{0,8})\s*(epochs?|steps?)?\s*", text, re.ASCII)
        if match is None:
            raise UsageError(f"{text!r} is no number of epochs or steps; expected such as 2, '2 epochs' or '500 steps'")
        return cls(int(match[1]), "steps" if (match[2] or "").startswith("step") else "epochs")

    def __str__(self) -> str:
        """The one text of all that mean the same."""
        return f"{self.length} {self.unit if self.length > 1 else self.unit.removesuffix('s')}"
