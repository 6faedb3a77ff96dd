"""Task gradients: what is shared, what is applied, and what a method of gradients sees."""

import dataclasses

import pytest
import torch
from small_splits import small_schema, small_split, small_splits
from torch import Tensor

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training import BackboneTrainer, has_shared_parameters
from mtlbench.training.gradients import TaskGradients, reach, shared
from mtlbench.training.model import Model
from mtlbench.training.seeding import seeded
from mtlbench.training.update import GradientBackward

CATALOGUE = discover(())
BACKBONES = {name: entry.cls for name, entry in CATALOGUE.backbones.items()}
SIZES = {"embedding": 8, "bottom": (16, 8), "tower": (4,)}


def build(name: str, splits: api.Splits) -> api.Backbone:
    with seeded(0, "initial parameters"):
        return BACKBONES[name](splits.schema, BACKBONES[name].Params(**SIZES))


def wide_splits() -> api.Splits:
    """A table larger than what a batch reads."""
    schema = small_schema(categorical=(api.Field("user", 400), api.Field("item", 50)))
    return api.Splits(schema, *(small_split(schema, 240, seed) for seed in (1, 2, 3)), fingerprint="wide", facts={})


def settings(**training: object) -> Training:
    return Training(**{"epochs": 2, "patience": 2, "batch_size": 32, **training})


def trainer(name: str, splits: api.Splits | None = None, **training: object) -> BackboneTrainer:
    splits = splits or small_splits()
    return BackboneTrainer(build(name, splits), splits, settings(**training), 0)


def model(name: str, splits: api.Splits | None = None, **training: object) -> Model:
    splits = splits or small_splits()
    return Model(build(name, splits), splits, settings(**training))


def reached(name: str) -> dict[str, frozenset[int]]:
    splits = small_splits()
    backbone = build(name, splits).eval()
    logits = backbone(splits.train.inputs)
    return dict(reach(logits, dict(backbone.named_parameters())))


def test_a_single_task_network_shares_nothing():
    assert not shared(reached("single-task"))


@pytest.mark.parametrize("name", sorted(set(BACKBONES) - {"single-task"}))
def test_every_other_backbone_shares_its_embedding_and_leaves_no_parameter_out(name: str):
    found = reached(name)
    assert all(found.values()), [parameter for parameter, tasks in found.items() if not tasks]
    assert any("embedding" in parameter for parameter in shared(found))


def test_towers_are_each_tasks_own_where_only_the_bottom_is_shared():
    found = reached("shared-bottom")
    assert {tuple(tasks) for parameter, tasks in found.items() if parameter.startswith("towers.0")} == {(0,)}
    assert {tuple(tasks) for parameter, tasks in found.items() if parameter.startswith("bottom")} == {(0, 1)}


def test_nothing_reaches_a_frozen_parameter():
    splits = small_splits()
    backbone = build("shared-bottom", splits).eval()
    frozen = {name for name, _ in backbone.named_parameters() if "embedding" in name}
    for name in frozen:
        backbone.get_parameter(name).requires_grad_(False)
    logits = backbone(splits.train.inputs)
    found = reach(logits, dict(backbone.named_parameters()))
    assert frozen
    assert {name for name, tasks in found.items() if not tasks} == frozen
    assert shared(found)


def test_the_click_tower_of_esmm_is_shared_because_conversion_is_a_product_with_it():
    found = reached("esmm")
    assert all(len(tasks) == 2 for parameter, tasks in found.items() if parameter.startswith("branches.0"))
    assert all(tasks == {1} for parameter, tasks in found.items() if parameter.startswith("branches.1"))


def test_the_first_bottom_of_aitm_and_its_transfer_out_of_it_are_shared():
    found = reached("aitm")
    assert all(len(tasks) == 2 for parameter, tasks in found.items() if parameter.startswith("bottoms.0"))
    assert all(tasks == {1} for parameter, tasks in found.items() if parameter.startswith("bottoms.1"))


