"""What all weightings that read losses alone have in common, whatever the number of tasks."""

import math

import pytest
import torch
from loss_steps import logit_step, some_setting
from small_splits import small_schema, small_splits
from torch import Tensor

from mtlbench.api import ExpertSizes, Step, Weighting
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded
from mtlbench_plugins.backbones.mmoe import MMoE

LEARNT = ("uncertainty", "imtl-l", "famo", "igb-v2", "ldc-mtl")
WEIGH = (*LEARNT, "uw-so", "slaw", "cov", "preference", "dwa", "gls", "rlw", "stch", "igb-v1", "focal", "ips")
"""Those with weights of their own; each point of the grid of scalarization has its own."""
RANDOM = {"rlw", "igb-v2"}
NAMES = (*WEIGH, "scalarization")
WEIGHTINGS = discover(()).weightings


def create(name: str) -> Weighting:
    cls = WEIGHTINGS[name].cls
    return cls(cls.Params())


def mmoe_trainer(tasks: int, epochs: int) -> BackboneTrainer:
    """Two steps per epoch."""
    splits = small_splits(small_schema(tuple(f"task{k}" for k in range(tasks))), rows=400)
    with seeded(0, "initial parameters"):
        backbone = MMoE(splits.schema, ExpertSizes(embedding=4, bottom=(8,), tower=(4,), experts=2))
    return BackboneTrainer(backbone, splits, Training(epochs, epochs, batch_size=200), 0)


@pytest.mark.parametrize("tasks", [1, 2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_trains_two_steps_with_finite_weights(name: str, tasks: int):
    trainer = mmoe_trainer(tasks, epochs=1)
    before = {key: value.clone() for key, value in trainer.backbone.state_dict().items()}
    create(name).fit(trainer)
    assert all(spend.steps == 2 for spend in trainer.spend)
    for point in trainer.curve:
        assert set(point.weights) == set(trainer.schema.task_names)
        assert all(math.isfinite(value) for of_task in point.weights.values() for value in of_task.values())
    assert any(not torch.equal(value, before[key]) for key, value in trainer.backbone.state_dict().items())


@pytest.mark.parametrize("name", WEIGH)
def test_its_state_survives_a_checkpoint(name: str):
    trainer = mmoe_trainer(3, epochs=3)
    trained, loaded = create(name), create(name)
    trained.fit(trainer)
    trained.after_step(trainer.step(torch.arange(50)))
    state = trained.state_dict()
    kept = {key: value.clone() for key, value in state.items()}
    loaded.setup(trainer.setting)
    loaded.load_state_dict(state)
    for epoch in (4, 5):
        step = trainer.step(torch.arange(100, 200))
        weights = []
        for method in (trained, loaded):
            torch.manual_seed(epoch)
            weights.append(method.weigh(step))
            method.after_step(step)
            method.end_epoch(epoch)
        assert torch.equal(*weights)
    assert all(torch.equal(kept[key], value) for key, value in state.items())


def walk(name: str, logits: Tensor, labels: Tensor) -> tuple[Step, Tensor]:
    """Three epochs of one step each on halving logits; the last step and its weights (B, K)."""
    method = create(name)
    method.setup(some_setting(logits.shape[1], labels=labels))
    for epoch in (1, 2, 3):
        step = logit_step(logits / 2**epoch, labels)
        weights = method.weigh(step)
        method.after_step(step)
        method.end_epoch(epoch)
    return step, weights.expand_as(logits)


def some_logits(tasks: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(tasks)
    labels = (torch.rand(16, tasks, generator=generator) < 0.4).float()
    return 3 * torch.randn(16, tasks, generator=generator), labels


@pytest.mark.parametrize("name", [name for name in WEIGH if name not in RANDOM and WEIGHTINGS[name].cls.equivariant])
def test_tasks_in_another_order_have_their_weights_in_that_order(name: str):
    logits, labels = some_logits(5)
    order = torch.tensor([3, 0, 4, 1, 2])
    plain, permuted = walk(name, logits, labels)[1], walk(name, logits[:, order], labels[:, order])[1]
    torch.testing.assert_close(permuted, plain[:, order])
    assert not torch.allclose(permuted, plain)


@pytest.mark.parametrize("name", [name for name in WEIGH if name not in RANDOM])
def test_identical_tasks_have_equal_weights(name: str):
    logits, labels = (part.expand(-1, 3) for part in some_logits(1))
    weights = walk(name, logits, labels)[1]
    torch.testing.assert_close(weights, weights[:, :1].expand(-1, 3))


@pytest.mark.parametrize("name", WEIGH)
def test_one_task_has_a_positive_weight(name: str):
    assert (walk(name, *some_logits(1))[1] > 0).all()


@pytest.mark.parametrize("logit", [1e4, 1e30])
@pytest.mark.parametrize("right", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("name", WEIGH)
def test_zero_and_huge_losses_give_finite_weights(name: str, right: tuple[bool, bool], logit: float):
    labels = torch.eye(2).repeat(4, 1)
    sign = torch.where(torch.tensor(right), 1.0, -1.0)
    step, weights = walk(name, logit * sign * (2 * labels - 1), labels)
    assert (step.losses[:, 0] == 0).all() == right[0]
    assert weights.isfinite().all()


@pytest.mark.parametrize("name", WEIGH)
def test_a_loss_that_is_not_a_number_is_not_hidden(name: str):
    logits, labels = some_logits(2)
    logits[3, 1] = math.nan
    step, weights = walk(name, logits, labels)
    assert (weights * step.losses).mean().isnan()
