"""Truths of MoCo (SPEC-METHODS 1.12)."""

import copy
from typing import Any

import torch
from fake_steps import gradients
from gradient_methods import applied, started
from hypothesis import given, settings
from hypothesis import strategies as st
from small_splits import small_schema, small_splits
from torch import Tensor
from torch.nn import functional as F
from wide_splits import small_backbone

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.gradients import reach, shared
from mtlbench.training.seeding import derive, reseed
from mtlbench.training.stage import Batches
from mtlbench_plugins.solvers.quadratic import least_norm_point
from mtlbench_plugins.weightings._shares import nearest_shares
from mtlbench_plugins.weightings.moco import MoCo

CPU = torch.device("cpu")
seeds = st.integers(0, 10**6)
few_examples = settings(max_examples=15)


def near(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


@given(seed=seeds, tasks=st.integers(1, 5), sigma=st.sampled_from([0.0, 0.5]))
@few_examples
def test_steps_are_those_of_the_formula(seed: int, tasks: int, sigma: float):
    params = {"beta": 0.4, "gamma": 0.02, "sigma": sigma, "rho": 0.3}
    method = started(MoCo, tasks, **params)
    y, shares = torch.zeros(tasks, 6).double(), torch.ones(tasks).double() / tasks
    for t in range(1, 5):
        g = gradients(tasks, 6, seed + t)
        y = y - params["beta"] / t**sigma * (y - g)
        step = params["gamma"] / t**sigma * (y @ y.T + params["rho"] * torch.eye(tasks).double()) @ shares
        shares = torch.from_numpy(nearest_shares((shares - step).numpy()))
        near(applied(method, g), y.T @ shares)


@given(seed=seeds, tasks=st.integers(1, 4))
@few_examples
def test_with_beta_one_and_constant_rates_the_means_are_the_gradients(seed: int, tasks: int):
    method = started(MoCo, tasks, beta=1, sigma=0, gamma=0)
    for number in range(3):
        g = gradients(tasks, 6, seed + number)
        near(applied(method, g), g.mean(0))
        near(torch.cat([mean.flatten(1) for mean in means(method)], dim=1), g)


def means(method: api.Weighting) -> list[Tensor]:
    return [value for name, value in method.state_dict().items() if name.startswith("mean.")]


@given(seed=seeds, tasks=st.integers(2, 4))
@settings(max_examples=4)
def test_with_the_same_gradients_again_and_again_the_direction_goes_to_the_shortest(seed: int, tasks: int):
    g = gradients(tasks, 8, seed)
    gram = g @ g.T
    method = started(MoCo, tasks, beta=1, sigma=0, gamma=1 / float(gram.trace()))
    for _ in range(400):
        found = applied(method, g)
    least = torch.from_numpy(least_norm_point(gram.numpy()))
    # Projected gradient descent is that near after n steps of one over a bound of the largest eigenvalue.
    assert least @ gram @ least <= found @ found + 1e-12 <= least @ gram @ least + gram.trace() / 400 + 2e-12


@given(seed=seeds, tasks=st.integers(1, 4))
@few_examples
def test_without_steps_of_lambda_the_direction_is_the_running_mean_of_the_average_gradient(seed: int, tasks: int):
    method, mean = started(MoCo, tasks, gamma=0, beta=0.3, sigma=0), torch.zeros(6).double()
    for number in range(4):
        g = gradients(tasks, 6, seed + number)
        mean = 0.7 * mean + 0.3 * g.mean(0)
        near(applied(method, g), mean)


def test_fifty_steps_of_six_tasks_are_those_of_a_plain_loop():
    splits = small_splits(small_schema(tuple("abcdef")), rows=160)
    backbone = small_backbone("shared-bottom", splits, dropout=0.2)
    network, found = copy.deepcopy(backbone), []
    parameters = dict(network.named_parameters())
    names = shared(reach(network.eval()(splits.train.inputs), parameters))

    class Kept(MoCo):
        """Keeps its shares, and the network after each epoch."""

        def direct(self, step: api.Step) -> Any:
            direction = super().direct(step)
            found.append(self.state_dict()["shares"])
            return direction

        def end_epoch(self, epoch: int) -> None:
            self.network = copy.deepcopy(backbone)

    method = Kept(Kept.Params(gamma=5))
    training = Training(epochs=10, patience=10, batch_size=32, learning_rate=0.01)
    BackboneTrainer(backbone, splits, training, 0, dense=True).train(method)
    adam = torch.optim.Adam(network.parameters(), 0.01)
    shares, y, t, taken = torch.full((6,), 1 / 6).double(), torch.zeros(()), 0, []
    common = [parameters[name] for name in names]
    network.train()
    batches = Batches(160, 32, 0, CPU)
    for epoch in range(1, 11):
        for number, rows in enumerate(batches.epoch("train", epoch), start=1):
            reseed(CPU, derive(0, "step", "train", epoch, number))
            logits = network(splits.train.inputs[rows])
            losses = F.binary_cross_entropy_with_logits(logits, splits.train.labels[rows], reduction="none").mean(0)
            of_task = [torch.autograd.grad(loss, common, retain_graph=True) for loss in losses]
            t += 1
            y = y - 0.5 / t**0.5 * (y - torch.stack([torch.cat([g.flatten() for g in own]) for own in of_task]))
            shares = torch.from_numpy(nearest_shares((shares - 5 / t**0.5 * (y @ y.T).double() @ shares).numpy()))
            taken.append(shares)
            adam.zero_grad()
            losses.mean().backward()
            for parameter, part in zip(common, (shares.float() @ y).split([p.numel() for p in common]), strict=True):
                parameter.grad = part.view_as(parameter).clone()
            adam.step()
    assert len(found) == len(taken) == 50
    assert (torch.stack(taken) - 1 / 6).abs().max() > 0.05
    torch.testing.assert_close(torch.stack(found), torch.stack(taken), rtol=1e-3, atol=1e-3)
    for value, same in zip(method.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(value, same, rtol=1e-2, atol=2e-3)
