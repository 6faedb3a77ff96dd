"""From encoded inputs to one vector per field."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.api import Schema
from mtlbench.nn.factored import LEAST_SAVING, SUM_COST, Factored
from mtlbench.nn.linear import first_layers

SMALL_TABLE = 8
"""If a table has this many times fewer rows than a batch reads, it is used whole: finding the distinct rows would cost
more."""
INIT_STD = 0.01
"""Embeddings start near zero, so that ids seen rarely or never in training have little effect."""


class Rows(NamedTuple):
    """The rows of a table that one batch reads."""

    values: Tensor
    """(U, d) leaf of the autograd graph."""
    position: Tensor
    """(B, F) int32: where in ``values`` each row read is."""
    counts: Sequence[int] | None = None
    """Where ``values`` are distinct and lie field by field: how many each field has."""


class FieldEmbedding(nn.Module):
    """Embeds every categorical field in ``width`` dimensions and projects all numerical inputs to one such vector.

    All fields share one table of sum(cardinalities) rows, and each field has its own range of rows. So there is one
    lookup and not F, and one parameter for an optimiser that updates only the rows read. The numerical inputs are
    projected together to ONE vector, as in MTReclib (https://github.com/easezyc/Multitask-Recommendation-Library). The
    table starts normal with standard deviation ``INIT_STD``.

    Args:
        schema: fields and numerical inputs; at least one of the two.
        width: dimensions of an embedding, d.

    Attributes:
        tokens: vectors per row, T = F + (1 if there are numerical inputs).
        width: T * d, the width of the output of ``forward``.
        weight: the table (sum of cardinalities, d).
        rows: a copy of the rows that a batch reads. An optimiser that updates only the rows read sets it for one pass;
            the lookup then reads this copy, and the copy gets the gradient.
    """

    offsets: Tensor
    rows: Rows | None = None

    def __init__(self, schema: Schema, width: int) -> None:
        super().__init__()
        cardinalities = torch.tensor([field.cardinality for field in schema.categorical], dtype=torch.int32)
        self.cardinalities = cardinalities.tolist()
        self.register_buffer("offsets", cardinalities.cumsum(0, dtype=torch.int32) - cardinalities, persistent=False)
        self.weight = nn.Parameter(torch.empty(int(cardinalities.sum()), width))
        nn.init.normal_(self.weight, std=INIT_STD)
        self.numerical = nn.Linear(len(schema.numerical), width) if schema.numerical else None
        self.tokens = len(schema.categorical) + (self.numerical is not None)
        self.width = self.tokens * width

    def forward(self, categorical: Tensor, numerical: Tensor) -> Tensor:
        """Vectors (B, T * d) from ``categorical`` (B, F) int and ``numerical`` (B, D) float32."""
        parts = []
        if len(self.offsets):
            parts.append(self.look_up(categorical).flatten(1))
        if self.numerical is not None:
            parts.append(self.numerical(numerical))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def inputs(self, categorical: Tensor, numerical: Tensor, readers: Iterable[nn.Module] = ()) -> Tensor | Factored:
        """What :meth:`forward` gives, or in its place each distinct vector once, where that saves work.

        It is for the layers of :mod:`mtlbench.nn` and for :meth:`mean`, which take both. ``readers`` are the modules
        that all read it, such as experts and gates; they are faster in one pass.
        """
        rows = self._distinct(categorical)
        if rows is None or rows.counts is None or not self._saves(len(rows.values), categorical):
            return self(categorical, numerical)
        return Factored(
            rows.values, rows.counts, rows.position, numerical, self.numerical, tuple(first_layers(readers))
        )

    def _distinct(self, categorical: Tensor) -> Rows | None:
        if self.rows is not None:
            return self.rows
        if not self._saves(1, categorical):
            return None
        index = self.index(categorical)
        if len(self.weight) * SMALL_TABLE <= index.numel():
            return Rows(self.weight, index, self.cardinalities)
        rows, position = distinct_rows(index, len(self.weight))
        ends = torch.searchsorted(rows, self.offsets[1:]).tolist()
        counts = [end - start for start, end in pairwise([0, *ends, len(rows)])]
        return Rows(self.weight.index_select(0, rows), position, counts)

    def _saves(self, distinct: int, categorical: Tensor) -> bool:
        """Whether a layer does less work on ``distinct`` vectors and their sums than on the vector of each place."""
        if categorical.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return False
        width, places = self.weight.shape[1], categorical.numel()
        return places * (width - SUM_COST) - distinct * width > LEAST_SAVING

    def index(self, categorical: Tensor) -> Tensor:
        """Rows (B, F) of the table that belong to ``categorical`` (B, F)."""
        return categorical + self.offsets

    def look_up(self, categorical: Tensor) -> Tensor:
        """Embeddings (B, F, d)."""
        if self.rows is not None:
            return F.embedding(self.rows.position, self.rows.values)
        return F.embedding(self.index(categorical), self.weight)

    def mean(self, embedded: Tensor | Factored) -> Tensor:
        """Mean (B, d) over the T vectors of ``embedded``, the output of ``forward`` or ``inputs``."""
        if isinstance(embedded, Factored):
            return embedded.mean()
        return embedded.unflatten(1, (self.tokens, -1)).mean(1)


def distinct_rows(index: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The distinct values of ``index`` (B, F) below ``size``, ascending, and where in them each value is, (B, F) int32.

    It gives what ``torch.unique`` gives, without a sort: values are marked in a table, and the marks are numbered.
    """
    reads = index.reshape(-1).long()
    marked = torch.zeros(size, dtype=torch.bool).index_fill_(0, reads, True)
    rows = marked.nonzero().squeeze(1)
    number = torch.empty(size, dtype=torch.int32)
    number[rows] = torch.arange(len(rows), dtype=torch.int32)
    return rows, number.index_select(0, reads).view(index.shape)
