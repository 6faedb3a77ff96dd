"""How the rows of a log become training, validation and test."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

PARTS = ("train", "validation", "test")
"""The splits, in their order."""


@dataclass(frozen=True)
class Splitting:
    """How a log is split: by fractions of its rows or users, at two times, or as a column says.

    The default is 6:2:2 by time, and drawn from the rows where the log has no timestamp. Within a split, rows are in
    order of time. Any other choice is part of the identity of the data::

        Splitting(fractions=(0.8, 0.1, 0.1))
        Splitting(by_user=True, seed=1)
        Splitting(validation_from=1_716_163_200_000, test_from=1_716_768_000_000)
        Splitting(column="part")
    """

    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    """Shares of training, validation and test, each above 0, which sum to 1."""
    by_user: bool = False
    """Whether all rows of a user are in one split. The fractions are of the users then, drawn by ``seed``."""
    seed: int = 20230430
    """Seed of what is drawn: users, or rows without a timestamp. It is not the seed of a cell."""
    validation_from: int | None = None
    """Milliseconds since 1970 at which validation begins; goes with ``test_from``."""
    test_from: int | None = None
    """Milliseconds since 1970 at which the test split begins."""
    column: str | None = None
    """Column that holds ``train``, ``validation`` or ``test`` in each row."""

    @property
    def cuts(self) -> bool:
        """Whether two times say where a split begins."""
        return self.validation_from is not None or self.test_from is not None

    @property
    def shares(self) -> str:
        """The fractions as a ratio, such as 6:2:2."""
        tenths = all(math.isclose(10 * share, round(10 * share)) for share in self.fractions)
        return ":".join(f"{share * (10 if tenths else 100):.6g}" for share in self.fractions)

    def contradiction(self, has: Collection[str]) -> str | None:
        """What is wrong with it for a log that ``has`` a timestamp, a user or both, with the remedy."""
        counts = replace(self, validation_from=None, test_from=None, column=None) != Splitting()
        if self.column and (self.cuts or counts):
            return "the split is told by a column and in another way too: keep `column` alone, or leave it out"
        if self.cuts and counts:
            return "the split has cut times and fractions, users or a seed: keep one of them"
        if (
            len(self.fractions) != 3
            or min(self.fractions) <= 0
            or not math.isclose(sum(self.fractions), 1, abs_tol=1e-9)
        ):
            return (
                f"`fractions` are {list(self.fractions)}, which sum to {sum(self.fractions):g}: give three numbers "
                "above 0 that sum to 1, such as [0.8, 0.1, 0.1]"
            )
        if self.seed < 0:
            return f"the `seed` of the split is {self.seed}: give 0 or more"
        if self.seed != Splitting.seed and not self.by_user and "timestamp" in has:
            return "a split by time draws nothing, so that `seed` has no meaning: take it out, or say `by_user`"
        if self.by_user and "user" not in has:
            return "`by_user` splits by users, and the log names no user: name its `user` column"
        return self._contradiction_of_cuts(has) if self.cuts else None

    def _contradiction_of_cuts(self, has: Collection[str]) -> str | None:
        if self.validation_from is None or self.test_from is None:
            lacking = "validation_from" if self.validation_from is None else "test_from"
            return f"the split has no `{lacking}`: give both times, at which validation and test begin"
        if "timestamp" not in has:
            return "`validation_from` and `test_from` are times, and the log names no timestamp: name its column"
        if self.validation_from >= self.test_from:
            return (
                f"`validation_from` is {moment(self.validation_from)}, which is not before `test_from`, "
                f"{moment(self.test_from)}: training comes first, then validation, then test"
            )
        return None


def moment(milliseconds: int) -> str:
    """A time since 1970 as a person reads it; the number itself where there is no such date."""
    try:
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return str(milliseconds)
