"""The order of small integers."""

import numpy as np
import torch
from torch import Tensor

RADIX = 2**16
"""numpy has a radix sort for 16-bit numbers, which is ten times as fast as torch's sort of integers on a CPU."""


def stable_order(keys: Tensor, bound: int) -> Tensor:
    """What ``keys.argsort(stable=True)`` gives, (N,) int64, for integers ``keys`` (N,) from 0 to below ``bound``."""
    if keys.device.type != "cpu" or bound > RADIX:
        return keys.argsort(stable=True)
    return torch.from_numpy(keys.numpy().astype(np.uint16).argsort(kind="stable"))
