"""What a backbone reads of B rows: ids, numbers, bags of ids, and vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Bag(NamedTuple):
    """A field of which each row has any number of ids, such as tags, or the items of a user's past clicks."""

    ids: Tensor
    """(B, L) int32. A row's ids come first; what stands in the places after them is never read."""
    lengths: Tensor
    """(B,) int32 in [0, L]: how many ids each row has."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Encoded inputs of B rows."""

    categorical: Tensor
    """(B, F) int32, column f in ``[0, schema.categorical[f].cardinality)``."""
    numerical: Tensor
    """(B, D) float32, standardised on the training split."""
    bags: tuple[Bag, ...] = ()
    """One for each of ``schema.bags``."""
    vectors: tuple[Tensor, ...] = ()
    """One (B, width) float32 for each of ``schema.vectors``, each number standardised on the training split."""

    def __len__(self) -> int:
        return len(self.categorical)

    def __getitem__(self, rows: Tensor | slice) -> "Inputs":
        """The inputs of some ``rows``."""
        return Inputs.of([tensor[rows] for tensor in self.tensors()])

    def split(self, rows: int) -> Iterator["Inputs"]:
        """The inputs in parts of ``rows`` rows, the last one perhaps shorter."""
        for first in range(0, len(self), rows):
            yield self[first : first + rows]

    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors, in an order that :meth:`of` knows."""
        return (self.categorical, self.numerical, *(tensor for bag in self.bags for tensor in bag), *self.vectors)

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> "Inputs":
        """The inputs of what :meth:`tensors` gave, or of tensors in that order: bags are integers, vectors are not."""
        categorical, numerical, *rest = tensors
        bags = [tensor for tensor in rest if not tensor.is_floating_point()]
        return cls(categorical, numerical, tuple(map(Bag, bags[::2], bags[1::2])), tuple(rest[len(bags) :]))

    def to(self, device: torch.device | str) -> "Inputs":
        """The same inputs on ``device``."""
        return Inputs.of([tensor.to(device) for tensor in self.tensors()])
