"""The first layer over embeddings, computed once for each distinct vector and not once for each sample.

The input of a first layer is the concatenation of F field embeddings e_f and one vector of the numerical inputs. With W
= [W_1 ... W_F, W_n] cut in the same way (vectors p of pooled bags, which are not repeated, add W_p p),

    W x + b  =  sum_f W_f e_f  +  W_n (A z + a)  +  b.

A batch reads the same embeddings many times: only U of its B * F places hold distinct vectors. So W_f e_f is computed U
times, and each sample sums F rows of the result. The same holds backwards: the gradients of all places that read one
vector are summed first and multiplied with W_f afterwards. The numerical part is one small product with W_n A. This is
the same mathematics in another order of summation, with U / (B * F) of the multiplications.

Experts and gates read the same vectors. If F is large, their products are so small that calling them costs as much as
computing them. So layers that are known to read together do it as one layer, their weights stacked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.nn.first_layer import Project
from mtlbench.nn.ordering import stable_order

SUM_COST = 12
"""Summing one row over its places, forward and backward, costs as much as multiplying this many of its inputs."""
LEAST_SAVING = 1 << 15
"""So many multiplications must be saved for each output of a layer, to make up for the many small operations."""
SMALL_PRODUCT = 1 << 22
"""Layers read together if one of them needs fewer multiplications than this with the vectors of one field. Above it,
stacking their weights costs more than the calls."""
CACHE_ELEMENTS = 1 << 22
"""How many elements of the products of distinct vectors are made at a time: as many as the last cache of a processor
holds."""


@dataclass(frozen=True, eq=False)
class Factored:
    """The vectors of B samples, each distinct vector once.

    It stands for the concatenation (B, T * d) that :meth:`mtlbench.nn.FieldEmbedding.forward` gives.
    """

    values: Tensor
    """(U, d) vectors, those of the first field first, then those of the second, ..."""
    counts: Sequence[int]
    """How many of them belong to each field; their sum is U."""
    position: Tensor
    """(B, F) int32: where in ``values`` each vector of a sample is."""
    numerical: Tensor
    """(B, D) numerical inputs."""
    projection: nn.Linear | None
    """From D numbers to the last vector; ``None`` without numerical inputs."""
    together: Sequence[nn.Linear] = ()
    """Layers that all read the batch. They do it in one pass, where that is faster."""
    pooled: Tensor | None = None
    """(B, m * d) the vectors of m bags and columns of vectors, which lie between those of the fields and the numerical
    one."""
    _read: dict[nn.Linear, Tensor] = field(default_factory=dict)
    """Outputs of layers of ``together`` that are computed and not yet asked for."""

    @cached_property
    def _one_pass(self) -> Sequence[nn.Linear]:
        """The layers of ``together``, if their products with the vectors of one field are small; else none."""
        largest = max((layer.weight.numel() for layer in self.together), default=0)
        return self.together if len(self.values) * largest <= SMALL_PRODUCT * len(self.counts) ** 2 else ()

    @cached_property
    def places(self) -> Tensor:
        """``position`` in one dimension."""
        return self.position.reshape(-1).int()

    @cached_property
    def offsets(self) -> Tensor:
        """Where in ``places`` each sample begins."""
        batch, fields = self.position.shape
        return torch.arange(0, batch * fields, fields, dtype=torch.int32)

    @cached_property
    def readers(self) -> tuple[Tensor, Tensor]:
        """The samples that read each vector, in the order of the vectors, and where in this list each vector begins."""
        order = stable_order(self.places, len(self.values))
        reads = torch.bincount(self.places, minlength=len(self.values))
        return (order // self.position.shape[1]).int(), (reads.cumsum(0) - reads).int()

    @cached_property
    def numbers(self) -> Tensor:
        """(B, D + 1) numerical inputs and a column of ones."""
        return F.pad(self.numerical, (0, 1), value=1.0)

    def slices(self, width: int) -> list[slice]:
        """The outputs of a layer in slices, such that the products of a slice with all vectors fit the cache."""
        parts = 1 + len(self.values) * width // CACHE_ELEMENTS
        bounds = [width * part // parts for part in range(parts + 1)]
        return [slice(*ends) for ends in pairwise(bounds)]

    def groups(self, tasks: int, width: int) -> list[slice]:
        """Groups of ``tasks``, such that the products of a group with all vectors fit the cache; one task at least."""
        parts = min(tasks, 1 + len(self.values) * width * tasks // CACHE_ELEMENTS)
        bounds = [tasks * part // parts for part in range(parts + 1)]
        return [slice(*ends) for ends in pairwise(bounds)]

    def dense(self) -> Tensor:
        """The concatenation (B, T * d) itself, for those that are to read a tensor.

        They are among ``together``, so what was computed for layers that have not asked yet is dropped, and the layers
        that still ask are computed one by one.
        """
        self._read.clear()
        vars(self)["_one_pass"] = ()
        parts = [F.embedding(self.position, self.values).flatten(1)]
        parts += [] if self.pooled is None else [self.pooled]
        parts += [] if self.projection is None else [self.projection(self.numerical)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def gather(self, rows: Tensor) -> Tensor:
        """For each sample the sum (B, w) of ``rows`` (U, w) over its fields."""
        return F.embedding_bag(self.places, rows, self.offsets, mode="sum")

    def scatter(self, samples: Tensor) -> Tensor:
        """For each vector the sum (U, w) of ``samples`` (B, w) over those that read it."""
        readers, offsets = self.readers
        return F.embedding_bag(readers, samples, offsets, mode="sum")

    def mean(self) -> Tensor:
        """Mean (B, d) over the T vectors of each sample."""
        total: Tensor = _Sum.apply(self, self.values)  # type: ignore[no-untyped-call]
        tokens = len(self.counts)
        if self.pooled is not None:
            bags = self.pooled.unflatten(1, (-1, self.values.shape[1]))
            total, tokens = total + bags.sum(1), tokens + bags.shape[1]
        if self.projection is None:
            return total / tokens
        return (total + self.projection(self.numerical)) / (tokens + 1)

    def project(self, layer: nn.Linear) -> Tensor:
        """``W x + b`` (B, w) of each sample, where W (w, T * d) and b (w,) are those of ``layer``."""
        if layer not in self._read:
            layers = self._one_pass if layer in self._one_pass else (layer,)
            inner = () if self.projection is None else (self.projection.weight, self.projection.bias)
            parameters = [*inner, *(one.weight for one in layers), *(one.bias for one in layers)]
            outputs = Project.apply(self, len(layers), self.values, self.pooled, *parameters)  # type: ignore[no-untyped-call]
            self._read.update(zip(layers, outputs, strict=True))
        # Kept no longer than needed: the outputs hold the graph, which holds what they were computed from.
        return self._read.pop(layer)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, factored: Factored, values: Tensor) -> Tensor:
        ctx.factored = factored
        return factored.gather(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, ctx.factored.scatter(gradient.contiguous())
