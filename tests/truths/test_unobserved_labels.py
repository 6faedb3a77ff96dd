"""Truths of weightings where labels were not observed (SPEC-METHODS section 4), for every built-in weighting."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from continued import SMALL_CRITICS, make, small_trainer
from fake_steps import gradients
from small_splits import small_schema, small_split, small_splits
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import DirectionWeighting, Inputs, Setting, SharedGradients, Splits, Step, TrainingError, Weighting
from mtlbench.api.masks import masked
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded
from mtlbench_plugins.critics.learning import CriticLearner
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import Transitions, replay

BUILT_IN = {
    name: entry.cls
    for name, entry in discover(()).weightings.items()
    if entry.cls.__module__.startswith("mtlbench_plugins.")
}
NO_WEIGHTS = {"scalarization", "forkmerge", "ddpg"}
"""A search over constant weights, branches that have them, and a method that weighs no loss."""
WEIGH = sorted(name for name, cls in BUILT_IN.items() if name not in NO_WEIGHTS and "critics" not in cls.needs)
"""Those with critics are trained below."""
RANDOM = {"rlw", "igb-v2"}
ROWS, TASKS, UNSEEN = 12, 3, 1
EPOCHS, STEPS = 4, 3


def without(values: Tensor, dim: int) -> Tensor:
    """``values`` without the task that is not seen."""
    return values.index_select(dim, torch.tensor([k for k in range(TASKS) if k != UNSEEN]))


def some_setting(labels: Tensor) -> Setting:
    """After a step the losses are about half of those before."""
    rows, tasks = labels.shape
    schema = small_schema(tuple("abc"[:tasks]))
    train = replace(small_split(schema, rows, seed=1), labels=labels, position=torch.arange(rows))

    def losses(step: Step) -> Tensor:
        return step.losses.detach() * torch.linspace(0.4, 0.9, step.losses.shape[1])

    def look_ahead(step: Step, weights: Tensor, targets: Tensor) -> Tensor:
        return targets * (step.task_losses.detach() - 0.7)

    return Setting(schema.tasks, learning_rate=0.01, train=train, losses=losses, look_ahead=look_ahead)


def some_labels() -> Tensor:
    """(B, K), both classes in each task."""
    return torch.tensor([[(i >> k) % 2 for k in range(TASKS)] for i in range(ROWS)]).float()


def make_step(labels: Tensor, mask: Tensor | None, number: int) -> Step:
    """A step of random logits and gradients; a task without an observed row has no gradient."""
    generator = torch.Generator().manual_seed(number)
    logits = torch.randn(len(labels), TASKS, generator=generator).double()
    targets = masked(labels.double(), mask)
    losses = masked(F.binary_cross_entropy_with_logits(logits, targets, reduction="none"), mask)
    found = gradients(TASKS, 10, seed=number)
    if mask is not None:
        found = found * mask.any(0).unsqueeze(1)
    rows, nothing = torch.arange(len(labels)), torch.zeros(len(labels), 0)
    jacobian = {"one": tuple(found[:, :4]), "other": tuple(found[:, 4:])}
    shared = SharedGradients(jacobian, (jacobian, jacobian))
    return Step(rows, Inputs(nothing.int(), nothing), labels, logits, losses, number, shared, mask)


def alone(step: Step) -> Step:
    """The step without the task that is not seen; all labels of the others are observed."""
    jacobian = {name: tuple(without(torch.stack(of), 0)) for name, of in step.jacobian.items()}
    labels, logits, losses = (without(values, 1) for values in (step.labels, step.logits, step.losses))
    shared = SharedGradients(jacobian, (jacobian, jacobian))
    return replace(step, labels=labels, logits=logits, losses=losses, shared=shared, mask=None)


def started(name: str, labels: Tensor) -> Weighting:
    method = BUILT_IN[name](BUILT_IN[name].Params())
    torch.manual_seed(0)
    method.setup(some_setting(labels))
    return method


def work(method: Weighting, steps: list[Step], epochs: int = EPOCHS) -> list[Tensor]:
    """What the method gives in each step of each epoch: weights, or K times a direction."""
    given = []
    for epoch in range(1, epochs + 1):
        for step in steps:
            torch.manual_seed(step.number)
            if isinstance(method, DirectionWeighting):
                given.append(step.losses.shape[1] * torch.cat(list(method.direct(step).values())))
            else:
                given.append(method.weigh(step).clone())
            method.after_step(step)
        method.end_epoch(epoch)
    return given


def no_labels_of_one_task() -> tuple[Tensor, Tensor]:
    mask = torch.ones(ROWS, TASKS, dtype=torch.bool)
    mask[:, UNSEEN] = False
    return some_labels().where(mask, torch.nan), mask


def half_observed(step: int) -> Tensor:
    return torch.rand(ROWS, TASKS, generator=torch.Generator().manual_seed(step)) < 0.5


@pytest.mark.parametrize("name", WEIGH)
def test_the_tasks_seen_get_what_they_get_without_the_others(name: str):
    labels, mask = no_labels_of_one_task()
    steps = [make_step(labels, mask, number) for number in range(STEPS)]
    if name == "ips":  # a task without any label has no classes to count
        labels = torch.cat([labels, some_labels()])
    found = work(started(name, labels), steps)
    if name in RANDOM:
        for weights, step in zip(found, steps * EPOCHS, strict=True):
            assert weights[UNSEEN] == 0
            shares = weights if name == "rlw" else weights * step.task_losses / 2
            assert float(shares.sum()) == pytest.approx(1)
        return
    expected = work(started(name, without(labels, 1)), [alone(step) for step in steps])
    for one, other in zip(found, expected, strict=True):
        assert one.isfinite().all()
        seen = one if issubclass(BUILT_IN[name], DirectionWeighting) else without(one, -1)
        torch.testing.assert_close(seen, other, rtol=1e-5, atol=1e-8)


def of_task(state: dict[str, Tensor], task: int) -> dict[str, Tensor]:
    """The parts of a state that have a dimension of tasks, at one task."""
    return {
        f"{name} {dim}": value.select(dim, task).clone()
        for name, value in state.items()
        for dim in range(value.dim())
        if value.shape[dim] == TASKS
    }


@pytest.mark.parametrize("name", WEIGH)
def test_a_task_that_a_batch_lacks_keeps_its_state(name: str):
    method = started(name, some_labels())
    work(method, [make_step(some_labels(), None, number) for number in range(STEPS)])
    kept = of_task(method.state_dict(), UNSEEN)
    labels, mask = no_labels_of_one_task()
    others = of_task(method.state_dict(), 0)
    found = work(method, [make_step(labels, mask, number) for number in range(STEPS, 2 * STEPS)])
    assert all(given.isfinite().all() for given in found)
    within_an_epoch = make_step(labels, mask, 0)
    method.weigh(within_an_epoch)
    method.after_step(within_an_epoch)
    after = of_task(method.state_dict(), UNSEEN)
    for part, value in kept.items():
        assert torch.equal(after[part], value), part
    if kept and name != "sdmgrad":  # its shares often stay in a corner
        moved = of_task(method.state_dict(), 0)
        assert any(not torch.equal(moved[part], value) for part, value in others.items())


@pytest.mark.parametrize("name", WEIGH)
def test_what_stands_in_place_of_a_label_is_irrelevant(name: str):
    found = []
    for placeholder in (torch.nan, 0.0, 1e9):
        steps = [
            make_step(some_labels().where(half_observed(number), placeholder), half_observed(number), number)
            for number in range(STEPS)
        ]
        # The training split itself marks unobserved labels by NaN, and nothing else.
        given = work(started(name, some_labels().where(half_observed(0), torch.nan)), steps)
        assert all(weights.isfinite().all() for weights in given)
        observed = [half_observed(step.number) for step in steps] * EPOCHS
        found.append(
            [w.where(mask, 0) if w.shape == mask.shape else w for w, mask in zip(given, observed, strict=True)]
        )
    for other in found[1:]:
        assert all(torch.equal(*pair) for pair in zip(found[0], other, strict=True))


@pytest.mark.parametrize("name", WEIGH)
def test_a_mask_that_is_all_true_gives_the_bits_without_a_mask(name: str):
    labels, everything = some_labels(), torch.ones(ROWS, TASKS, dtype=torch.bool)
    methods = [started(name, labels) for _ in range(2)]
    plain, masked_ = (
        work(method, [make_step(labels, mask, number) for number in range(STEPS)])
        for method, mask in zip(methods, (None, everything), strict=True)
    )
    assert all(torch.equal(*pair) for pair in zip(plain, masked_, strict=True))
    state, other = (method.state_dict() for method in methods)
    assert state.keys() == other.keys()
    assert all(torch.equal(value, other[key]) for key, value in state.items())


@pytest.mark.parametrize("name", sorted(set(WEIGH) - {"modo", "sdmgrad"}))  # further rows shift thirds of the batch
def test_appended_rows_without_any_label_change_nothing(name: str):
    labels, mask = some_labels(), torch.ones(ROWS, TASKS, dtype=torch.bool)
    longer = torch.cat([labels, torch.full((5, TASKS), torch.nan)])
    plain, appended = [], []
    for number in range(STEPS):
        step = make_step(labels, mask, number)
        more = torch.cat([mask, torch.zeros(5, TASKS, dtype=torch.bool)])
        logits, losses = (F.pad(values, (0, 0, 0, 5)) for values in (step.logits, step.losses))
        rows = torch.arange(len(longer))
        plain.append(step)
        appended.append(replace(step, rows=rows, labels=longer, logits=logits, losses=losses, mask=more))
    expected, found = work(started(name, labels), plain), work(started(name, longer), appended)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one[: len(other)], other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", WEIGH)
def test_a_loss_of_zero_gives_finite_weights(name: str):
    """A deviance is 0 where the prediction is perfect."""
    for zero in ((UNSEEN,), tuple(range(TASKS))):
        steps = [make_step(some_labels(), None, number) for number in range(STEPS)]
        for step in steps:
            step.losses[:, list(zero)] = 0
        assert all(given.isfinite().all() for given in work(started(name, some_labels()), steps))


@pytest.mark.parametrize("name", WEIGH)
def test_a_batch_without_any_label_gives_finite_weights_and_keeps_the_state(name: str):
    method = started(name, some_labels())
    work(method, [make_step(some_labels(), None, number) for number in range(STEPS)], epochs=3)
    kept = [of_task(method.state_dict(), task) for task in range(TASKS)]
    nothing = torch.zeros(ROWS, TASKS, dtype=torch.bool)
    found = work(method, [make_step(torch.full((ROWS, TASKS), torch.nan), nothing, 7)], epochs=1)
    assert all(given.isfinite().all() for given in found)
    for task, before in enumerate(kept):
        after = of_task(method.state_dict(), task)
        assert all(torch.equal(after[part], value) for part, value in before.items())


# -- through the trainer -----------------------------------------------------------------------------------------------


def splits_with_gaps() -> Splits:
    """Two tasks; half of the training sessions have no label of the second."""
    whole = small_splits()
    labels = whole.train.labels.clone()
    labels[whole.train.session % 2 == 0, 1] = torch.nan
    return replace(whole, train=replace(whole.train, labels=labels))


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"ddpg"}))
def test_trains_on_a_log_with_gaps(name: str):
    cls, splits = BUILT_IN[name], splits_with_gaps()
    settings = {**SMALL_CRITICS, "critic_epochs": 1, "state": "all"} if "critics" in cls.needs else {}
    if "critic_embeddings" in cls.Params.model_fields:
        settings["critic_embeddings"] = "fresh"  # the backbone of the tests has no tables to copy
    training = Training(epochs=2, patience=2, batch_size=3)
    method, start = make(cls, **settings), None
    if method.warm_start() is not None:
        first = small_trainer(splits=splits, training=training)
        make(BUILT_IN["constant"]).fit(first)
        start = first.checkpoint("start")
    trainer = small_trainer(start, splits=splits, training=training)
    lacking = [rows for rows in trainer.minibatches("train", 1) if trainer.data.labels[rows, 1].isnan().all()]
    assert lacking, "some batches have no label of the second task"
    with seeded(0, "weighting"):
        method.fit(trainer)
    assert any(point.train_loss for point in trainer.curve)
    for point in trainer.curve:
        if point.train_loss:  # where something was trained, not merged
            assert all(math.isfinite(value) for of_task in point.weights.values() for value in of_task.values())
            assert all(math.isfinite(loss) for loss in point.train_loss.values())
    assert all(value.isfinite().all() for value in trainer.backbone.state_dict().values())


def test_ddpg_refuses_a_log_with_gaps_and_names_the_task():
    splits = splits_with_gaps()
    start = small_trainer(splits=splits)
    make(BUILT_IN["constant"]).fit(start)
    with pytest.raises(TrainingError, match="ddpg needs every label, and some of conversion were not observed"):
        make(BUILT_IN["ddpg"], **SMALL_CRITICS).fit(small_trainer(start.checkpoint("start"), splits=splits))


def critics_after(transitions: Transitions, trainer: BackboneTrainer, **params: Any) -> dict[str, Tensor]:
    """Critics after three steps on all rows."""
    learner = CriticLearner(trainer, CriticParams(**SMALL_CRITICS, **params))
    for seed in range(3):
        torch.manual_seed(seed)
        learner.step(transitions, torch.arange(len(transitions)))
    return learner.critics.state_dict()


@pytest.mark.parametrize("ips", [False, True])
def test_a_reward_that_is_not_known_is_in_no_critics_loss(ips: bool):
    trainer = small_trainer(splits=splits_with_gaps())
    transitions = replay(trainer.data, trainer.predict().sigmoid())
    known = transitions.observed
    assert known is not None
    assert known[:, 0].all()
    assert 0 < known[:, 1].sum() < len(known)
    assert transitions.reward.isfinite().all()
    changed = replace(transitions, reward=transitions.reward.where(known, -1e6))
    found, expected = (critics_after(of, trainer, ips=ips) for of in (changed, transitions))
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    moved = critics_after(replace(changed, observed=None), trainer, ips=ips)
    assert any(not torch.equal(value, expected[name]) for name, value in moved.items())


def test_critics_of_rewards_that_are_all_known_have_the_bits_without_a_mask():
    trainer = small_trainer()
    transitions = replay(trainer.data, trainer.predict().sigmoid())
    assert transitions.observed is None
    everything = torch.ones_like(transitions.reward, dtype=torch.bool)
    found, expected = (critics_after(of, trainer) for of in (replace(transitions, observed=everything), transitions))
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


def test_the_shares_of_classes_are_those_of_the_observed_rows():
    labels = torch.tensor([[1, 1.0], [0, torch.nan], [0, 0], [0, torch.nan]])
    method = started("ips", labels)
    weights = method.weigh(replace(make_step(some_labels(), None, 0), labels=labels, mask=~labels.isnan()))
    torch.testing.assert_close(weights[:, 0], torch.tensor([2, 2 / 3, 2 / 3, 2 / 3], dtype=weights.dtype))
    torch.testing.assert_close(weights[[0, 2], 1], torch.ones(2, dtype=weights.dtype))


@pytest.mark.parametrize("name", ["focal", "ips", "ddpg"])
def test_methods_of_binary_labels_say_so(name: str):
    assert BUILT_IN[name].task_kinds == {"binary"}
