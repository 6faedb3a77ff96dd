"""The pass through a backbone: kernel by kernel, or as CUDA graphs, one launch each way in place of hundreds."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Self

import torch
from torch import Tensor, nn

from mtlbench.api import Backbone, Inputs, TrainingError
from mtlbench.nn import FieldEmbedding
from mtlbench.nn.embedding import Rows


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
    and its gradients are used before the next. Methods of task gradients go backward more often and use ``eager``.

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
        self._tables = [
            module
            for module in eager.backbone.modules()
            if isinstance(module, FieldEmbedding) and module.rows is not None
        ]

    @classmethod
    def of(cls, eager: EagerPass, inputs: Inputs) -> Self:
        """``eager`` as recorded with a first batch."""
        recording = cls(eager)
        rows = [table.rows for table in recording._tables]
        sample = [
            tensor.detach().clone().requires_grad_(tensor.requires_grad)
            for tensor in (*inputs.tensors(), *recording.reads())
        ]
        random = torch.cuda.get_rng_state(inputs.categorical.device)
        # A cast that autocast remembers would be of the recording's memory, and read outside of it.
        uncached = torch.autocast("cuda", enabled=torch.is_autocast_enabled("cuda"), cache_enabled=False)
        with buffers_kept(eager.backbone), uncached:
            torch.cuda.make_graphed_callables(recording, tuple(sample), allow_unused_input=True)  # replaces its forward
        torch.cuda.set_rng_state(random, inputs.categorical.device)
        for table, own in zip(recording._tables, rows, strict=True):
            table.rows = own
        return recording

    def reads(self) -> Iterator[Tensor]:
        """The rows that the batch reads of large tables, and where they are read."""
        return chain.from_iterable(table.rows[:2] for table in self._tables if table.rows is not None)

    def forward(self, *tensors: Tensor) -> Tensor:
        inputs, reads = tensors[: -2 * len(self._tables) or None], tensors[len(tensors) - 2 * len(self._tables) :]
        for table, (values, position) in zip(self._tables, zip(reads[::2], reads[1::2], strict=True), strict=True):
            table.rows = Rows(values, position)
        return self._eager(Inputs.of(inputs))


@contextmanager
def buffers_kept(network: nn.Module) -> Iterator[None]:
    """Afterwards the buffers of ``network``, such as batch normalisation's running statistics, are as before."""
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    yield
    for buffer, value in before:
        buffer.copy_(value)
