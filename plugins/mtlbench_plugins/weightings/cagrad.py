"""CAGrad: near the mean gradient, the direction whose worst task gains most."""

from math import sqrt
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array, array, norms_and_cosines
from mtlbench_plugins.solvers.quadratic import minimiser_slope, quadratic_program
from mtlbench_plugins.weightings._smooth import Smoothed

ROUNDING = 1e-9
"""Length of a mix of gradients, relative to the longest of them, that counts as 0."""
CONVERGED = 1e-12
ITERATIONS = 100


class CAGrad(Smoothed):
    r"""Among the directions near the mean gradient, the one that is best for the task that gains least.

    B. Liu et al., "Conflict-averse gradient descent for multi-task learning", NeurIPS 2021,
    https://arxiv.org/abs/2110.14048. With g_0 = (1/K) sum_k g_k and g_a = sum_k a_k g_k:

    .. math:: d = \arg\max_{\lVert d - g_0 \rVert \le c \lVert g_0 \rVert} \min_k g_k \cdot d
              = g_0 + c \lVert g_0 \rVert \frac{g_a}{\lVert g_a \rVert}, \qquad
              a = \arg\min_{a \ge 0,\, \sum a = 1} g_a \cdot g_0 + c \lVert g_0 \rVert \lVert g_a \rVert

    The weights are w_k = 1 + K c \|g_0\| a_k / \|g_a\|, so that the average over tasks is the paper's d. The larger c
    is, the closer the method comes to ``mgda``.

    It reads the inner products of the task gradients. It claims that the task that gains least gains as much as it can
    near the mean gradient. It equals ``constant`` with c = 0.

    Deviations: the minimum is exact, with a closed form for two tasks, where the authors' code minimises numerically.
    That code also divides d by 1 + c^2 or 1 + c, which makes no difference to Adam. A task without gradient gains
    nothing in any direction and is left out of the minimum over k. Where g_a is 0, no direction is better than g_0, and
    g_0 is taken.
    """

    name, label = "cagrad", "CAGrad"
    repairs = frozenset({"conflict"})
    shown_on = frozenset({"hotel-bookings"})
    needs = frozenset({"gram"})

    class Params(Smoothed.Params):
        """Parameters of ``cagrad``."""

        c: Annotated[float, api.search.Linear(0.05, 0.95)] = Field(
            0.5, ge=0, lt=1, description="c, radius around the mean gradient relative to its norm, [0, 1)"
        )

    params: Params

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 1."""
        gram, c = array(step.gram), self.params.c
        weights = np.ones(len(gram))
        to_mean, mean = gram.mean(0), sqrt(max(float(gram.mean()), 0.0))
        present = gram.diagonal() > 0
        if c > 0 and mean > 0:
            chosen = gram[present][:, present]
            a = _worst_mix(chosen, to_mean[present], mean, c)
            length = sqrt(max(float(a @ chosen @ a), 0.0))
            if length > ROUNDING * sqrt(chosen.diagonal().max()):
                weights[present] += len(gram) * c * mean * a / length
        return torch.from_numpy(weights).to(step.losses)


def _worst_mix(gram: Array, to_mean: Array, mean: float, c: float) -> Array:
    """The a (K,) on the simplex that makes g_a . g_0 + c |g_0| |g_a| least, from g_i . g_j, g_i . g_0 and |g_0|."""
    if len(gram) == 1:
        return np.ones(1)
    if len(gram) == 2:
        return _worst_mix_of_two(gram, (to_mean[0] - to_mean[1]) / (c * mean))
    norms, cosines = norms_and_cosines(gram)
    price = norms.min() / norms
    pull = -to_mean / (norms * mean)

    # |g_a| is the least of |g_a|^2 / 2t + t / 2 over t > 0, at t = |g_a|; for a given t, a solves a quadratic program.
    # In units of the shortest gradient, with y = a / price and t = c sqrt(q), the solution has |y|^2 = c^2 q. As long
    # as the same tasks mix, |y|^2 is linear in q, so that Newton's method ends exactly once it knows them.
    low, high = 0.0, (norms.max() / norms.min() / c) ** 2
    q, least = (mean / norms.min() / c) ** 2, ROUNDING**2 * high
    for _ in range(ITERATIONS):
        y = quadratic_program(cosines, sqrt(q) * pull, price)
        excess = y @ cosines @ y - c**2 * q
        low, high = (q, high) if excess > 0 else (low, q)
        move = minimiser_slope(cosines, pull, price, y)
        following = q - excess / (move @ cosines @ move - c**2)
        if abs(following - q) <= CONVERGED * q or q < least:
            break
        q = following if low < following < high else (low + high) / 2
    return y * price


def _worst_mix_of_two(gram: Array, tilt: float) -> Array:
    """In closed form: the x in [0, 1] that makes tilt * x + |g_2 + x (g_1 - g_2)| least, and 1 - x."""
    square = gram[0, 0] + gram[1, 1] - 2 * gram[0, 1]
    offset = gram[0, 1] - gram[1, 1]
    if square <= 0:
        return np.array([0.5, 0.5])
    if tilt**2 >= square:
        first = 0.0 if tilt > 0 else 1.0
    else:
        area = max(gram[0, 0] * gram[1, 1] - gram[0, 1] ** 2, 0.0)
        first = (-tilt * sqrt(area / (square - tilt**2)) - offset) / square
    first = min(max(first, 0.0), 1.0)
    return np.array([first, 1 - first])
