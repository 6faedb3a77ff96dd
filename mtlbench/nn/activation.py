"""Dropout, and ReLU with dropout in one operation, with masks that cost little on a CPU."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

BITS = {torch.float32: torch.float32, torch.bfloat16: torch.int16}
"""Types for which the masks are made here, and the type as which numpy reads their numbers."""
LEVELS = 2**16
"""A mask compares 16 random bits with a threshold: the share kept is a multiple of 1 / 65536."""


class ReLUDropout(nn.Module):
    """max(x, 0); in training a share ``p`` of the outputs is set to 0 and the others are scaled by 1 / (1 - p).

    N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014,
    https://jmlr.org/papers/v15/srivastava14a.html.

    torch draws its masks on one thread from a slow generator, which takes up to a quarter of a training step. On a CPU
    these masks come from numpy's SFC64, seeded for each call from torch's generator, in float32 and in bfloat16. So
    they are still a function of torch's seed alone. Their distribution is the same, with ``p`` rounded to a multiple of
    1 / 65536; the scale uses the rounded value, so that the expectation is exact. The backward pass needs no mask: an
    output is positive where its input was positive and was kept. On other devices this is torch's own dropout.

    Args:
        p: share dropped, in [0, 1).
        inplace: in evaluation without gradients, overwrite the input; for inputs that nothing else reads.
    """

    def __init__(self, p: float, inplace: bool = False) -> None:
        super().__init__()
        self.p = p
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        if not self.training or self.p == 0:
            return x.relu_() if self.inplace and not torch.is_grad_enabled() else x.relu()
        if x.device.type != "cpu" or x.dtype not in BITS:
            return F.dropout(x.relu(), self.p)
        output: Tensor = _ReLUDropout.apply(x, _levels(self.p))  # type: ignore[no-untyped-call]
        return output

    def extra_repr(self) -> str:
        """Shown in the module's text."""
        return f"p={self.p}"


class Dropout(nn.Module):
    """In training a share ``p`` of the numbers is set to 0 and the others are scaled by 1 / (1 - p).

    The masks of a CPU are those of :class:`ReLUDropout`.

    Args:
        p: share dropped, in [0, 1).
    """

    def __init__(self, p: float = 0.0) -> None:
        super().__init__()
        self.p = p

    @property
    def active(self) -> bool:
        """Whether it changes anything now."""
        return self.training and self.p > 0

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        if not self.active:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.p)
        kept = _levels(self.p)
        mask = torch.from_numpy(_mask(x.numel(), kept)).view(x.shape)
        return x * mask.to(x.dtype).mul_(LEVELS / kept)

    def extra_repr(self) -> str:
        """Shown in the module's text."""
        return f"p={self.p}"


def _levels(p: float) -> int:
    """How many of the ``LEVELS`` levels are kept where a share ``p`` is dropped."""
    return max(1, round((1 - p) * LEVELS))


def _mask(size: int, kept: int) -> NDArray[np.bool_]:
    """(size,) which numbers are kept: ``kept`` of ``LEVELS``, by one draw of torch's generator."""
    random = np.random.SFC64(int(torch.randint(2**62, ())))
    bits = random.random_raw(-(-size // 4)).view(np.uint16)[:size]
    return bits < kept


class _ReLUDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: int) -> Tensor:
        output = x.contiguous().relu()
        values = output.view(BITS[x.dtype]).numpy().reshape(-1)
        # numpy multiplies by booleans three times as fast as torch does. It knows no bfloat16, but 0 or 1 times the
        # bits of a number, read as an integer, are those of 0 or of the number.
        np.multiply(values, _mask(values.size, kept), out=values)
        ctx.scale = LEVELS / kept
        output.mul_(ctx.scale)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (output,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(gradient, output, 0).mul_(ctx.scale), None

    stacked = backward  # for gradients (K, ...) too
