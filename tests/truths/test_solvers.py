"""The solvers of the gradient weightings against optimality conditions and exhaustive search."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlbench_plugins.solvers.balance import RIDGE, balance
from mtlbench_plugins.solvers.gramian import Array, norms_and_cosines
from mtlbench_plugins.solvers.quadratic import least_norm_point, quadratic_program, quadratic_programs

seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=40)
sizes = st.integers(1, 10)


def gradients(tasks: int, seed: int, numbers: int = 12) -> Array:
    """(K, n); their norms differ by up to a factor of a hundred."""
    random = np.random.default_rng(seed)
    scale = 10 ** random.uniform(-1, 1, size=(tasks, 1))
    return random.normal(size=(tasks, numbers)) * scale


def shortest(gram: Array) -> float:
    """Least squared norm over the simplex: the best of the stationary points of all faces."""
    found = []
    for size in range(1, len(gram) + 1):
        for face in combinations(range(len(gram)), size):
            chosen = gram[np.ix_(face, face)]
            equations = np.block([[chosen, np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            a = np.linalg.lstsq(equations, np.append(np.zeros(size), 1.0))[0][:size]
            if (a >= -1e-12).all():
                found.append(a @ chosen @ a)
    return min(found)


@given(seed=seeds, tasks=sizes)
@few_examples
def test_the_least_norm_point_is_a_point_of_the_simplex_that_every_vertex_is_at_least_as_far_along(seed, tasks):
    g = gradients(tasks, seed)
    a = least_norm_point(g @ g.T)
    assert (a >= 0).all()
    assert a.sum() == pytest.approx(1, abs=1e-12)
    d = a @ g
    rounding = 1e-10 * (g * g).sum(1).max()
    assert (g @ d >= d @ d - rounding).all()
    assert np.abs(g[a > 0] @ d - d @ d).max() <= rounding


@given(seed=seeds, tasks=st.integers(2, 5), numbers=st.integers(1, 6))
@few_examples
def test_no_face_of_the_simplex_holds_a_shorter_point(seed: int, tasks: int, numbers: int):
    g = gradients(tasks, seed, numbers)
    a = least_norm_point(g @ g.T)
    assert a @ (g @ g.T) @ a == pytest.approx(shortest(g @ g.T), abs=1e-11 * (g * g).sum(1).max())


@given(seed=seeds, tasks=sizes, numbers=st.integers(1, 12))
@few_examples
def test_a_quadratic_program_over_non_negative_variables_meets_its_optimality_conditions(seed, tasks, numbers):
    _, cosines = norms_and_cosines(gradients(tasks, seed, numbers) @ gradients(tasks, seed, numbers).T)
    linear = cosines @ np.random.default_rng(seed).normal(size=tasks)
    x = quadratic_program(cosines, linear)
    slope = linear - cosines @ x
    assert (x >= 0).all()
    assert (slope <= 1e-9).all()
    assert np.abs(slope[x > 0]).max(initial=0.0) <= 1e-9


@given(seed=seeds, tasks=sizes)
@few_examples
def test_a_price_keeps_the_solution_on_its_plane(seed: int, tasks: int):
    g = gradients(tasks, seed)
    norms, cosines = norms_and_cosines(g @ g.T)
    price = norms.min() / norms
    linear = np.random.default_rng(seed).normal(size=tasks)
    x = quadratic_program(cosines, linear, price)
    assert price @ x == pytest.approx(1, abs=1e-12)
    slope = linear - cosines @ x
    slope -= (slope @ x) * price
    assert (slope <= 1e-9).all()
    assert np.abs(slope[x > 0]).max() <= 1e-9


@given(seed=seeds, tasks=sizes, power=st.sampled_from([0.1, 0.5, 1.0, 2.0, 10.0]))
@few_examples
def test_balanced_weights_solve_their_equation(seed: int, tasks: int, power: float):
    g = gradients(tasks, seed, 30)
    g /= np.sqrt((g * g).sum(1, keepdims=True)) ** 0.5  # powers of 10 spread norms further
    gram = g @ g.T
    w = balance(gram, power)
    assert (w > 0).all()
    np.testing.assert_allclose((gram + RIDGE * np.diag(gram.diagonal())) @ w, w**-power, rtol=1e-6)


@pytest.mark.parametrize("power", [0.1, 1.0, 10.0])
def test_where_gradients_cancel_balanced_weights_are_those_that_cancel_them(power: float):
    g = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [-1.0, -2.0, 0.0], [0.0, 0.0, 1.0]])
    w = balance(g @ g.T, power)
    np.testing.assert_allclose(w[:3] / w[0], [1, 1, 1], rtol=1e-2)
    assert w[3] == pytest.approx(1)


def test_without_any_gradient_there_is_nothing_to_balance():
    assert balance(np.zeros((3, 3)), 1.0).tolist() == [0, 0, 0]


@pytest.mark.parametrize("tasks", [2, 3, 6, 9])
def test_programs_that_share_a_guess_get_the_bits_of_each_alone(tasks: int):
    random = np.random.default_rng(tasks)
    for number in range(500):
        g = random.normal(size=(tasks, random.integers(2, 40)))
        if number % 5 == 1:
            g -= 0.9 * g.mean(0)  # many conflicts
        if number % 5 == 2:
            g[-1] = g[0]  # no single minimiser
        if number % 5 == 3:
            g[0] = 1e-9 * g[0] - g[1:].sum(0)  # all but dependent
        cosines = norms_and_cosines(g @ g.T)[1]
        linear = -cosines if number % 5 < 4 else random.normal(size=(2, tasks)) @ cosines
        together = quadratic_programs(cosines, linear)
        for x, row in zip(together, linear, strict=True):
            assert np.array_equal(x, quadratic_program(cosines, row))
