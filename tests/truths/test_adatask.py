"""Truths of AdaTask (SPEC section 6)."""

import pytest
import torch
from fake_steps import gradients
from gradient_methods import applied, started
from small_splits import small_splits
from torch import nn

from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded
from mtlbench_plugins.weightings.adatask import AdaTask

STEPS = 25
RATE = 0.01


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.8)])
def test_of_one_task_it_is_adam(betas: tuple[float, float]):
    method = started(AdaTask, 1, beta1=betas[0], beta2=betas[1])
    ours = torch.zeros(6, dtype=torch.float64)
    parameter = nn.Parameter(torch.zeros(6, dtype=torch.float64))
    adam = torch.optim.Adam([parameter], RATE, betas)
    for number in range(STEPS):
        g = gradients(1, 6, number)
        ours -= RATE * applied(method, g)
        parameter.grad = g[0].clone()
        adam.step()
        torch.testing.assert_close(ours, parameter.detach(), rtol=1e-12, atol=1e-14)


def test_the_step_is_the_average_of_one_adam_for_each_task():
    together, alone = started(AdaTask, 3), [started(AdaTask, 1) for _ in range(3)]
    for number in range(STEPS):
        g = gradients(3, 6, number)
        expected = torch.stack([applied(method, g[k : k + 1]) for k, method in enumerate(alone)]).mean(0)
        torch.testing.assert_close(applied(together, g), expected)


def test_a_task_of_small_gradients_moves_as_much_as_one_of_large():
    method = started(AdaTask, 2)
    g = torch.tensor([[1e3, 0.0], [0.0, 1e-3]], dtype=torch.float64)
    for _ in range(STEPS):
        direction = applied(method, g)
        torch.testing.assert_close(direction, torch.full((2,), 0.5, dtype=torch.float64), rtol=1e-4, atol=0.0)


@pytest.mark.parametrize("decay", [0.0, 0.02])
def test_of_identical_tasks_training_is_that_of_adam(decay: float):
    splits = small_splits()
    same = splits.train.labels[:, :1].expand(-1, 2).contiguous()
    splits.train.labels.copy_(same)
    catalogue = discover(())
    trained, training = [], Training(epochs=2, patience=2, batch_size=32, weight_decay=decay)
    for name in ("adatask", "constant"):
        cls = catalogue.backbones["shared-bottom"].cls
        with seeded(0, "initial parameters"):
            backbone = cls(splits.schema, cls.Params(embedding=8, bottom=(16, 8), tower=(), dropout=0.0))
        with torch.no_grad():  # the same tower twice
            for one, other in zip(backbone.towers[0].parameters(), backbone.towers[1].parameters(), strict=True):
                other.copy_(one)
        trainer = BackboneTrainer(backbone, splits, training, 0, dense=True)
        weighting = catalogue.weightings[name].cls
        weighting(weighting.Params()).fit(trainer)
        trained.append(trainer)
    for a, b in zip(trained[0].curve, trained[1].curve, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, abs=1e-5)
    for a, b in zip(trained[0].backbone.parameters(), trained[1].backbone.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
