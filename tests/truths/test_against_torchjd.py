"""Weightings of task gradients against TorchJD, for every aggregator that both have.

TorchJD aggregates the Jacobian (K, n) of the tasks. Its UPGrad, DualProj, PCD, MGDA, CAGrad, IMTL-G and Aligned-MTL
give the direction that we apply; its PCGrad, GradVac, GradDrop and FairGrad, which sum over tasks, K times that. Where
it regularises, that is turned off: ours does not. All agree to 1e-6, but where its solver stops early: CAGrad, MGDA of
three tasks and more, Nash-MTL. Ours is then no worse by the method's own measure.
"""

from collections.abc import Callable

import pytest
import torch
from fake_steps import gradients
from gradient_methods import applied, cross_step, exact_step, started, weights
from small_splits import small_splits
from torch import Tensor

from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training.gradients import TaskGradients, reach
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded

oracle = pytest.importorskip("torchjd.aggregation", reason="the oracle is torchjd: pip install 'mtlbench[oracle]'")
projector = pytest.importorskip("torchjd.linalg").QuadprogProjector

CATALOGUE = discover(())
METHODS = {name: entry.cls for name, entry in CATALOGUE.weightings.items()}

Aggregator = Callable[[Tensor], Tensor]
ORACLES: dict[str, tuple[Callable[[], Aggregator], float]] = {
    "upgrad": (lambda: oracle.UPGrad(projector=projector(norm_eps=0.0, reg_eps=1e-12)), 1e-7),
    "dualproj": (lambda: oracle.DualProj(projector=projector(norm_eps=0.0, reg_eps=1e-12)), 1e-7),
    "pcd": (lambda: oracle.PCD(), 1e-9),
    "pcgrad": (lambda: averaged(oracle.PCGrad()), 1e-12),
    "cagrad": (lambda: oracle.CAGrad(c=0.5, norm_eps=1e-12), 5e-4),
    "imtl-g": (lambda: turned(oracle.IMTLG()), 1e-7),
    "aligned-mtl": (lambda: oracle.AlignedMTL(), 1e-8),
    "graddrop": (lambda: averaged(oracle.GradDrop()), 1e-12),
    "fairgrad": (lambda: averaged(oracle.FairGrad(alpha=2.0)), 1e-6),
}
"""The oracle, and how far from it ours may be, relative to its length: more where the oracle's solver stops early."""
PARAMS = {"pcd": {"target": "a"}}
MATRICES = [10, pytest.param(500, marks=pytest.mark.slow)]
LIBRARIES = {"upgrad": "quadprog", "dualproj": "quadprog", "cagrad": "cvxpy", "fairgrad": "scipy"}
OF_ONE_STEP = [name for name in ORACLES if name != "graddrop"]  # it draws by parameter tensor


def averaged(aggregator: Aggregator) -> Aggregator:
    """From a sum over tasks to an average."""
    return lambda jacobian: aggregator(jacobian) / len(jacobian)


def turned(aggregator: Aggregator) -> Aggregator:
    """With the sign turned where the direction climbs every task's loss."""

    def descending(jacobian: Tensor) -> Tensor:
        direction = aggregator(jacobian)
        return direction * (jacobian @ direction).sum().sign()

    return descending


def oracle_of(name: str) -> tuple[Aggregator, float]:
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name], reason=f"the oracle of {name} needs it: pip install 'mtlbench[oracle]'")
    make, tolerance = ORACLES[name]
    return make(), tolerance


def assert_near(ours: Tensor, theirs: Tensor, tolerance: float) -> None:
    assert (ours - theirs).norm() <= tolerance * theirs.norm()


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("tasks", [2, 3, 6])
@pytest.mark.parametrize("matrices", MATRICES)
def test_the_direction_is_the_oracles(name: str, tasks: int, matrices: int):
    aggregate, tolerance = oracle_of(name)
    ours = started(METHODS[name], tasks, **PARAMS.get(name, {}))
    for seed in range(matrices):
        g = gradients(tasks, 12, seed)
        torch.manual_seed(seed)
        expected = aggregate(g)
        torch.manual_seed(seed)
        assert_near(applied(ours, g), expected, tolerance)


