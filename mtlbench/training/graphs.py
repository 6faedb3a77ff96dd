"""The pass through a backbone: kernel by kernel, or as CUDA graphs, one launch each way in place of hundreds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Self

import torch
from torch import Tensor, nn

from mtlbench.api import Backbone, Inputs, TrainingError
from mtlbench.nn import FieldEmbedding
from mtlbench.nn.embedding import Rows
from mtlbench.training.seeding import generators, set_generators


class EagerPass:
    """A pass through ``backbone``, kernel by kernel.

    Args:
        backbone: the network.
        precision: ``float32`` or ``bfloat16``, of the pass; logits are float32.
    """

    def __init__(self, backbone: Backbone, precision: str) -> None:
        self.backbone = backbone
        self._precision = getattr(torch, precision)

    def __call__(self, inputs: Inputs) -> Tensor:
        """Logits (B, K) of B rows, in the autograd graph."""
        reduced = self._precision != torch.float32
        with torch.autocast(inputs.categorical.device.type, self._precision, enabled=reduced):
            logits: Tensor = self.backbone(inputs)
        return logits.float()


class GraphedPass:
    """A pass over batches of ``rows`` rows, recorded at the first of them and replayed at all others.

    A GPU computes the kernels of a training step faster than a host launches them one by one. The kernels recorded are
    those of ``eager``, with the same random numbers. So the results are the same, except for sums that a GPU adds up in
    no fixed order. Batches of another number of rows go through ``eager`` itself.

    The gradients of the next backward pass are written over those of the last. So one backward pass follows each pass,
    and its gradients are used before the next. Methods of task gradients go backward more often
    (:mod:`mtlbench.training.replay`).

    Args:
        eager: the pass. Its backbone is on a CUDA device, in training mode whenever this is called, and its buffers
            are not changed by the recording.
        rows: B.

    Raises:
        TrainingError: at the first batch, where ``eager`` cannot be recorded.
    """

    def __init__(self, eager: EagerPass, rows: int) -> None:
        self._eager = eager
        self._rows = rows
        self._recorded: _Recording | None = None

    def __call__(self, inputs: Inputs) -> Tensor:
        """Logits (B, K)."""
        if len(inputs) != self._rows:
            return self._eager(inputs)
        if self._recorded is None:
            try:
                self._recorded = _Recording.of(self._eager, inputs)
            except RuntimeError as error:
                raise TrainingError(
                    f"the pass through {self._eager.backbone.label} cannot be recorded as a CUDA graph ({error}); "
                    "where its forward looks at values, say `replayable = False` in its class"
                ) from error
        logits: Tensor = self._recorded(*inputs.tensors(), *self._recorded.reads())
        return logits.clone()


class _Recording(nn.Module):
    """A pass as a function of all tensors that change from batch to batch."""

    def __init__(self, eager: EagerPass) -> None:
        super().__init__()
        self.backbone = eager.backbone
        self._eager = eager
        self._tables = tables_of(eager.backbone)

    @classmethod
    def of(cls, eager: EagerPass, inputs: Inputs) -> Self:
        """``eager`` as recorded with a first batch."""
        recording = cls(eager)
        sample = [
            tensor.detach().clone().requires_grad_(tensor.requires_grad)
            for tensor in (*inputs.tensors(), *recording.reads())
        ]
        with unnoticed(eager.backbone, inputs.categorical.device):
            torch.cuda.make_graphed_callables(recording, tuple(sample), allow_unused_input=True)  # replaces its forward
        return recording

    def reads(self) -> Iterator[Tensor]:
        """The rows that the batch reads of large tables, and where they are read."""
        return reads_of(self._tables)

    def forward(self, *tensors: Tensor) -> Tensor:
        inputs, reads = tensors[: -2 * len(self._tables) or None], tensors[len(tensors) - 2 * len(self._tables) :]
        with reading(self._tables, reads):
            return self._eager(Inputs.of(inputs))


def tables_of(backbone: Backbone) -> list[FieldEmbedding]:
    """The tables of which a batch reads a copy of some rows."""
    tables = (module for module in backbone.modules() if isinstance(module, FieldEmbedding))
    return [table for table in tables if table.rows is not None]


def reads_of(tables: Sequence[FieldEmbedding]) -> Iterator[Tensor]:
    """Of each table the rows that the batch reads, and where they are read."""
    return chain.from_iterable(table.rows[:2] for table in tables if table.rows is not None)


@contextmanager
def reading(tables: Sequence[FieldEmbedding], reads: Sequence[Tensor]) -> Iterator[None]:
    """Inside, the tables read ``reads``, as :func:`reads_of` gives them."""
    own = [table.rows for table in tables]
    for table, values, position in zip(tables, reads[::2], reads[1::2], strict=True):
        table.rows = Rows(values, position)
    try:
        yield
    finally:
        for table, rows in zip(tables, own, strict=True):
            table.rows = rows


@contextmanager
def unnoticed(network: nn.Module, device: torch.device) -> Iterator[None]:
    """What is computed inside changes neither the buffers of ``network`` nor torch's random numbers."""
    before = generators(device)
    # A cast that autocast remembers would be of the recording's memory, and read outside of it.
    kind = device.type
    uncached = torch.autocast(kind, enabled=torch.is_autocast_enabled(kind), cache_enabled=False)
    try:
        with buffers_kept(network), uncached:
            yield
    finally:
        set_generators(device, before)


@contextmanager
def buffers_kept(network: nn.Module) -> Iterator[None]:
    """Afterwards the buffers of ``network``, such as batch normalisation's running statistics, are as before."""
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, value in before:
            buffer.copy_(value)
