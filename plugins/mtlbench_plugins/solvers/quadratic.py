"""Convex quadratic programs over non-negative variables, by an active-set method."""

import numpy as np
from numpy.typing import NDArray

from mtlbench_plugins.solvers.gramian import Array, norms_and_cosines

TOLERANCE = 1e-12
"""Slope that still counts as zero, for matrices of unit diagonal."""
FEW = 2
"""Variables up to which the active-set method is faster than guessing."""
ROUNDS = 4
"""Of guessing which variables are positive; two are the rule for six variables."""
SURE, WELL_POSED = 1e-3, 1e-2
"""A guess counts where every positive variable, every slope below zero, and the least eigenvalue are above these."""


def quadratic_program(matrix: Array, linear: Array, price: Array | None = None) -> Array:
    r"""The x (K,) that minimises x'Qx / 2 - b'x over x >= 0, on the plane p'x = 1 where a ``price`` p is given.

    This is the active-set method of C. Lawson and R. Hanson, "Solving least squares problems", 1974, chapter 23. With
    the plane it is that of P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11, 1976,
    https://doi.org/10.1007/BF01580381. One round makes the variable with the best slope positive, and finds the minimum
    over the positive variables by solving linear equations. If some variables would become negative, the round stops
    where the first of them reaches zero, and sets it to zero. Every round lowers the objective, so no set of positive
    variables comes back. There are about K rounds.

    Args:
        matrix: Q (K, K), positive semi-definite, with a diagonal of order 1.
        linear: b (K,), such that there is a minimum.
        price: p (K,), positive.
    """
    size = len(linear)
    x: Array = np.zeros(size)
    equations, right = matrix, linear
    if price is not None:
        equations, right = _bordered(matrix, price), np.append(linear, 1.0)
        first = (matrix.diagonal() / (2 * price * price) - linear / price).argmin()
        x[first] = 1 / price[first]
    tolerance = TOLERANCE * max(1.0, float(np.abs(linear).max()))
    for _ in range(10 * size):
        slope = linear - matrix @ x
        if price is not None:
            slope -= (slope @ x) * price
        slope[x > 0] = 0.0
        best = int(slope.argmax())
        if slope[best] <= tolerance:
            break
        x = _minimum_from(x, best, equations, right)
    return x


def quadratic_programs(matrix: Array, linear: Array) -> list[Array]:
    """The minimisers over x >= 0 of several programs of one matrix (K, K), for each row of ``linear`` (n, K).

    They are what :func:`quadratic_program` gives, to the last bit. Which variables are positive is guessed for all rows
    at once, by block principal pivoting: a variable changes sides where it is negative, or where the objective falls as
    it grows. A program of positive eigenvalues has one minimiser. So where the conditions of a minimum hold clearly,
    the active-set method ends with the same positive variables, and with the same equations for them. Rows without such
    a guess are left to that method.
    """
    if len(matrix) <= FEW or np.linalg.eigvalsh(matrix)[0] < WELL_POSED:
        return [quadratic_program(matrix, row) for row in linear]
    positive, identity = linear > 0, np.eye(len(matrix))
    for _ in range(ROUNDS):
        both = positive[:, :, None] & positive[:, None, :]
        right = np.where(positive, linear, 0.0)[:, :, None]
        x = np.linalg.solve(np.where(both, matrix, identity), right)[:, :, 0]
        clearance = np.where(positive, x, x @ matrix - linear)
        positive = positive ^ (clearance <= 0)
        if (clearance > 0).all():
            break
    guessed: list[bool] = np.all(clearance > SURE, axis=1).tolist()
    return [
        _minimum_over(matrix, row, np.flatnonzero(chosen)) if is_guessed else quadratic_program(matrix, row)
        for row, chosen, is_guessed in zip(linear, positive, guessed, strict=True)
    ]


def _minimum_over(matrix: Array, linear: Array, positive: NDArray[np.intp]) -> Array:
    x = np.zeros_like(linear)
    if len(positive):
        x[positive] = _solve(matrix[positive][:, positive], linear[positive])
    return x


def minimiser_slope(matrix: Array, linear: Array, price: Array, x: Array) -> Array:
    """How the minimiser ``x`` moves as t grows, where the program's b is t times ``linear``.

    As long as the same variables are positive, it moves along a straight line, and the slope is exact.
    """
    positive = np.flatnonzero(x > 0)
    chosen = np.append(positive, len(x))
    slope = np.zeros_like(x)
    slope[positive] = _solve(_bordered(matrix, price)[chosen][:, chosen], np.append(linear[positive], 0.0))[:-1]
    return slope


def _bordered(matrix: Array, price: Array) -> Array:
    """The equations of a minimum on the plane: one more row and column, for the multiplier."""
    size = len(price)
    equations = np.zeros((size + 1, size + 1))
    equations[:size, :size], equations[:size, size], equations[size, :size] = matrix, price, price
    return equations


def _minimum_from(x: Array, added: int, equations: Array, right: Array) -> Array:
    """The minimum over the positive variables of ``x`` and the ``added`` one, without those that reach zero on the way.

    ``equations`` and ``right`` say that the gradient is zero, for all variables and for a multiplier if there is one.
    """
    positive = [i for i in range(len(x)) if x[i] > 0 or i == added]
    multiplier = list(range(len(x), len(right)))
    while True:
        chosen = positive + multiplier
        goal = np.zeros_like(x)
        goal[positive] = _solve(equations[chosen][:, chosen], right[chosen])[: len(positive)]
        falling = [i for i in positive if goal[i] <= 0]
        if not falling:
            return goal
        shares = [x[i] / (x[i] - goal[i]) if x[i] > 0 else 0.0 for i in falling]
        x = x + min(shares) * (goal - x)
        x[falling[shares.index(min(shares))]] = 0.0
        positive = [i for i in positive if x[i] > 0]


def _solve(equations: Array, right: Array) -> Array:
    try:
        return np.linalg.solve(equations, right)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(equations, right)[0]


def least_norm_point(gram: Array) -> Array:
    r"""The a (K,) with a >= 0 and sum 1 that minimises \|sum_k a_k g_k\|, from the inner products ``gram`` (K, K).

    For two gradients a_1 = clip((g_2 - g_1) . g_2 / \|g_1 - g_2\|^2, 0, 1), and equal weights where the two are equal.
    """
    if len(gram) == 2:
        distance = gram[0, 0] + gram[1, 1] - 2 * gram[0, 1]
        first = min(max((gram[1, 1] - gram[0, 1]) / distance, 0.0), 1.0) if distance > 0 else 0.5
        return np.array([first, 1 - first])
    norms, cosines = norms_and_cosines(gram)
    if not norms.all():
        return (norms == 0) / np.count_nonzero(norms == 0)
    price = norms.min() / norms
    return quadratic_program(cosines, np.zeros(len(gram)), price) * price