@pytest.mark.parametrize("tasks", range(2, 7))
def test_the_worst_task_gains_by_cagrad_at_least_what_it_gains_by_the_oracle(tasks: int):
    aggregate, _ = oracle_of("cagrad")
    for seed in range(10):
        g = gradients(tasks, 12, seed)
        assert (g @ applied(started(METHODS["cagrad"], tasks), g)).min() >= (g @ aggregate(g)).min() - 1e-12


@pytest.mark.parametrize("matrices", MATRICES)
def test_mgda_of_two_tasks_is_the_oracles_who_needs_one_step(matrices: int):
    ours, aggregate = started(METHODS["mgda"], 2), oracle.MGDA(max_iters=2)
    for seed in range(matrices):
        g = gradients(2, 12, seed)
        assert_near(applied(ours, g), aggregate(g), 1e-9)


@pytest.mark.parametrize("tasks", range(3, 7))
def test_mgda_is_no_longer_than_the_oracle_and_comes_near_it(tasks: int):
    # The oracle's Frank-Wolfe steps come down to the minimum slowly.
    aggregate = oracle.MGDA(epsilon=1e-6, max_iters=2000)
    for seed in range(4):
        g = gradients(tasks, 12, seed)
        ours, theirs = applied(started(METHODS["mgda"], tasks), g), aggregate(g)
        assert ours.norm() <= theirs.norm() * (1 + 1e-12)
        assert_near(ours, theirs, 0.05)


@pytest.mark.filterwarnings("ignore:You are solving a parameterized problem:UserWarning")
@pytest.mark.parametrize("tasks", range(2, 7))
def test_nash_mtl_has_the_direction_of_the_oracle_where_that_solves_the_equation(tasks: int):
    # The oracle goes through convex approximations and gives the sum where its solver fails. Its norm clipping is off.
    pytest.importorskip("cvxpy", reason="the oracle of nash-mtl needs it: pip install 'mtlbench[oracle]'")
    compared = 0
    for seed in range(5):
        g = gradients(tasks, 12, seed)
        aggregate = oracle.NashMTL(n_tasks=tasks, max_norm=0.0, optim_niter=100)
        theirs = aggregate(g)
        products = torch.linalg.lstsq(g.T, theirs).solution * (g @ theirs)
        if products.max() < 1.001 * products.min():
            compared += 1
            ours = weights(started(METHODS["nash-mtl"], tasks), g) @ g
            assert_near(ours / ours.norm(), theirs / theirs.norm(), 1e-5)
    assert compared >= 3


@pytest.mark.parametrize("tasks", [2, 3, 6])
def test_config_has_the_direction_of_imtl_g(tasks: int):
    # So the one is left out: docs/weightings.md.
    ours, aggregate = started(METHODS["imtl-g"], tasks), turned(oracle.ConFIG())
    for seed in range(10):
        g = gradients(tasks, 12, seed)
        one, other = applied(ours, g), aggregate(g)
        assert_near(one / one.norm(), other / other.norm(), 1e-9)


@pytest.mark.parametrize("matrices", MATRICES)
def test_gradvac_takes_the_steps_of_the_oracle(matrices: int):
    # Of two tasks: with more, both draw their order from torch's generator, but not alike.
    ours, theirs = started(METHODS["gradvac"], 2), averaged(oracle.GradVac(beta=0.5, eps=0.0))
    for seed in range(matrices):
        g = gradients(2, 12, seed)
        assert_near(applied(ours, g), theirs(g), 1e-9)


def test_excess_mtl_takes_the_steps_of_the_oracle():
    # After one step of warm-up the oracle too compares with the first excess risk. It adds 1e-7 to the squares.
    ours = started(METHODS["excess-mtl"], 4)
    theirs = oracle.ExcessMTL(robust_step_size=0.01, n_warmup_steps=1)
    for seed in range(20):
        g = gradients(4, 12, seed)
        assert_near(applied(ours, g), theirs(g), 1e-5)


