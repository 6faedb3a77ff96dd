"""From encoded inputs to one vector per field."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.api import Inputs, Schema
from mtlbench.nn.activation import Dropout
from mtlbench.nn.factored import LEAST_SAVING, SUM_COST, Factored
from mtlbench.nn.linear import first_layers
from mtlbench.nn.pooling import held, pool, trimmed

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
    """Embeds every categorical field and every bag in ``width`` dimensions, and projects numbers and vectors to it.

    All fields share one table, and each field has its own range of rows, as have bags with ids of their own. So there
    is one lookup and not F, and one parameter for an optimiser that updates only the rows read. The numerical inputs
    are projected together to ONE vector, as in MTReclib
    (https://github.com/easezyc/Multitask-Recommendation-Library), and each column of vectors to one. The table starts
    normal with standard deviation ``INIT_STD``.

    Args:
        schema: fields, bags, vectors and numerical inputs; at least one of them.
        width: dimensions of an embedding, d.
        fields: names of the categorical fields to embed, and nothing else; ``None``: all inputs.

    Attributes:
        columns: the categorical inputs that it reads, where ``fields`` names them.
        tokens: vectors per row, T = F + number of bags + number of columns of vectors + (1 if there are numerical
            inputs), in this order.
        width: T * d, the width of the output of ``forward``.
        weight: the table (sum of cardinalities, d).
        starts: the first row of each range of the table, those of the fields first.
        bag_starts: the first row of the range of each bag.
        dropout: of the numbers of the output of ``forward``, all T vectors alike; the trainer sets its share.
        rows: a copy of the rows that a batch reads. An optimiser that updates only the rows read sets it for one pass;
            the lookup then reads this copy, and the copy gets the gradient.
    """

    columns: Tensor | None
    offsets: Tensor
    starts: Tensor
    rows: Rows | None = None

    def __init__(self, schema: Schema, width: int, fields: Sequence[str] | None = None) -> None:
        super().__init__()
        columns = None
        if fields is not None:
            places = [[field.name for field in schema.categorical].index(name) for name in fields]
            columns, of_fields = torch.tensor(places), tuple(schema.categorical[place] for place in places)
            schema = replace(schema, categorical=of_fields, numerical=(), bags=(), vectors=())
        self.register_buffer("columns", columns, persistent=False)
        ranges = (*schema.categorical, *(bag for bag in schema.bags if bag.of is None))
        cardinalities = torch.tensor([field.cardinality for field in ranges], dtype=torch.int32)
        starts = cardinalities.cumsum(0, dtype=torch.int32) - cardinalities
        self.cardinalities = cardinalities[: len(schema.categorical)].tolist()
        self.register_buffer("starts", starts, persistent=False)
        self.register_buffer("offsets", starts[: len(schema.categorical)], persistent=False)
        self.weight = nn.Parameter(torch.empty(int(cardinalities.sum()), width))
        nn.init.normal_(self.weight, std=INIT_STD)
        self.numerical = nn.Linear(len(schema.numerical), width) if schema.numerical else None
        named = {field.name: start for field, start in zip(ranges, starts.tolist(), strict=True)}
        self.bag_starts = [named[bag.of or bag.name] for bag in schema.bags]
        place = {field.name: number for number, field in enumerate(schema.categorical)}
        self.pools = nn.ModuleList(pool(bag.pooling, width, place.get(bag.of or "")) for bag in schema.bags)
        self.vectors = nn.ModuleList(nn.Linear(vector.width, width) for vector in schema.vectors)
        self.tokens = len(schema.categorical) + len(schema.bags) + len(schema.vectors) + (self.numerical is not None)
        self.width = self.tokens * width
        self.dropout = Dropout()

    def forward(self, inputs: Inputs) -> Tensor:
        """Vectors (B, T * d) of B rows."""
        inputs = of_columns(inputs, self.columns)
        values, position = self._read(inputs)
        parts = []
        if len(self.offsets):
            parts.append(F.embedding(position[:, : len(self.offsets)], values).flatten(1))
        parts += self._pooled(inputs, values, position)
        if self.numerical is not None:
            parts.append(self.numerical(inputs.numerical))
        embedded: Tensor = self.dropout(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))
        return embedded

    def factored(self, inputs: Inputs, readers: Iterable[nn.Module] = ()) -> Tensor | Factored:
        """What :meth:`forward` gives, or in its place each distinct vector once, where that saves work.

        It is for the layers of :mod:`mtlbench.nn` and for :meth:`mean`, which take both. ``readers`` are the modules
        that all read it, such as experts and gates; they are faster in one pass.
        """
        own = of_columns(inputs, self.columns)
        rows = None if self.dropout.active else self._distinct(own)  # each sample's vectors have masks of their own
        if rows is None or rows.counts is None or not self._saves(len(rows.values), own):
            embedded: Tensor = self(inputs)
            return embedded
        pooled = self._pooled(own, *self._read(own)) if self.pools else self._projected(own)
        return Factored(
            rows.values,
            rows.counts,
            rows.position,
            own.numerical,
            self.numerical,
            tuple(first_layers(readers)),
            torch.cat(pooled, dim=1) if pooled else None,
        )

    def _distinct(self, inputs: Inputs) -> Rows | None:
        """The rows that the single ids read, where they are known or cheap to find."""
        if self.rows is not None:
            return self._of_fields(self.rows) if self.pools else self.rows
        if not self._saves(1, inputs):
            return None
        index = inputs.categorical + self.offsets
        size = sum(self.cardinalities)
        if size * SMALL_TABLE <= index.numel():
            return Rows(self.weight[:size] if self.pools else self.weight, index, self.cardinalities)
        rows, position = distinct_rows(index, len(self.weight))
        return Rows(self.weight.index_select(0, rows), position, _counts(rows, self.offsets[1:]))

    def _of_fields(self, rows: Rows) -> Rows:
        """Those of ``rows`` that the single ids read: a first layer has no use for what bags alone read."""
        if rows.counts is None:
            return rows
        read, position = distinct_rows(rows.position[:, : len(self.offsets)], len(rows.values))
        ends = torch.tensor(rows.counts).cumsum(0)[: len(self.offsets) - 1]
        return Rows(rows.values.index_select(0, read), position, _counts(read, ends))

    def _saves(self, distinct: int, inputs: Inputs) -> bool:
        """Whether a layer does less work on ``distinct`` vectors and their sums than on the vector of each place."""
        if inputs.categorical.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return False
        width, places = self.weight.shape[1], inputs.categorical.numel()
        return places * (width - SUM_COST) - distinct * width > LEAST_SAVING

    def index(self, inputs: Inputs) -> Tensor:
        """Rows (B, F + places of the bags) of the table that ``inputs`` read.

        A bag has as many places as its longest row in the batch fills. Those that hold no id in a row read the unknown
        one, of which nothing is used.
        """
        return self._index(of_columns(inputs, self.columns))

    def _index(self, inputs: Inputs) -> Tensor:
        singles = inputs.categorical + self.offsets
        if not self.pools:
            return singles
        bags = zip(map(trimmed, inputs.bags), self.bag_starts, strict=True)
        return torch.cat([singles, *(bag.ids * held(bag) + start for bag, start in bags)], dim=1)

    def _read(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Vectors, and where in them each place of :meth:`index` is."""
        if self.rows is not None:
            return self.rows.values, self.rows.position
        return self.weight, self._index(inputs)

    def _pooled(self, inputs: Inputs, values: Tensor, position: Tensor) -> list[Tensor]:
        """The vector (B, d) of each bag, and of each column of vectors."""
        fields = position[:, : len(self.offsets)]
        bags = [trimmed(bag) for bag in inputs.bags]
        places = position[:, len(self.offsets) :].split([bag.ids.shape[1] for bag in bags], dim=1)
        pooled = [one(values, where, bag, fields) for one, where, bag in zip(self.pools, places, bags, strict=True)]
        return pooled + self._projected(inputs)

    def _projected(self, inputs: Inputs) -> list[Tensor]:
        """The vector (B, d) of each column of vectors."""
        return [project(vector) for project, vector in zip(self.vectors, inputs.vectors, strict=True)]

    def mean(self, embedded: Tensor | Factored) -> Tensor:
        """Mean (B, d) over the T vectors of ``embedded``, the output of ``forward`` or ``factored``."""
        if isinstance(embedded, Factored):
            return embedded.mean()
        return embedded.unflatten(1, (self.tokens, -1)).mean(1)


def of_columns(inputs: Inputs, columns: Tensor | None) -> Inputs:
    """The categorical inputs of ``columns`` alone; all inputs for ``None``."""
    if columns is None:
        return inputs
    return Inputs(inputs.categorical.index_select(1, columns), inputs.numerical[:, :0])


def _counts(rows: Tensor, ends: Tensor) -> list[int]:
    """How many of the ascending ``rows`` lie in each range; ``ends`` are those of all ranges but the last."""
    bounds = torch.searchsorted(rows, ends).tolist()
    return [end - start for start, end in pairwise([0, *bounds, len(rows)])]


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
