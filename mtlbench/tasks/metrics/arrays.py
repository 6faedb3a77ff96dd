"""Tensors as arrays, and sums over arrays that several metrics share."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def array(tensor: "Tensor") -> NDArray[Any]:
    """The values of ``tensor``, on any device."""
    return tensor.detach().cpu().numpy()


def float64(tensor: "Tensor") -> NDArray[np.float64]:
    """The same in float64, in which sums are taken."""
    return array(tensor).astype(np.float64)
