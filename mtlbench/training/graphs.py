"""The pass through a backbone as CUDA graphs: one launch each way in place of hundreds."""

from collections.abc import Callable, Iterable
from itertools import chain

import torch
from torch import Tensor, nn

from mtlbench.api import Backbone, TrainingError
from mtlbench.nn import FieldEmbedding
from mtlbench.nn.embedding import Rows
from mtlbench.training.modes import buffers_kept

Pass = Callable[[Tensor, Tensor], Tensor]
"""Logits (B, K) of inputs (B, F) and (B, D), in the autograd graph."""


class GraphedPass:
    """A pass over batches of ``rows`` rows, recorded at the first of them and replayed at all others.

    A GPU computes the kernels of a training step faster than a host launches them one by one. The kernels recorded are
    those of ``compute``, with the same random numbers, so the results are the same, but for sums that a GPU adds up in
    no fixed order; batches of another number of rows go through ``compute`` itself.

    The gradients of one backward pass lie where those of the next will be written, so a pass serves one backward pass,
    whose gradients are used before the next pass begins. Methods of task gradients need more and do without.

    Args:
        backbone: on a CUDA device, in training mode whenever this is called. Its buffers are as they were after the
            recording.
        compute: the pass, through ``backbone`` alone.
        rows: B.

    Raises:
        TrainingError: at the first batch, where ``compute`` cannot be recorded.
    """

    def __init__(self, backbone: Backbone, compute: Pass, rows: int) -> None:
        self._backbone = backbone
        self._compute = compute
        self._rows = rows
        self._recorded: _Recording | None = None

    def __call__(self, categorical: Tensor, numerical: Tensor) -> Tensor:
        """Logits (B, K)."""
        if len(categorical) != self._rows:
            return self._compute(categorical, numerical)
        if self._recorded is None:
            try:
                self._recorded = _record(self._backbone, self._compute, categorical, numerical)
            except RuntimeError as error:
                raise TrainingError(
                    f"the pass through {self._backbone.label} cannot be recorded as a CUDA graph ({error}); where its "
                    "forward looks at values, say `replayable = False` in its class"
                ) from error
        logits: Tensor = self._recorded(categorical, numerical, *self._recorded.reads())
        return logits.clone()


class _Recording(nn.Module):
    """A pass as a function of all tensors that change from batch to batch."""

    def __init__(self, backbone: nn.Module, compute: Pass) -> None:
        super().__init__()
        self.backbone = backbone
        self._compute = compute
        self._tables = [
            module for module in backbone.modules() if isinstance(module, FieldEmbedding) and module.rows is not None
        ]

    def reads(self) -> Iterable[Tensor]:
        """The rows that the batch reads of large tables, and where they are read."""
        return chain.from_iterable(table.rows[:2] for table in self._tables if table.rows is not None)

    def forward(self, categorical: Tensor, numerical: Tensor, *reads: Tensor) -> Tensor:
        for table, (values, position) in zip(self._tables, zip(reads[::2], reads[1::2], strict=True), strict=True):
            table.rows = Rows(values, position)
        return self._compute(categorical, numerical)


def _record(backbone: nn.Module, compute: Pass, categorical: Tensor, numerical: Tensor) -> _Recording:
    recording = _Recording(backbone, compute)
    rows = [table.rows for table in recording._tables]
    sample = [
        tensor.detach().clone().requires_grad_(tensor.requires_grad)
        for tensor in (categorical, numerical, *recording.reads())
    ]
    random = torch.cuda.get_rng_state(categorical.device)
    # A cast that autocast remembers would be of the recording's memory, and read outside of it.
    uncached = torch.autocast("cuda", enabled=torch.is_autocast_enabled("cuda"), cache_enabled=False)
    with buffers_kept(backbone), uncached:
        torch.cuda.make_graphed_callables(recording, tuple(sample), allow_unused_input=True)  # replaces its forward
    torch.cuda.set_rng_state(random, categorical.device)
    for table, own in zip(recording._tables, rows, strict=True):
        table.rows = own
    return recording
