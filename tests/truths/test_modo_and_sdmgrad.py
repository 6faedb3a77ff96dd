"""Truths of MoDo and SDMGrad (SPEC-METHODS 1.12), and of the gradients of thirds of a batch."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fake_steps import gradients
from gradient_methods import cross_step, started
from hypothesis import given, settings
from hypothesis import strategies as st
from small_splits import small_schema, small_splits
from torch import Tensor
from torch.nn import functional as F
from wide_splits import small_backbone, wide_splits

from mtlbench import Weigher, api
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.gradients import TaskGradients, reach, shared
from mtlbench.training.model import Model
from mtlbench.training.passes import StackedPasses
from mtlbench.training.seeding import derive, reseed
from mtlbench.training.stage import Batches
from mtlbench_plugins.solvers.quadratic import least_norm_point
from mtlbench_plugins.weightings._shares import nearest_shares
from mtlbench_plugins.weightings.modo import MoDo
from mtlbench_plugins.weightings.pe_ltr import PELTR
from mtlbench_plugins.weightings.sdmgrad import SDMGrad

J = torch.tensor([[1.0, 0, 0], [-0.5, 1, 0], [0.2, -0.4, 0.8]], dtype=torch.float64)
OTHER = torch.tensor([[0.5, 0.5, 0], [0, 1, 1], [0.1, -0.9, 0.1]], dtype=torch.float64)
EXACT = {"iterations": 500, "step_size": 0.3}
"""Enough small steps to find the minimum of SDMGrad."""
CPU = torch.device("cpu")

both = pytest.mark.parametrize("cls", [MoDo, SDMGrad])
seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=20)


def near(found: Tensor, expected: Any, tolerance: float = 1e-8) -> None:
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=torch.float64), rtol=tolerance, atol=tolerance)


def after(method: api.Weighting, *samples: tuple[Tensor, Tensor]) -> list[Tensor]:
    return [method.weigh(cross_step(first, second)) for first, second in samples]


# -- the methods ------------------------------------------------------------------------------------------------------


def test_the_oracles_of_modo():
    found = after(started(MoDo, 3), (J, OTHER), (J, J))
    near(found[0], [0.995333333, 1.025333333, 0.979333333])
    near(found[1], [0.976923556, 1.045043556, 0.978032889])


def test_the_oracles_of_sdmgrad():
    for found in after(started(SDMGrad, 3), (J, OTHER), (J, J)):
        near(found, [2.538461538, 0.230769231, 0.230769231])
    for lambda_ in (0.3, 0.0):
        (found,) = after(started(SDMGrad, 3, lambda_=lambda_, **EXACT), (J, J))
        near(found, [0.831683168, 1.128712871, 1.039603960])


@given(seed=seeds, tasks=st.integers(2, 5), steps=st.integers(1, 4))
@few_examples
def test_weights_are_not_negative_and_sum_to_the_number_of_tasks(seed: int, tasks: int, steps: int):
    samples = [(gradients(tasks, 6, seed + n), gradients(tasks, 6, seed - n - 1)) for n in range(steps)]
    for cls in (MoDo, SDMGrad):
        for found in after(started(cls, tasks), *samples):
            assert (found >= 0).all()
            assert float(found.sum()) == pytest.approx(tasks)


@given(seed=seeds, tasks=st.integers(2, 5))
@few_examples
def test_small_steps_or_a_large_lambda_give_constant_weights(seed: int, tasks: int):
    pair = gradients(tasks, 6, seed), gradients(tasks, 6, seed + 1)
    ones = torch.ones(tasks, dtype=torch.float64)
    near(after(started(MoDo, tasks, gamma=0), pair)[0], ones)
    near(after(started(MoDo, tasks, gamma=1e-9), pair)[0], ones, 1e-6)
    near(after(started(SDMGrad, tasks, lambda_=1e9), pair)[0], ones, 1e-6)


@both
@given(seed=seeds, tasks=st.integers(1, 5))
@few_examples
def test_identical_tasks_have_weights_of_one(cls: type[api.Weighting], seed: int, tasks: int):
    one, other = (gradients(1, 6, s).expand(tasks, -1) for s in (seed, seed + 1))
    near(after(started(cls, tasks), (one, other))[0], [1.0] * tasks)


@given(seed=seeds, tasks=st.integers(2, 4))
@settings(max_examples=4)
def test_with_the_same_gradients_again_and_again_modo_goes_to_mgda(seed: int, tasks: int):
    g = gradients(tasks, 8, seed)
    step, gram = cross_step(g, g), g @ g.T
    method = started(MoDo, tasks, gamma=1 / float(gram.trace()), rho=0)
    for _ in range(400):
        found = method.weigh(step) / tasks
    least = torch.from_numpy(least_norm_point(gram.numpy()))
    # Projected gradient descent is that near after n steps of one over a bound of the largest eigenvalue.
    assert least @ gram @ least <= found @ gram @ found + 1e-12 <= least @ gram @ least + gram.trace() / 400 + 2e-12


@given(seed=seeds)
@few_examples
def test_rho_does_nothing_to_even_weights_and_then_pulls_to_them(seed: int):
    pairs = [(gradients(3, 6, seed + n), gradients(3, 6, seed - n - 1)) for n in range(2)]
    pulled, free = (after(started(MoDo, 3, gamma=0.01, rho=rho), *pairs) for rho in (5.0, 0.0))
    near(pulled[0], free[0], 1e-9)
    assert (pulled[1] - free[1]).abs().max() > 1e-6


@given(seed=seeds, tasks=st.integers(2, 4), lambda_=st.sampled_from([0.0, 0.1, 0.3, 2.0]))
@settings(max_examples=6)
def test_the_exact_minimum_on_one_batch_is_pe_ltr(seed: int, tasks: int, lambda_: float):
    g = gradients(tasks, 8, seed)
    method = started(SDMGrad, tasks, lambda_=lambda_, iterations=3000, step_size=0.3)
    bound = lambda_ / ((1 + lambda_) * tasks)
    expected = started(PELTR, tasks, bounds=(bound,)).weigh(cross_step(g, g))  # with lambda 0 mgda
    near(after(method, (g, g))[0], expected, 1e-4)


@given(seed=seeds, tasks=st.integers(2, 5), factor=st.sampled_from([1e-9, 1e-3, 1e6]))
@few_examples
def test_sdmgrad_does_not_depend_on_the_scale_of_the_gradients(seed: int, tasks: int, factor: float):
    pair = gradients(tasks, 6, seed), gradients(tasks, 6, seed + 1)
    plain, scaled = (started(SDMGrad, tasks, iterations=3) for _ in range(2))
    near(after(scaled, tuple(g * factor for g in pair))[0], after(plain, pair)[0], 1e-6)


def test_where_no_task_agrees_with_itself_sdmgrad_keeps_its_shares():
    method = started(SDMGrad, 3)
    (before,) = after(method, (J, OTHER))
    near(after(method, (J, -J))[0], before)


# -- shares -----------------------------------------------------------------------------------------------------------


@given(values=st.lists(st.floats(-5, 5), min_size=1, max_size=6), seed=seeds)
@few_examples
def test_no_point_of_the_simplex_is_nearer(values: list[float], seed: int):
    given_, found = np.array(values), nearest_shares(np.array(values))
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    others = np.random.default_rng(seed).dirichlet(np.ones(len(values)), 200)
    assert ((given_ - found) ** 2).sum() <= ((given_ - others) ** 2).sum(1).min() + 1e-12


def test_the_nearest_point_of_huge_values_is_on_the_simplex():
    assert nearest_shares(np.array([1e20, -1e30, 1e20])).tolist() == [0.5, 0, 0.5]


def test_a_task_that_a_third_lacks_keeps_its_share_and_the_last_third_says_who_is_weighed():
    step = cross_step(J, OTHER, J)
    step.mask = torch.ones(6, 3, dtype=torch.bool)
    step.mask[:2, 0] = step.mask[4:, 1] = False
    assert step.seen_in_thirds.tolist() == [[False, True, True], [True, True, True], [True, False, True]]
    method = started(MoDo, 3)
    found, share = method.weigh(step), method.state_dict()["shares"]
    assert share[0] == pytest.approx(1 / 3)
    assert share.sum() == pytest.approx(1)
    assert share[1] != share[2]
    near(found, [2 * share[0] / (share[0] + share[2]), 0, 2 * share[2] / (share[0] + share[2])])


# -- the gradients of thirds ------------------------------------------------------------------------------------------


def of_logits(splits: api.Splits, rows: Tensor, backbone: str, whole: bool, passes: Any) -> tuple[TaskGradients, Any]:
    model = Model(small_backbone(backbone, splits, dropout=0.0), splits, Training(batch_size=len(rows)))
    found = reach(model.probe(), model.leaves())
    step = model.step(rows)
    counts = None if whole else step.counts
    made = TaskGradients.of_logits(
        step.logits, step.task_losses, None, model.leaves(), found, passes=passes, counts=counts
    )
    return made, step


def jacobian(of: api.Jacobian) -> Tensor:
    return torch.stack([torch.cat([tensors[k].flatten() for tensors in of.values()]) for k in range(2)])


@pytest.mark.parametrize("passes", [None, "stacked"])
@pytest.mark.parametrize("partly", [False, True], ids=["all labels", "some labels and weights"])
def test_each_third_has_the_gradients_of_a_batch_of_its_own(partly: bool, passes: str | None):
    splits = small_splits()
    if partly:
        labels = splits.train.labels.clone()
        labels[torch.rand(labels.shape, generator=torch.Generator().manual_seed(0)) < 0.3] = torch.nan
        weight = torch.rand(len(labels), generator=torch.Generator().manual_seed(1)) + 0.5
        splits = replace(splits, train=replace(splits.train, labels=labels, weight=weight))
    rows = torch.arange(47)
    way = StackedPasses() if passes else None
    made, _ = of_logits(splits, rows, "shared-bottom", whole=False, passes=way)
    alone = [
        jacobian(of_logits(splits, third, "shared-bottom", whole=True, passes=None)[0].shared.jacobian)
        for third in (rows[:16], rows[16:32], rows[32:])
    ]
    torch.testing.assert_close(jacobian(made.shared.jacobian), alone[2], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(made.shared.cross_gram, (alone[0] @ alone[1].T).double(), rtol=1e-4, atol=1e-6)
    # What one task alone reaches follows the whole batch.
    whole, _ = of_logits(splits, rows, "shared-bottom", whole=True, passes=None)
    weights = torch.tensor([0.5, 1.5])
    ours, theirs = made.combined(weights), whole.combined(weights)
    own = ours.keys() - made.shared.jacobian.keys()
    assert len(own) > 3
    for name in own:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_tiny_batch_has_finite_gradients_and_those_of_an_empty_third_are_zero(rows: int):
    made, step = of_logits(small_splits(), torch.arange(rows), "shared-bottom", whole=False, passes=None)
    assert made.shared.cross_gram.isfinite().all()
    assert jacobian(made.shared.jacobian).isfinite().all()
    assert jacobian(made.shared.jacobian).any() == (rows == 3)
    assert step.seen_in_thirds.all(1).tolist() == [True, rows > 1, rows > 2]


def test_a_method_that_did_not_ask_for_thirds_is_told_how():
    shared_ = api.SharedGradients({"a": (torch.ones(2), torch.ones(2))})
    with pytest.raises(api.TrainingError, match="cross gram"):
        _ = shared_.cross_gram


def test_tables_that_are_updated_row_by_row_are_trained():
    splits = wide_splits()
    trainer = BackboneTrainer(small_backbone("mmoe", splits), splits, Training(epochs=1, batch_size=16), 0)
    trainer.train(MoDo(MoDo.Params()))
    assert [(spend.steps, spend.rows) for spend in trainer.spend] == [(15, 240)]  # each row once


@both
def test_a_loop_of_ones_own_has_no_thirds(cls: type[api.Weighting]):
    with pytest.raises(api.UsageError, match=r"thirds of a batch; train with mtlbench\.run"):
        Weigher(cls, 2)


# -- fifty steps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["modo", "sdmgrad"])
def test_fifty_steps_of_six_tasks_are_those_of_a_plain_loop(name: str):
    cls = {"modo": MoDo, "sdmgrad": SDMGrad}[name]
    splits = small_splits(small_schema(tuple("abcdef")), rows=180)
    backbone = small_backbone("shared-bottom", splits, dropout=0.2)
    network, found = copy.deepcopy(backbone), []

    class Kept(cls):
        """Keeps its weights, and the network after each epoch."""

        def weigh(self, step: api.Step) -> Tensor:
            found.append(super().weigh(step))
            return found[-1]

        def end_epoch(self, epoch: int) -> None:
            self.network = copy.deepcopy(backbone)

    method = Kept(Kept.Params(**({"gamma": 3.0} if name == "modo" else {"lambda": 1.0})))
    training = Training(epochs=10, patience=10, batch_size=36, learning_rate=0.01)
    BackboneTrainer(backbone, splits, training, 0).train(method)
    parameters = dict(network.named_parameters())
    names = shared(reach(network.eval()(splits.train.inputs), parameters))
    adam, shares, taken = torch.optim.Adam(network.parameters(), 0.01), torch.full((6,), 1 / 6).double(), []
    network.train()
    batches = Batches(180, 36, 0, CPU)
    for epoch in range(1, 11):
        for number, rows in enumerate(batches.epoch("train", epoch), start=1):
            reseed(CPU, derive(0, "step", "train", epoch, number))
            logits = network(splits.train.inputs[rows])
            losses = F.binary_cross_entropy_with_logits(logits, splits.train.labels[rows], reduction="none")
            common = [parameters[one] for one in names]
            j = [
                [torch.autograd.grad(losses[part, k].mean(), common, retain_graph=True) for k in range(6)]
                for part in (slice(0, 12), slice(12, 24), slice(24, 36))
            ]
            flat = [torch.stack([torch.cat([g.flatten() for g in own]) for own in third]).double() for third in j]
            a = flat[0] @ flat[1].T
            if name == "modo":
                shares = plain_projection(shares - 3.0 * (a @ shares + 0.1 * shares))
                weights = 6 * shares
            else:
                size, u = a.diagonal().clamp(min=0).sqrt().mean() ** 2, torch.zeros(6).double()
                for _ in range(20 if size > 0 else 0):
                    u = 0.5 * u + a / size @ (shares + 1 / 6)
                    shares = plain_projection(shares - 10 * u)
                weights = (6 * shares + 1) / 2
            adam.zero_grad()
            losses.mean().backward()
            direction = weights.float() @ flat[2].float() / 6
            for parameter, part in zip(common, direction.split([one.numel() for one in common]), strict=True):
                parameter.grad = part.view_as(parameter).clone()
            adam.step()
            taken.append(weights.float())
    assert len(found) == len(taken) == 50
    assert (torch.stack(taken) - 1).abs().max() > 0.2
    torch.testing.assert_close(torch.stack(found), torch.stack(taken), rtol=1e-3, atol=2e-3)
    for value, same in zip(method.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(value, same, rtol=1e-2, atol=2e-3)


def plain_projection(values: Tensor) -> Tensor:
    """By bisection for the number by which all values are lowered."""
    values = values - values.max()
    low, high = values.max() - 1, values.max()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (values - middle).clamp(min=0).sum() > 1 else (low, middle)
    return (values - high).clamp(min=0)
