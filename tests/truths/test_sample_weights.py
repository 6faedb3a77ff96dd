"""Truths of training where rows have sample weights, for every built-in weighting."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from continued import SMALL_CRITICS, make, small_trainer
from small_splits import small_splits
from torch import Tensor, nn

from mtlbench.api import Split, Splits
from mtlbench.api.masks import masked_mean, weighted_mean
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training import BackboneTrainer
from mtlbench.training.seeding import seeded
from mtlbench_plugins.critics.learning import CriticLearner
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import replay

BUILT_IN = {
    name: entry.cls
    for name, entry in discover(()).weightings.items()
    if entry.cls.__module__.startswith("mtlbench_plugins.")
}
OF_SAMPLES = sorted(name for name, cls in BUILT_IN.items() if not cls.needs & {"critics", "cross gram"})
"""Those whose steps read samples alone: no transitions between them, and no thirds of a batch, which copies shift."""
ROWS = 60


def with_weights(splits: Splits, weights: Tensor | None) -> Splits:
    return replace(splits, train=replace(splits.train, weight=weights))


def repeated(split: Split, times: Tensor) -> Split:
    """Each row as often as ``times`` says, without a weight; every row a session of its own."""
    rows = torch.arange(len(split)).repeat_interleave(times)
    columns = {name: value[rows] for name, value in vars(split).items() if isinstance(value, Tensor)}
    row = torch.arange(len(rows))
    alone = {"session": row, "next_row": row, "done": torch.ones(len(rows), dtype=torch.bool), "weight": None}
    return Split(**{**columns, **alone})


def dropping(share: float, trainer: BackboneTrainer) -> BackboneTrainer:
    for module in trainer.backbone.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
    return trainer


def trained(
    name: str, splits: Splits, batch_size: int = 16, epochs: int = 2, dropout: float = 0.1
) -> tuple[BackboneTrainer, list[dict[str, dict[str, float]]]]:
    """The trainer, and the weights of each epoch."""
    cls = BUILT_IN[name]
    settings: dict[str, Any] = {}
    if "critics" in cls.needs:
        settings = {
            **SMALL_CRITICS,
            "critic_epochs": 1,
            **({"state": "all"} if "state" in cls.Params.model_fields else {}),
            # The tests' backbone has no tables to copy.
            **({"critic_embeddings": "fresh"} if "critic_embeddings" in cls.Params.model_fields else {}),
        }
    training = Training(epochs=epochs, patience=epochs, batch_size=batch_size)
    method, start = make(cls, **settings), None
    if method.warm_start() is not None:
        first = dropping(dropout, small_trainer(splits=splits, training=training))
        make(BUILT_IN["constant"]).fit(first)
        start = first.checkpoint("start")
    trainer = dropping(dropout, small_trainer(start, splits=splits, training=training))
    with seeded(0, "weighting"):
        method.fit(trainer)
    return trainer, [dict(point.weights or {}) for point in trainer.curve]


def parameters(trainer: BackboneTrainer) -> Tensor:
    return torch.cat([value.flatten() for value in trainer.backbone.state_dict().values()])


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_weights_of_one_give_the_bits_without_weights(name: str) -> None:
    """But for the actor of ddpg, whose objective is a mean of sums without weights, and a sum of means with them."""
    plain = small_splits(rows=ROWS)
    expected, found = (trained(name, one) for one in (plain, with_weights(plain, torch.ones(ROWS))))
    if name == "ddpg":
        torch.testing.assert_close(parameters(found[0]), parameters(expected[0]), rtol=1e-4, atol=1e-5)
        return
    assert parameters(found[0]).equal(parameters(expected[0]))
    assert found[1] == expected[1]
    assert found[0].curve == expected[0].curve


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"ddpg"}))
def test_a_row_of_weight_0_is_a_row_without_labels(name: str) -> None:
    """The encoding takes the labels of such a row away; its weight then changes no bit."""
    plain = small_splits(rows=ROWS)
    none = torch.arange(ROWS) % 3 == 0
    labels = plain.train.labels.masked_fill(none[:, None], torch.nan)
    gaps = replace(plain, train=replace(plain.train, labels=labels))
    expected, found = (trained(name, one) for one in (gaps, with_weights(gaps, (~none).float())))
    assert parameters(found[0]).equal(parameters(expected[0]))
    assert found[1] == expected[1]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_the_scale_of_the_weights_changes_nothing(name: str) -> None:
    """Bit for bit where the factor is a power of 2, which rounds nothing."""
    plain = small_splits(rows=ROWS)
    weights = torch.rand(ROWS, generator=torch.Generator().manual_seed(0)) + 0.1
    expected, found = (trained(name, with_weights(plain, of)) for of in (weights, 8 * weights))
    assert parameters(found[0]).equal(parameters(expected[0]))
    assert found[1] == expected[1]
    assert found[0].curve == expected[0].curve


@pytest.mark.parametrize("name", OF_SAMPLES)
def test_whole_weights_train_as_the_rows_repeated_so_often(name: str) -> None:
    """In steps of all rows: a batch of fewer would hold a row but some of its copies."""
    plain = small_splits(rows=ROWS)
    times = torch.randint(1, 4, (ROWS,), generator=torch.Generator().manual_seed(0))
    weighted = with_weights(plain, times.float())
    copied = replace(plain, train=repeated(plain.train, times))
    expected, found = (trained(name, one, batch_size=1000, epochs=4, dropout=0.0) for one in (copied, weighted))
    assert not parameters(trained(name, plain, batch_size=1000, epochs=4, dropout=0.0)[0]).allclose(
        parameters(expected[0]), 1e-3
    )
    torch.testing.assert_close(parameters(found[0]), parameters(expected[0]), rtol=2e-4, atol=2e-5)
    if not BUILT_IN[name].per_sample:  # whose weights are summarised over the rows that there are
        for one, other in zip(found[1], expected[1], strict=True):
            assert one.keys() == other.keys()
            assert all(one[task] == pytest.approx(other[task], rel=1e-3, abs=1e-5) for task in one)
    for one, other in zip(found[0].curve, expected[0].curve, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)


@pytest.mark.parametrize("ips", [False, True])
def test_critics_learn_from_a_transition_as_often_as_its_weight_says(ips: bool) -> None:
    plain = small_splits(rows=ROWS)
    times = torch.randint(1, 4, (ROWS,), generator=torch.Generator().manual_seed(0))
    rows, losses = torch.arange(ROWS), []
    for splits, chosen in ((with_weights(plain, times.float()), rows), (plain, rows.repeat_interleave(times))):
        trainer = small_trainer(splits=splits)
        transitions = replay(splits.train, torch.full((ROWS, 2), 0.3))
        learner = CriticLearner(trainer, CriticParams(**SMALL_CRITICS, dropout=0.0, ips=ips))
        if ips:  # the shares of classes are those of the split, which the repeated rows are not
            learner._class_weight = (0.8, 1.3)  # type: ignore[assignment]
        losses.append(float(learner.step(transitions, chosen)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_task_loss_is_the_mean_by_weight_over_the_observed_rows() -> None:
    losses = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]], requires_grad=True)
    observed = torch.tensor([[True, True], [True, False], [True, False]])
    weights = torch.tensor([3.0, 1.0, 0.0])
    means = masked_mean(losses, observed, weights)
    assert means.tolist() == [(3 * 1 + 1 * 2) / 4, 10]
    assert masked_mean(losses, observed, torch.tensor([0.0, 1.0, 1.0])).tolist() == [3, 0]
    (gradient,) = torch.autograd.grad(means[0], losses)
    assert gradient[:, 0].tolist() == [0.75, 0.25, 0]
    per_sample = torch.tensor([[2.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert weighted_mean(losses, per_sample, observed, weights).item() == pytest.approx(((6 + 2) / 4 + 10) / 2)


def test_a_step_says_what_each_loss_counts() -> None:
    splits = with_weights(small_splits(rows=ROWS), torch.arange(ROWS) / 4)
    step = small_trainer(splits=splits).step(torch.tensor([0, 7, 3]))
    assert step.sample_weights is not None
    assert step.sample_weights.tolist() == [0, 1.75, 0.75]
    assert step.counts.tolist() == [[0, 0], [1.75, 1.75], [0.75, 0.75]]
    torch.testing.assert_close(step.task_losses, (step.losses * step.counts).sum(0) / 2.5)
    plain = small_trainer(splits=small_splits(rows=ROWS)).step(torch.tensor([0, 7, 3]))
    assert plain.sample_weights is None
    assert plain.counts.tolist() == [[1, 1]] * 3


def test_a_method_that_makes_a_step_of_its_own_sees_no_weights_by_default() -> None:
    """The field is the last one, so that steps made by position are as they were."""
    assert list(vars(small_trainer().step(torch.arange(3))))[-1] == "sample_weights"
