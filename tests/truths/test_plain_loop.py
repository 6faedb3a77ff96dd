"""Weightings of losses over fifty steps of six tasks, against a plain loop that writes their formula down at length."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from small_splits import small_schema, small_splits
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import Setting, Sizes, Splits, Task, Weighting
from mtlbench.cells import Training
from mtlbench.training.model import Model
from mtlbench.training.seeding import derive, seeded
from mtlbench.training.update import WeightedUpdate
from mtlbench_plugins.backbones.shared_bottom import SharedBottom
from mtlbench_plugins.weightings.cov import CoV
from mtlbench_plugins.weightings.preference import Preference
from mtlbench_plugins.weightings.propensity import Propensity
from mtlbench_plugins.weightings.slaw import SLAW

NAMES = ("a", "b", "c", "d", "e", "f")
TASKS = (*map(Task, NAMES[:5]), Task("f", after="a", within=True))
BATCH, STEPS = 40, 50

Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From losses (B, K), logits and labels of a step to what it descends."""


def slaw(past: list[Tensor]) -> Tensor:
    """Of all steps so far, the present one included; beta is 0.9, so that the first ten steps are averaged plainly."""
    mean = square = torch.zeros(6).double()
    for number, losses in enumerate(past, start=1):
        share = 1 / min(number, 10)
        mean, square = (1 - share) * mean + share * losses, (1 - share) * square + share * losses**2
    inverse = 1 / (square - mean**2).sqrt().clamp(min=1e-5)
    return 6 * inverse / inverse.sum() if len(past) > 1 else torch.ones(6).double()


def cov(past: list[Tensor]) -> Tensor:
    """Of the steps before the present one, which is the last."""
    before = torch.stack(past)[:-1]
    if len(before) < 2:
        return torch.ones(6).double()
    means = before.cumsum(0) / torch.arange(1, len(before) + 1).unsqueeze(1)
    ratios = torch.cat([torch.ones(1, 6).double(), before[1:] / means[:-1]])
    variation = (ratios.var(0, correction=0) + 1e-8).sqrt() / ratios.mean(0)
    return 6 * variation / variation.sum()


def of_history(weigh: Callable[[list[Tensor]], Tensor]) -> Objective:
    past: list[Tensor] = []

    def objective(losses: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        means = losses.mean(0)
        past.append(means.detach().double())
        return (weigh(past).float() * means).mean()

    return objective


def pbi(losses: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    means, ray = losses.mean(0), torch.full((6,), 6**-0.5)
    along = means @ ray
    return along + 0.3 * (means - along * ray).norm()


def chebyshev(losses: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    return losses.mean(0).max() / 6


def inverse_propensity(losses: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    weight = (1 / logits[:, 0].detach().sigmoid()).clamp(max=2.5)
    return (losses[:, :5].mean(0).sum() + (labels[:, 0] * weight * losses[:, 5]).mean()) / 6


METHODS: dict[str, tuple[Weighting, Callable[[], Objective]]] = {
    "slaw": (SLAW(SLAW.Params(beta=0.9)), lambda: of_history(slaw)),
    "cov": (CoV(CoV.Params()), lambda: of_history(cov)),
    "pbi": (Preference(Preference.Params(theta=0.3)), lambda: pbi),
    "chebyshev": (Preference(Preference.Params(form="chebyshev")), lambda: chebyshev),
    "propensity": (Propensity(Propensity.Params(clip=2.5)), lambda: inverse_propensity),
}


def splits_of(name: str) -> Splits:
    """Six tasks; for propensity the last is observed within the first."""
    splits = small_splits(replace(small_schema(NAMES), tasks=TASKS))
    if name == "propensity":
        labels = splits.train.labels.clone()
        labels[:, 5] = labels[:, 1].where(labels[:, 0] == 1, torch.nan)
        splits = replace(splits, train=replace(splits.train, labels=labels))
    return splits


@pytest.mark.parametrize("name", METHODS)
def test_fifty_steps_of_six_tasks_are_those_of_a_plain_loop(name: str):
    (method, objective), splits = METHODS[name], splits_of(name)
    with seeded(0, "initial parameters"):
        backbone = SharedBottom(splits.schema, Sizes(embedding=4, bottom=(8,), tower=(4,), dropout=0.0))
    plain, before, descended = copy.deepcopy(backbone), copy.deepcopy(backbone), objective()
    update = WeightedUpdate(method, Setting(TASKS), Model(backbone, splits, Training(batch_size=BATCH)))
    adam = torch.optim.Adam(plain.parameters(), lr=1e-3)
    for number in range(STEPS):
        rows = torch.randperm(240, generator=torch.Generator().manual_seed(derive(0, number)))[:BATCH]
        update.step(rows)
        logits, labels = plain(splits.train.inputs[rows]), splits.train.labels[rows]
        losses = F.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none")
        adam.zero_grad()
        descended(losses, logits, labels).backward()
        adam.step()
    moved = [(one - start).abs().max() for one, start in zip(plain.parameters(), before.parameters(), strict=True)]
    assert max(moved) > 1e-2
    for fast, slow in zip(backbone.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(fast, slow, atol=2e-5, rtol=1e-3)
