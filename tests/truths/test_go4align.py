"""Truths of GO4Align (SPEC-METHODS 1.14)."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_steps import loss_step, some_setting
from small_splits import small_schema, small_splits
from torch import Tensor
from wide_splits import small_backbone

from mtlbench import api
from mtlbench.cells import Training
from mtlbench.conformance.cases import Case, cases
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import derive, reseed
from mtlbench.training.stage import Batches
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.go4align import GO4Align, grouped_means

some_losses = st.lists(st.floats(1e-2, 10), min_size=4, max_size=6)
few_examples = settings(max_examples=20)


def started(tasks: int, **params: float) -> GO4Align:
    method = GO4Align(GO4Align.Params.model_validate(params))
    method.setup(some_setting(tasks))
    return method


def weights(method: GO4Align, losses: list[float]) -> Tensor:
    return method.weigh(loss_step(losses)).double()


@given(losses=some_losses)
@few_examples
def test_one_group_has_equal_weights(losses: list[float]):
    found = weights(started(len(losses), groups=1), losses)
    torch.testing.assert_close(found, found[:1].expand(len(losses)))


@given(losses=some_losses, step_size=st.sampled_from([1e-4, 0.3]))
@few_examples
def test_with_a_group_for_each_task_the_weighted_losses_sum_to_the_losses(losses: list[float], step_size: float):
    method = started(len(losses), groups=len(losses), step_size=step_size)
    for _ in range(3):
        found = weights(method, losses)
        assert float(found @ torch.tensor(losses).double()) == pytest.approx(sum(losses), rel=1e-5)
    small = weights(started(len(losses), groups=len(losses), step_size=0), losses) * torch.tensor(losses).double()
    torch.testing.assert_close(small, small[:1].expand(len(losses)), rtol=1e-5, atol=0)  # the direction of gls


@given(losses=some_losses, steps=st.integers(1, 3))
@few_examples
def test_the_groups_share_the_means_of_the_authors_formula(losses: list[float], steps: int):
    method, p = started(len(losses), groups=2, step_size=0.2), torch.ones(len(losses)).double() / len(losses)
    for step in range(steps):
        now = torch.tensor(losses).double() * (1 + step)
        p = p * (-0.2 * now).exp()
        p = p / p.sum()
        found = weights(method, now.tolist())
    expected = grouped_means((p * now.sum() / now).numpy(), 2)
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-5, atol=1e-9)
    assert len(found.unique()) <= 2


def scatter(values: np.ndarray, labels: tuple[int, ...]) -> float:
    groups = [values[np.array(labels) == label] for label in set(labels)]
    return sum(((group - group.mean()) ** 2).sum() for group in groups)


@given(values=st.lists(st.floats(-10, 10), min_size=1, max_size=6), groups=st.integers(1, 3))
@few_examples
def test_no_other_groups_lie_closer_together(values: list[float], groups: int):
    array = np.array(values)
    found = grouped_means(array, groups)
    least = min(scatter(array, labels) for labels in product(range(groups), repeat=len(values)))
    assert ((array - found) ** 2).sum() == pytest.approx(least, abs=1e-9)


def test_a_task_with_large_losses_loses_weight_over_time():
    method = started(4, groups=2, step_size=0.5)
    before, *_, after = (weights(method, [1.0, 1.0, 1.0, 3.0]) for _ in range(4))
    assert after[3] / after[0] < before[3] / before[0] < 1


def test_of_the_tasks_seen_alone_groups_are_made():
    step = loss_step([0.1, 0.5, 0.2, 0.9, 0.3])
    step.mask = torch.ones_like(step.losses, dtype=torch.bool)
    step.mask[:, 3] = False
    step.losses = torch.where(step.mask, step.losses, 0.0)
    found = started(5).weigh(step).double()
    assert found[3] == 0
    torch.testing.assert_close(found[[0, 1, 2, 4]], weights(started(4), [0.1, 0.5, 0.2, 0.3]))


def test_fewer_than_four_tasks_and_a_group_for_each_task_are_refused():
    method, three = GO4Align(GO4Align.Params()), small_schema(("a", "b", "c"))
    assert "four or more" in str(method.applicable(three, api.Backbone))
    four = small_schema(("a", "b", "c", "d"))
    assert method.applicable(four, api.Backbone) is None
    assert "more tasks than groups" in str(GO4Align(GO4Align.Params(groups=4)).applicable(four, api.Backbone))


def test_fifty_steps_of_six_tasks_are_those_of_a_plain_loop():
    splits = small_splits(small_schema(tuple("abcdef")), rows=160)
    backbones = [small_backbone("shared-bottom", splits, dropout=0.2) for _ in range(2)]
    network, found, taken = backbones[1], [], []

    class Kept(GO4Align):
        """Keeps its weights."""

        def weigh(self, step: api.Step) -> Tensor:
            found.append(super().weigh(step))
            return found[-1]

    training = Training(epochs=10, patience=10, batch_size=32, learning_rate=0.01)
    BackboneTrainer(backbones[0], splits, training, 0).train(Kept(Kept.Params(groups=3, step_size=0.1)))
    adam, p = torch.optim.Adam(network.parameters(), 0.01), torch.ones(6).double() / 6
    network.train()
    batches = Batches(160, 32, 0, torch.device("cpu"))
    for epoch in range(1, 11):
        for number, rows in enumerate(batches.epoch("train", epoch), start=1):
            reseed(torch.device("cpu"), derive(0, "step", "train", epoch, number))
            logits, labels = network(splits.train.inputs[rows]), splits.train.labels[rows]
            losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(0)
            now = losses.detach().double()
            p = p * (-0.1 * now).exp()
            p = p / p.sum()
            taken.append(torch.from_numpy(grouped_means((p * now.sum() / now).numpy(), 3)).float())
            adam.zero_grad()
            (taken[-1] * losses).mean().backward()
            adam.step()
    assert len(found) == len(taken) == 50
    assert (torch.stack(taken) - 1).abs().max() > 0.2
    torch.testing.assert_close(torch.stack(found), torch.stack(taken), rtol=1e-3, atol=1e-3)


class OfThree(GO4Align):
    """Takes the three tasks of the kit too."""

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        return None


QUICK = [
    case
    for case in cases(OfThree)
    if case.rule.name not in {"documented", "trains-with-every-backbone", "not-a-duplicate"}
]


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_the_kit_finds_nothing_where_it_may_look(case: Case):
    case.check()


def test_its_training_is_not_that_of_constant_weights():
    splits = small_splits(small_schema(tuple("abcd")), rows=160)
    curves = []
    for method in (GO4Align(GO4Align.Params()), Constant(Constant.Params())):
        trainer = BackboneTrainer(small_backbone("shared-bottom", splits), splits, Training(epochs=2, batch_size=32), 0)
        method.fit(trainer)
        curves.append(trainer.curve)
    assert curves[0] != curves[1]