@pytest.mark.parametrize("name", BACKBONES)
def test_what_is_shared_can_be_told_without_data(name: str):
    schema = small_schema(categorical=(api.Field("user", 10**9), api.Field("item", 2)))
    assert has_shared_parameters(BACKBONES[name], BACKBONES[name].Params(**SIZES), schema) == (name != "single-task")


@pytest.mark.parametrize("name", sorted(set(BACKBONES) - {"single-task"}))
@pytest.mark.parametrize("splits", [small_splits(), wide_splits()], ids=["dense", "row-wise"])
def test_weights_of_ones_give_the_gradient_of_the_plain_average(name: str, splits: api.Splits):
    subject = model(name, splits)
    rows = torch.arange(32)
    found = reach(subject.probe(), subject.leaves())
    with seeded(0, "masks"):
        step = subject.step(rows)
    gradients = TaskGradients.of_logits(step.logits, step.task_losses, None, subject.leaves(), found)
    combined = gradients.combined(torch.ones(2))
    with seeded(0, "masks"):
        step = subject.step(rows)
    leaves = subject.leaves()
    plain = torch.autograd.grad(step.losses.mean(), list(leaves.values()))
    for (parameter, _), gradient in zip(leaves.items(), plain, strict=True):
        torch.testing.assert_close(combined[parameter], gradient, atol=1e-7, rtol=1e-4)


class Weights(api.Weighting):
    """Fixed weights on task gradients."""

    name, label = "weights", "Weights"
    needs = frozenset({"gram"})

    def __init__(self, *weights: float) -> None:
        super().__init__(api.NoParams())
        self.weights = torch.tensor(weights)
        self.grams: list[Tensor] = []

    def weigh(self, step: api.Step) -> Tensor:
        self.grams.append(step.gram)
        return self.weights


class Ones(api.Weighting):
    """The plain average, by one backward pass."""

    name, label = "ones", "Ones"

    def __init__(self) -> None:
        super().__init__(api.NoParams())

    def weigh(self, step: api.Step) -> Tensor:
        return api.ones(step)


def test_training_on_task_gradients_of_weight_one_is_training_on_the_average():
    by_gradients, by_loss = trainer("mmoe", wide_splits()), trainer("mmoe", wide_splits())
    Weights(1.0, 1.0).fit(by_gradients)
    Ones().fit(by_loss)
    for a, b in zip(by_gradients.curve, by_loss.curve, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, abs=1e-5)
    for a, b in zip(by_gradients.backbone.parameters(), by_loss.backbone.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-3)


def test_weights_change_the_shared_parameters_and_no_others():
    one, other = model("shared-bottom"), model("shared-bottom")
    for subject, weighting in ((one, Weights(1.0, 1.0)), (other, Weights(3.0, -1.0))):
        descend_once(subject, weighting)
    moved = {
        name: not torch.equal(a, b)
        for (name, a), b in zip(one.backbone.named_parameters(), other.backbone.parameters(), strict=True)
    }
    assert not any(moved[name] for name in moved if name.startswith("towers"))
    assert moved["bottom.embedding.weight"]


def descend_once(subject: Model, weighting: api.Weighting) -> Tensor:
    backward = GradientBackward(weighting, subject)
    with seeded(0, "masks"):
        return backward(subject.step(torch.arange(32)))


def test_the_gram_matrix_is_that_of_the_whole_shared_gradients():
    subject, weighting = model("shared-bottom", wide_splits()), Weights(1.0, 1.0)
    descend_once(subject, weighting)
    again = build("shared-bottom", wide_splits())
    data = wide_splits().train
    with seeded(0, "masks"):
        logits = again(data.inputs[:32])
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, data.labels[:32], reduction="none").mean(0)
    bottom = list(again.bottom.parameters())
    flat = [
        torch.cat([g.flatten() for g in torch.autograd.grad(loss, bottom, retain_graph=True)]).double()
        for loss in losses
    ]
    torch.testing.assert_close(weighting.grams[0], torch.stack(flat) @ torch.stack(flat).T, rtol=1e-5, atol=1e-12)


