"""The backward passes of K tasks at once: the gradients of passes one by one, and those where hooks change them."""

import dataclasses

import pytest
import torch
from small_splits import small_schema, small_split
from torch import Tensor, nn

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training.begins import begins
from mtlbench.training.gradients import by_task
from mtlbench.training.model import Model
from mtlbench.training.passes import StackedPasses
from mtlbench.training.seeding import seeded
from mtlbench.training.stacked import gradients

BACKBONES = {name: entry.cls for name, entry in discover(()).backbones.items()}
SIZES = {"embedding": 16, "bottom": (16, 8), "tower": (4,), "dropout": 0.2}
TASKS = tuple(api.Task(name) for name in "abcd")


def splits(tasks: int) -> api.Splits:
    """Tables updated whole and row by row, and so many places for few ids that first layers are computed per id."""
    fields = tuple(api.Field(f"field {number}", size) for number, size in enumerate((700, 9, 60, 3, 90, 20)))
    two = small_split(small_schema(categorical=fields), 600, 1)
    random = torch.Generator().manual_seed(0)
    train = dataclasses.replace(two, labels=(torch.rand(600, tasks, generator=random) < 0.4).float())
    schema = small_schema(categorical=fields, tasks=TASKS[:tasks])
    return api.Splits(schema, train, train, train, fingerprint="four", facts={})


def trained(name: str, tasks: int) -> Model:
    data = splits(tasks)
    with seeded(0, "initial parameters"):
        backbone = BACKBONES[name](data.schema, BACKBONES[name].Params(**SIZES))
    return Model(backbone, data, Training(epochs=1, patience=1, batch_size=512))


def of_columns(columns: Tensor, losses: Tensor) -> Tensor:
    return torch.autograd.grad(losses.sum(), columns, retain_graph=True)[0]


CASES = [(name, tasks) for name in sorted(BACKBONES) for tasks in (2, 4) if name != "esmm" or tasks == 2]
"""ESMM is of a funnel of two tasks."""


@pytest.mark.parametrize(("name", "tasks"), CASES)
def test_tasks_together_have_the_gradients_of_passes_one_by_one(name: str, tasks: int):
    subject = trained(name, tasks)
    step = subject.step(torch.arange(512))
    leaves, start = subject.leaves(), of_columns(step.logits, step.task_losses)
    found = gradients(begins(step.logits, start), leaves)
    expected = by_task(step.logits, start, leaves, None)
    for own, wanted in zip(found, expected, strict=True):
        assert own.keys() == wanted.keys()
        for parameter, gradient in wanted.items():
            torch.testing.assert_close(own[parameter], gradient, rtol=1e-5, atol=1e-9)


def two_heads(body: nn.Module, x: Tensor) -> Tensor:
    features = body(x)
    return torch.cat([features[:, :1] * 2, features[:, 1:] * 3], dim=1)


def test_a_sum_of_repeated_tensors_and_operations_without_a_rule():
    body, scale = nn.Linear(5, 2), nn.Parameter(torch.full((5,), 0.5))
    leaves = {**dict(body.named_parameters()), "scale": scale}
    x = torch.randn(7, 5)
    logits = two_heads(body, (x * scale).tanh() + scale.sigmoid())
    start = of_columns(logits, logits.square().mean(0))
    found = gradients(begins(logits, start), leaves)
    for own, wanted in zip(found, by_task(logits, start, leaves), strict=True):
        assert own.keys() == wanted.keys() == leaves.keys()
        for name, gradient in wanted.items():
            torch.testing.assert_close(own[name], gradient)


@pytest.mark.parametrize("hooked", [False, True])
def test_where_a_hook_changes_gradients_the_tasks_go_backward_one_by_one(hooked: bool):
    body, passes = nn.Linear(5, 2), StackedPasses()
    leaves = dict(body.named_parameters())
    entered = []

    def reversed_gradient(gradient: Tensor) -> Tensor:
        entered.append(gradient)
        return -gradient

    for step in range(3):
        hidden = torch.randn(7, 5, requires_grad=True) * 1
        features = body(hidden)
        if hooked:
            features.register_hook(reversed_gradient)
        logits = torch.cat([features[:, :1] * 2, features[:, 1:] * 3], dim=1)
        start = of_columns(logits, logits.square().mean(0))
        expected = by_task(logits, start, leaves, keep=True)
        entered.clear()
        found = passes(logits, start, leaves, None, False)
        assert len(entered) == (2 if hooked else 0), step
        for own, wanted in zip(found, expected, strict=True):
            for name, gradient in wanted.items():
                torch.testing.assert_close(own[name], gradient)
