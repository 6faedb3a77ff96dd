"""A log as a training sees it: encoded, in three splits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mtlbench.api.inputs import Bag, Inputs
from mtlbench.api.schema import Schema


@dataclass(frozen=True)
class Split:
    """One encoded part of a dataset: N rows in order of time, F categorical and D numerical inputs, K tasks.

    The session index makes each row one transition of a session MDP: the next state of row i is row ``next_row[i]``.
    """

    categorical: Tensor
    """(N, F) int32, column f in ``[0, schema.categorical[f].cardinality)``."""
    numerical: Tensor
    """(N, D) float32, standardised on the training split."""
    labels: Tensor
    """(N, K) float32, each in its task's unit, 0 or 1 of a binary task; NaN where not observed."""
    timestamp: Tensor
    """(N,) int64 milliseconds, never decreasing; the row number where the log has no timestamp."""
    session: Tensor
    """(N,) int64, from 0 without gaps; a session cut by a split boundary is two. Row number without sessions."""
    user: Tensor
    """(N,) int64, without gaps over the whole dataset; row number where the log has no users."""
    position: Tensor
    """(N,) int64, the row's place in its session, from 0."""
    next_row: Tensor
    """(N,) int64, row of the next impression of the same session; the row itself where the session ends."""
    done: Tensor
    """(N,) bool, whether the session ends with this row."""
    optimum: Tensor | None = None
    """(N, K) float64 true means of the labels given the inputs, where the generator knows them."""
    bags: tuple[Bag, ...] = ()
    """One for each of ``schema.bags``, of N rows."""
    vectors: tuple[Tensor, ...] = ()
    """One (N, width) float32 for each of ``schema.vectors``."""
    weight: Tensor | None = None
    """(N,) float32 sample weights as the log has them, >= 0; the labels of a row of weight 0 are NaN. ``None``: the log
    has none."""

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Split":
        """The same split with every tensor on ``device``."""
        inputs = vars(self.inputs.to(device))
        others = {name: value for name, value in vars(self).items() if name not in inputs}
        moved = {name: value.to(device) for name, value in others.items() if isinstance(value, Tensor)}
        return Split(**{**others, **moved, **inputs})

    @property
    def inputs(self) -> Inputs:
        """What a backbone reads of all N rows."""
        return Inputs(self.categorical, self.numerical, self.bags, self.vectors)


@dataclass(frozen=True)
class Splits:
    """An encoded dataset."""

    schema: Schema
    train: Split
    validation: Split
    test: Split
    fingerprint: str
    """sha256 over raw content, parameters, the dataset's version and that of the encoding."""
    facts: Mapping[str, float | int | str]
    """Facts of the log, and the sizes and base rates of the splits."""
    warnings: tuple[str, ...] = ()
    """What whoever reads results on it must know, as sentences with their figures; ``mtlbench run`` prints them."""

    def to(self, device: torch.device) -> "Splits":
        """The same dataset with every tensor on ``device``."""
        train, validation, test = (split.to(device) for split in self.parts().values())
        return replace(self, train=train, validation=validation, test=test)

    def parts(self) -> dict[str, Split]:
        """The three splits by name, in order of time."""
        return {"train": self.train, "validation": self.validation, "test": self.test}