class Direction(api.DirectionWeighting):
    """A direction that is a known combination of the task gradients."""

    name, label = "direction", "Direction"

    def __init__(self, *weights: float, preconditioned: bool = False) -> None:
        super().__init__(api.NoParams())
        self.weights = weights
        self.preconditioned = preconditioned

    def direct(self, step: api.Step) -> dict[str, Tensor]:
        return {
            name: sum(weight * gradient for weight, gradient in zip(self.weights, gradients, strict=True)) / 2
            for name, gradients in step.jacobian.items()
        }


def test_the_effective_weights_of_a_weighted_sum_are_its_weights():
    applied = descend_once(model("mmoe", wide_splits()), Direction(0.25, 1.5))
    torch.testing.assert_close(applied, torch.tensor([0.25, 1.5]), atol=1e-4, rtol=1e-3)


def test_a_direction_takes_the_same_step_as_its_weights():
    by_direction, by_weights = model("mmoe", wide_splits()), model("mmoe", wide_splits())
    descend_once(by_direction, Direction(0.25, 1.5))
    descend_once(by_weights, Weights(0.25, 1.5))
    for a, b in zip(by_direction.backbone.parameters(), by_weights.backbone.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_preconditioned_direction_moves_shared_parameters_by_the_learning_rate_times_itself():
    subject = model("shared-bottom", learning_rate=0.5)
    before = {name: value.detach().clone() for name, value in subject.backbone.named_parameters()}
    weighting = Direction(1.0, 1.0, preconditioned=True)
    seen: dict[str, Tensor] = {}
    direct = weighting.direct
    weighting.direct = lambda step: seen.update(direct(step)) or seen
    descend_once(subject, weighting)
    for name, value in subject.backbone.named_parameters():
        if name in seen:
            torch.testing.assert_close(value, before[name] - 0.5 * seen[name])
        else:
            assert not torch.equal(value, before[name])


def test_weight_decay_is_in_the_task_gradients_where_parameters_move_without_adam():
    subjects = {decay: model("shared-bottom", weight_decay=decay, learning_rate=0.5) for decay in (0.0, 0.1)}
    before = {name: value.detach().clone() for name, value in subjects[0.0].backbone.named_parameters()}
    for subject in subjects.values():
        descend_once(subject, Direction(1.0, 1.0, preconditioned=True))
    plain, decayed = (dict(subject.backbone.named_parameters()) for subject in subjects.values())
    for name, start in before.items():
        if name.startswith("bottom.mlp"):  # shared by both tasks, whose mean gradient has the whole term
            torch.testing.assert_close(decayed[name], plain[name] - 0.5 * 0.1 * start)


def test_tables_updated_row_by_row_are_not_moved_without_adam():
    with pytest.raises(api.TrainingError, match=r'frozenset\(\{"jacobian", "parameters"\}\)'):
        descend_once(model("shared-bottom", wide_splits()), Direction(1.0, 1.0, preconditioned=True))


@pytest.mark.parametrize("dim", [1, -1])
def test_the_pass_of_one_task_does_not_enter_the_network_of_another(dim: int):
    shared_leaf, entered = torch.ones(3, 1, requires_grad=True), []
    columns = [shared_leaf * 2, shared_leaf * 3]
    for task, column in enumerate(columns):
        column.register_hook(lambda gradient, task=task: entered.append((task, gradient)))
    logits = torch.cat(columns, dim=dim)
    found = TaskGradients.of_logits(
        logits, logits.square().mean(0), None, {"shared": shared_leaf}, {"shared": frozenset({0, 1})}
    )
    assert [task for task, _ in entered] == [0, 1]
    assert all(gradient.any() for _, gradient in entered)
    first, second = found.shared.jacobian["shared"]
    torch.testing.assert_close(first, torch.full((3, 1), 8 / 3))
    torch.testing.assert_close(second, torch.full((3, 1), 18 / 3))


@pytest.mark.parametrize(
    "arrange",
    [
        lambda x: torch.cat([x], 1),
        lambda x: torch.cat([x[:1], x[1:]], 0),
        lambda x: torch.cat([x[:, :1], torch.ones(2, 1)], 1),
        lambda x: torch.stack([x[:, 0], x[:, 1]], 1),
        lambda x: x * 1,
    ],
    ids=["one block", "by rows", "a constant column", "stacked", "no cat"],
)
def test_gradients_do_not_depend_on_how_the_logits_were_put_together(arrange):
    leaf = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    logits = arrange(leaf)
    expected = [
        torch.autograd.grad(logits[:, k].square().mean(), leaf, retain_graph=True, allow_unused=True)[0] for k in (0, 1)
    ]
    found = TaskGradients.of_logits(logits, logits.square().mean(0), None, {"leaf": leaf}, {"leaf": frozenset({0, 1})})
    for gradient, wanted in zip(found.shared.jacobian["leaf"], expected, strict=True):
        torch.testing.assert_close(gradient, torch.zeros(2, 2) if wanted is None else wanted)


def test_a_penalty_is_descended_once_beside_the_weighted_gradients():
    splits = small_splits()
    with seeded(0, "initial parameters"):
        calibrated = BACKBONES["aitm"](splits.schema, BACKBONES["aitm"].Params(calibrator=5.0, **SIZES))
    subject = Model(calibrated, splits, settings())
    found = reach(subject.probe(), subject.leaves())
    step = subject.step(torch.arange(32))
    leaves = subject.leaves()
    penalty = calibrated.penalty(step)
    expected = torch.autograd.grad(step.losses.mean() + penalty, list(leaves.values()), retain_graph=True)
    combined = TaskGradients.of_logits(step.logits, step.task_losses, penalty, leaves, found).combined(torch.ones(2))
    for name, gradient in zip(leaves, expected, strict=True):
        torch.testing.assert_close(combined[name], gradient, atol=1e-6, rtol=1e-4)


def test_a_backbone_without_shared_parameters_fails_with_the_reason():
    with pytest.raises(api.TrainingError, match="Weights weighs the gradients of shared parameters, and Single Task"):
        Weights(1.0, 1.0).fit(trainer("single-task"))


def test_gradients_that_are_not_finite_are_a_diverged_training_and_no_error_of_a_solver():
    splits = small_splits()
    splits.train.numerical[5, 0] = torch.nan

    class Solver(api.Weighting):
        name, label = "solver", "Solver"
        needs = frozenset({"gram"})

        def weigh(self, step: api.Step) -> Tensor:
            return torch.linalg.eigvalsh(step.gram).clamp(min=1).float()

    with pytest.raises(api.TrainingError, match="training diverged: the inner products of the task gradients are"):
        trainer("shared-bottom", splits).train(Solver(api.NoParams()))


def test_weights_per_sample_are_refused_where_gradients_are_weighed():
    class PerSample(Weights):
        def weigh(self, step: api.Step) -> Tensor:
            return torch.ones_like(step.losses)

    with pytest.raises(api.TrainingError, match=r"shape \(32, 2\); expected \(2,\) per task"):
        PerSample().fit(trainer("mmoe"))


def test_a_weighting_that_did_not_ask_for_gradients_is_told_how_to():
    class Curious(Ones):
        def weigh(self, step: api.Step) -> Tensor:
            return step.gram[0]

    with pytest.raises(api.TrainingError, match=r'needs = frozenset\(\{"gram"\}\)'):
        Curious().fit(trainer("mmoe"))


def test_post_step_losses_are_those_of_the_moved_parameters_under_the_same_masks():
    class Looks(Ones):
        needs = frozenset({"post-step losses"})
        still: Tensor

        def setup(self, setting: api.Setting) -> None:
            self.setting = setting

        def weigh(self, step: api.Step) -> Tensor:
            self.same = self.setting.losses(step)
            self.before = step.losses.detach().clone()
            return super().weigh(step)

        def after_step(self, step: api.Step) -> None:
            self.after = self.setting.losses(step)

    subject = trainer("mmoe", dataclasses.replace(small_splits()), epochs=1, patience=1)
    weighting = Looks()
    weighting.fit(subject)
    torch.testing.assert_close(weighting.same, weighting.before)
    assert not torch.equal(weighting.after, weighting.before)
    assert not weighting.after.requires_grad
    assert weighting.after.mean() < weighting.before.mean()
