"""Truths of Auto-Lambda (SPEC-METHODS 1.11), and of looking ahead at a second batch."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from loss_steps import loss_step
from small_splits import small_schema, small_splits
from torch import Tensor, nn
from torch.nn import functional as F
from wide_splits import small_backbone, wide_splits

from mtlbench import Weigher, api
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import derive, reseed
from mtlbench.training.stage import Batches
from mtlbench_plugins.weightings.auto_lambda import AutoLambda
from mtlbench_plugins.weightings.constant import Constant

CPU = torch.device("cpu")
SIX = tuple("abcdef")
TRAINING = Training(epochs=10, patience=10, batch_size=32, learning_rate=0.01)


class Shared(api.Backbone):
    """Logits linear in one shared vector and one bias for each task, so that squared errors are quadratic."""

    name, label = "shared", "Shared"

    def __init__(self, tasks: int, inputs: int) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.linspace(-0.5, 0.5, inputs))
        self.biases = nn.Parameter(torch.zeros(tasks))

    def forward(self, inputs: api.Inputs) -> Tensor:
        factors = torch.linspace(-1, 2, len(self.biases))
        return (inputs.numerical @ self.vector).unsqueeze(1) * factors + self.biases


def quadratic(rate: float, rows: int = 64) -> tuple[BackboneTrainer, api.Splits]:
    """A trainer of two batches an epoch, on three real tasks with standardised labels."""
    schema = replace(small_schema(), tasks=tuple(api.Task(name, "real") for name in "abc"))
    splits = small_splits(schema, rows)
    labels = torch.randn(rows, 3, generator=torch.Generator().manual_seed(5))
    labels = (labels - labels.mean(0)) / labels.std(0, correction=0)
    splits = replace(splits, train=replace(splits.train, labels=labels))
    training = Training(batch_size=rows // 2, learning_rate=rate)
    return BackboneTrainer(Shared(3, 2), splits, training, 0, dense=True), splits


def losses_at(splits: api.Splits, rows: Tensor, vector: Tensor, biases: Tensor) -> Tensor:
    split = splits.train
    factors = torch.linspace(-1, 2, 3).double()
    logits = (split.numerical[rows].double() @ vector).unsqueeze(1) * factors + biases
    return (logits - split.labels[rows].double()).square().mean(0)


@pytest.mark.parametrize("targets", [[1.0, 1.0, 1.0], [0.0, 1.0, 0.0]], ids=["all", "one"])
@pytest.mark.parametrize("rate", [1e-7, 0.3])
def test_the_fall_is_the_exact_product_where_losses_are_quadratic(rate: float, targets: list[float]):
    trainer, splits = quadratic(rate)
    weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    batches, second = (Batches(64, 32, 0, CPU).epoch(stream, 0) for stream in ("train", "second "))
    rows = batches[0]
    with trainer.stage("looking"):
        found = trainer.setting.look_ahead(trainer.step(rows), weights, torch.tensor(targets, dtype=torch.float64))
    now = [parameter.detach().double().requires_grad_() for parameter in trainer.backbone.parameters()]
    losses = losses_at(splits, rows, *now)
    of_task = [torch.autograd.grad(loss, now, retain_graph=True) for loss in losses]
    step = [sum(w * g for w, g in zip(weights, parts, strict=True)) / 3 for parts in zip(*of_task, strict=True)]
    ahead = [(value - rate * part).detach().requires_grad_() for value, part in zip(now, step, strict=True)]
    # Without a stage, the present batch is the last of epoch 0.
    v = torch.autograd.grad(losses_at(splits, second[-1], *ahead) @ torch.tensor(targets).double(), ahead)
    expected = torch.stack([sum((g * part).sum() for g, part in zip(own, v, strict=True)) for own in of_task])
    torch.testing.assert_close(found / rate, expected.detach(), rtol=1e-4, atol=1e-4)
    assert expected.abs().min() > 0.01


def test_the_second_batches_of_an_epoch_are_all_its_rows_in_another_order():
    batches = Batches(100, 30, 0, CPU)
    seen, own = [], batches.epoch("train", 2)
    for number, rows in enumerate(own, start=1):
        batches.seed_step("train", 2, number)
        seen.append(batches.second())
        assert len(seen[-1]) == len(rows)
        assert not torch.equal(seen[-1].sort()[0], rows.sort()[0])
    assert torch.equal(torch.cat(seen).sort()[0], torch.arange(100))
    batches.seed_step("train", 3, 1)
    assert not torch.equal(batches.second(), seen[0])


def trained(name: str, weighting: api.Weighting, tasks: tuple[str, ...] = SIX, **sizes: Any) -> BackboneTrainer:
    splits = small_splits(small_schema(tasks), rows=160)
    trainer = BackboneTrainer(small_backbone(name, splits, **sizes), splits, replace(TRAINING, epochs=2), 0, dense=True)
    trainer.train(weighting)
    return trainer


def auto_lambda(**params: Any) -> AutoLambda:
    return AutoLambda(AutoLambda.Params(**params))


@pytest.mark.parametrize(
    ("name", "tasks", "sizes"),
    [("shared-bottom", SIX, {"norm": "batch", "dropout": 0.2}), ("escm2", SIX[:2], {}), ("snr-trans", SIX[:2], {})],
    ids=["batch normalisation and dropout", "a risk of the last pass", "random routes"],
)
def test_weights_that_are_not_learnt_train_as_constant_weights(name: str, tasks: tuple[str, ...], sizes: Any):
    one = trained(name, auto_lambda(learning_rate=0), tasks, **sizes)
    other = trained(name, Constant(Constant.Params()), tasks, **sizes)
    assert one.curve == other.curve
    for value, same in zip(one.backbone.state_dict().values(), other.backbone.state_dict().values(), strict=True):
        assert torch.equal(value, same)


def test_the_rows_of_the_second_batches_count_in_the_budget():
    one, other = (trained("shared-bottom", method) for method in (auto_lambda(), Constant(Constant.Params())))
    assert [(spend.steps, spend.rows) for spend in one.spend] == [(10, 640)]
    assert [(spend.steps, spend.rows) for spend in other.spend] == [(10, 320)]


class Kept(AutoLambda):
    """Keeps its weights of each step, and the network after each epoch."""

    def weigh(self, step: api.Step) -> Tensor:
        self.taken = [*getattr(self, "taken", []), super().weigh(step)]
        return self.taken[-1]

    def end_epoch(self, epoch: int) -> None:
        self.network = copy.deepcopy(self.backbone)


def losses_of(network: api.Backbone, splits: api.Splits, rows: Tensor) -> Tensor:
    logits = network(splits.train.inputs[rows])
    return F.binary_cross_entropy_with_logits(logits, splits.train.labels[rows], reduction="none").double().mean(0)


def test_fifty_steps_of_six_tasks_are_those_of_a_plain_loop():
    splits = small_splits(small_schema(SIX), rows=160)
    backbone = small_backbone("shared-bottom", splits, dropout=0.2)
    network = copy.deepcopy(backbone)
    method = Kept(Kept.Params(learning_rate=0.01))
    method.backbone = backbone
    BackboneTrainer(backbone, splits, TRAINING, 0, dense=True).train(method)
    adam = torch.optim.Adam(network.parameters(), 0.01)
    weights = torch.ones(6, dtype=torch.float64, requires_grad=True)
    of_weights = torch.optim.Adam([weights], 0.01)
    batches, taken = Batches(160, 32, 0, CPU), []
    network.train()
    for epoch in range(1, 11):
        second = batches.epoch("second train", epoch)
        for number, rows in enumerate(batches.epoch("train", epoch), start=1):
            seed = derive(0, "step", "train", epoch, number)
            reseed(CPU, seed)
            losses = losses_of(network, splits, rows)
            ahead = copy.deepcopy(network)
            of_step = torch.autograd.grad((weights.detach() * losses).mean(), network.parameters(), retain_graph=True)
            move(ahead, of_step, -0.01)
            reseed(CPU, seed)
            v = torch.autograd.grad(losses_of(ahead, splits, second[number - 1]).sum(), ahead.parameters())
            shift = 0.01 / torch.cat([part.flatten() for part in v]).norm().item()
            sides = []
            for way in (shift, -shift):
                moved = copy.deepcopy(network)
                move(moved, v, way)
                reseed(CPU, seed)
                sides.append(losses_of(moved, splits, rows).detach())
            weights.grad = -0.01 * (sides[0] - sides[1]) / (2 * shift)
            of_weights.step()
            weights.data.clamp_(min=0.01)
            adam.zero_grad()
            (weights.detach() * losses).mean().backward()
            adam.step()
            taken.append(weights.detach().float().clone())
    assert len(taken) == len(method.taken) == 50
    assert (taken[-1] - 1).abs().max() > 0.1
    torch.testing.assert_close(torch.stack(method.taken), torch.stack(taken), rtol=1e-3, atol=1e-3)
    for value, same in zip(method.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(value, same, rtol=1e-2, atol=2e-3)


def move(network: api.Backbone, direction: tuple[Tensor, ...], length: float) -> None:
    with torch.no_grad():
        for parameter, part in zip(network.parameters(), direction, strict=True):
            parameter.add_(part, alpha=length)


def started(falls: list[list[float]], **params: Any) -> AutoLambda:
    """A method whose looks ahead give these, one after the other."""
    method, left = auto_lambda(**params), iter(falls)
    tasks = [api.Task(f"task{k}") for k in range(len(falls[0]))]
    method.setup(api.Setting(tasks, look_ahead=lambda *_: torch.tensor(next(left), dtype=torch.float64)))
    return method


def test_a_task_gains_weight_if_it_lowers_the_losses_of_the_targets():
    (found,) = started([[0.1, -0.2, 0.0]]).weigh(loss_step([1.0] * 3)).unsqueeze(0)
    torch.testing.assert_close(found, torch.tensor([1.001, 0.999, 1.0]))


def test_nothing_changes_where_no_target_has_a_gradient_and_no_weight_falls_below_its_floor():
    method = started([[0.1, -0.2], [0.0, 0.0], [0.1, -0.2]], learning_rate=2)
    first, second, third = (method.weigh(loss_step([1.0] * 2)).tolist() for _ in range(3))
    assert first == second == pytest.approx([3, 0.01])
    assert third[0] > 4
    assert third[1] == pytest.approx(0.01)


def test_without_a_label_of_a_target_on_the_second_batch_there_is_nothing_to_gain():
    trainer, splits = quadratic(0.1)
    labels = splits.train.labels.clone()
    labels[Batches(64, 32, 0, CPU).epoch("second ", 0)[-1], 1] = torch.nan
    splits = replace(splits, train=replace(splits.train, labels=labels))
    trainer = BackboneTrainer(Shared(3, 2), splits, Training(batch_size=32), 0, dense=True)
    with trainer.stage("looking"):
        found = trainer.setting.look_ahead(trainer.step(torch.arange(32)), torch.ones(3), torch.tensor([0.0, 1.0, 0.0]))
    assert found.tolist() == [0, 0, 0]


def test_tables_that_are_updated_row_by_row_are_refused_with_the_remedy():
    splits = wide_splits()
    trainer = BackboneTrainer(small_backbone("shared-bottom", splits), splits, Training(batch_size=16), 0)
    with pytest.raises(api.TrainingError, match=r"look-ahead.*parameters"):
        trainer.train(auto_lambda())


def test_a_loop_of_ones_own_has_no_second_batch():
    with pytest.raises(api.UsageError, match=r"second batch.*train with mtlbench\.run"):
        Weigher("auto-lambda", 2)


def test_a_target_is_a_task_of_the_dataset():
    assert "click, like" in str(auto_lambda(target="buy").applicable(small_schema(("click", "like")), api.Backbone))
