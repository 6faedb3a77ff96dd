"""The Gram matrix of task gradients as the solvers take it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.floating[Any]]
"""Of float64."""


def array(gram: Tensor) -> Array:
    """The Gram matrix (K, K) of a step, on the CPU."""
    values: Array = gram.cpu().numpy()
    return values


def norms_and_cosines(gram: Array) -> tuple[Array, Array]:
    """Norms (K,) of the gradients, and their cosines (K, K); a zero gradient counts as orthogonal to all others.

    With cosines the solvers do not depend on the scale of the gradients, neither of all together nor of each.
    """
    norms = np.sqrt(gram.diagonal())
    divisor = np.where(norms > 0, norms, 1.0)
    cosines: Array = gram / np.outer(divisor, divisor)
    np.fill_diagonal(cosines, 1.0)
    return norms, cosines