@pytest.mark.parametrize("name", ["modo", "sdmgrad"])
@pytest.mark.parametrize("tasks", [2, 3, 6])
@pytest.mark.parametrize("matrices", MATRICES)
def test_weights_from_two_samples_are_the_oracles_step_by_step(name: str, tasks: int, matrices: int):
    # The oracle of sdmgrad adds 1e-8 to a square, which is nothing beside gradients of this size.
    make, size = {"modo": (oracle.MoDoWeighting, 1), "sdmgrad": (oracle.SDMGradWeighting, 1e4)}[name]
    for seed in range(0, matrices, 2):  # each pair anew: over many steps sdmgrad makes much of the last digit
        ours, theirs = started(METHODS[name], tasks), make()
        for number in (seed, seed + 1):
            common = gradients(tasks, 12, number)
            one, other = (size * (common + 0.3 * gradients(tasks, 12, 1000 * sample + number)) for sample in (1, 2))
            expected = tasks * theirs(one @ other.T)
            torch.testing.assert_close(ours.weigh(cross_step(one, other)), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("tasks", [2, 3, 6])
@pytest.mark.parametrize("matrices", MATRICES)
def test_the_weights_of_pbi_are_the_gradient_of_the_oracles_scalarization(tasks: int, matrices: int):
    scalarization = pytest.importorskip("torchjd.scalarization")
    for seed in range(matrices):
        drawn = torch.rand(3, tasks, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1
        losses, shares, ideal = drawn.unbind()
        losses = (losses + ideal).requires_grad_()
        scalarization.PBI(5.0, shares, ideal)(losses).backward()
        params = {"shares": shares.tolist(), "ideal": ideal.tolist()}
        found = started(METHODS["preference"], tasks, **params).weigh(exact_step(torch.ones(tasks, 2), losses[None]))
        assert_near(found, tasks * losses.grad, 1e-6)


@pytest.fixture(scope="module", params=["shared-bottom", "esmm"])
def step(request: pytest.FixtureRequest) -> TaskGradients:
    """The gradients of a real step of a small backbone."""
    splits, cls = small_splits(), CATALOGUE.backbones[request.param].cls
    with seeded(0, "initial parameters"):
        backbone = cls(splits.schema, cls.Params(embedding=8, bottom=(16, 8), tower=(4,)))
    model = Model(backbone, splits, Training(batch_size=64))
    found = reach(model.probe(), model.leaves())
    real = model.step(torch.arange(64))
    return TaskGradients.of_logits(real.logits, real.task_losses, None, model.leaves(), found)


@pytest.mark.parametrize("name", OF_ONE_STEP)
def test_on_a_step_of_a_backbone_what_is_applied_is_the_oracles(name: str, step: TaskGradients):
    aggregate, tolerance = oracle_of(name)
    jacobian = torch.stack(
        [torch.cat([of_tensor[k].flatten() for of_tensor in step.shared.jacobian.values()]) for k in range(2)]
    ).double()
    found = weights(started(METHODS[name], 2, **PARAMS.get(name, {})), jacobian)
    combined = step.combined(found.float())
    ours = torch.cat([combined[key].flatten() for key in step.shared.jacobian]).double()
    early = 1e-4 if name == "fairgrad" else 1e-6  # least_squares stops early where the norms are far apart
    assert_near(ours, aggregate(jacobian), max(tolerance, early))


def test_what_a_method_sees_of_that_step_are_the_inner_products_of_the_jacobian(step: TaskGradients):
    jacobian = torch.stack(
        [torch.cat([of_tensor[k].flatten() for of_tensor in step.shared.jacobian.values()]) for k in range(2)]
    )
    torch.testing.assert_close(step.shared.gram, exact_step(jacobian).gram, rtol=1e-5, atol=0.0)
