"""Weights whose inner products with the gradients are powers of the weights themselves, by Newton's method."""

import numpy as np

from mtlbench_plugins.solvers.gramian import Array, norms_and_cosines

RIDGE = 1e-8
"""Added to each gradient's cosine with itself, so that there is always a solution: without it there is none where a
combination of the gradients with non-negative coefficients is zero."""
CONVERGED = 1e-6
"""Relative size of a step of Newton's method from which on the error is about the square of the step."""
ITERATIONS = 200


def balance(gram: Array, power: float) -> Array:
    r"""The w > 0 (K,) with M w = w^(-power), where M is ``gram`` (K, K), the inner products of the gradients.

    With norms n and cosines C, y = n w solves C y = n^(power - 1) y^(-power). It is the only stationary point of the
    strictly convex function

    .. math:: \tfrac{1}{2} y^\top C y - \sum_k n_k^{p-1} \phi(y_k), \qquad \phi'(y) = y^{-p}.

    Newton's method finds it to rounding error, in some ten iterations. Each step is shortened to 1 / (1 + (p + 1) r) of
    itself, with r the largest relative decrease of a y_k. For this function that is enough to lower it in every
    iteration.

    For two gradients and power 1, w_k = 1 / (n_k \sqrt{1 + C_{12}}). Where a combination of the gradients with
    non-negative coefficients is zero, there is no solution, and the diagonal of C counts as 1 + 1e-8. A zero gradient
    gets weight 0.
    """
    norms, cosines = norms_and_cosines(gram)
    weights = np.zeros(len(gram))
    present = norms > 0
    if present.any():
        unit = norms.max()
        norms, cosines = norms[present] / unit, cosines[present][:, present]
        cosines.flat[:: len(cosines) + 1] += RIDGE
        weights[present] = _stationary(cosines, norms ** (power - 1), power) / norms * unit ** (-2 / (1 + power))
    return weights


def _stationary(cosines: Array, gain: Array, power: float) -> Array:
    """The y > 0 (K,) with C y = gain * y^(-power)."""
    if power == 1 and len(gain) == 2:
        return gain / np.sqrt(cosines[0].sum())
    y = gain ** (1 / (1 + power))
    for _ in range(ITERATIONS):
        target = gain * y**-power
        hessian = cosines.copy()
        hessian.flat[:: len(gain) + 1] += power * target / y
        move = np.linalg.solve(hessian, target - cosines @ y)
        relative = move / y
        if np.abs(relative).max() <= CONVERGED:
            return y + move
        y = y + move / (1 + (power + 1) * max(0.0, -relative.min()))
    return y
