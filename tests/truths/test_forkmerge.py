"""Truths of ForkMerge: branches that are merged as validation says."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_splits import small_schema, small_splits
from tiny_backbones import Embedded
from torch import Tensor

import mtlbench
from mtlbench import api
from mtlbench.api import Field
from mtlbench.cells import Training
from mtlbench.training import BackboneTrainer
from mtlbench.training.budget import Budget
from mtlbench.training.merging import mean, normalised
from mtlbench.training.seeding import seeded
from mtlbench.verification.folders import Stored
from mtlbench.verification.impossible import impossible
from mtlbench.verification.selections import selected
from mtlbench_plugins.weightings.constant import Constant
from mtlbench_plugins.weightings.forkmerge import ForkMerge

TRAINING = Training(epochs=6, patience=2, batch_size=32, learning_rate=0.02)
ALPHAS = (0.2, 0.4, 0.6, 0.8, 1.0)
TASKS = {"one": ("click",), "two": ("click", "conversion"), "three": ("click", "cart", "conversion")}


def make_trainer(tasks: str = "two", training: Training = TRAINING) -> BackboneTrainer:
    schema = small_schema(TASKS[tasks], categorical=(Field("user", 900), Field("item", 7)))
    with seeded(0, "initial parameters"):
        backbone = Embedded(schema)
    return BackboneTrainer(backbone, small_splits(schema), training, 0)


def make(**params: Any) -> ForkMerge:
    return ForkMerge(ForkMerge.Params(**params))


def forked(tasks: str, training: Training = TRAINING, **params: Any) -> BackboneTrainer:
    trainer = make_trainer(tasks, training)
    make(**params).fit(trainer)
    return trainer


@pytest.fixture(scope="module")
def three() -> BackboneTrainer:
    return forked("three", branches="each")


def points_of(trainer: BackboneTrainer, stage: str) -> list[dict[str, Any]]:
    """The curve of a stage, its name aside."""
    return [vars(point) | {"stage": ""} for point in trainer.curve if point.stage == stage]


def score_of(point: Mapping[str, Any]) -> float:
    return sum(point["validation"].values()) / len(point["validation"])


def assert_same_end(one: BackboneTrainer, other: BackboneTrainer) -> None:
    assert (one.best.score, one.best.loss) == (other.best.score, other.best.loss)
    first, second = one.checkpoint("a" * 64), other.checkpoint("a" * 64)
    for name, value in second.backbone.items():
        assert torch.equal(first.backbone[name], value), name
        assert torch.equal(one.backbone.state_dict()[name], value), name
    for name, moments in second.optimiser.items():
        for key, value in moments.items():
            assert torch.equal(first.optimiser[name][key], value), (name, key)


@pytest.mark.parametrize("interval", [1, 2])
def test_a_single_branch_is_the_run_of_constant(interval: int):
    forked, constant = make_trainer(), make_trainer()
    Constant(Constant.Params()).fit(constant)
    assert len(constant.curve) < TRAINING.epochs, "without early stopping that of the fork goes unseen"
    shares = forked.fork({"one": Constant(Constant.Params())}, _never_called, interval)
    assert points_of(forked, "train one")[: len(constant.curve)] == points_of(constant, "train")
    assert len(forked.curve) - len(constant.curve) in range(interval)
    assert all(share == {"one": 1.0} for share in shares)
    assert forked.best_epoch == {"train one": constant.best_epoch["train"]}
    assert_same_end(forked, constant)


def test_on_one_task_it_is_the_run_of_constant():
    forkmerge, constant = forked("one"), make_trainer("one")
    Constant(Constant.Params()).fit(constant)
    assert points_of(forkmerge, "train 1") == points_of(constant, "train")
    assert (forkmerge.spend[0].steps, forkmerge.spend[0].rows) == (constant.spend[0].steps, constant.spend[0].rows)
    assert_same_end(forkmerge, constant)


def test_the_merge_of_equal_branches_is_the_branch():
    trainer, constant = make_trainer(), make_trainer()
    Constant(Constant.Params()).fit(constant)
    equal = {name: Constant(Constant.Params()) for name in ("a", "b", "c")}
    trainer.fork(equal, lambda scores, score: {"a": 0.5, "b": 0.3, "c": 0.7})
    for name in ("train a", "train b", "train c"):
        assert points_of(trainer, name) == points_of(constant, "train")
    merged = points_of(trainer, "train merged")
    assert [point["validation"] for point in merged] == [vars(point)["validation"] for point in constant.curve]
    assert_same_end(trainer, constant)


def test_with_no_alpha_but_zero_the_best_branch_of_each_interval_goes_on():
    trainer = forked("two", alphas=(0.0,))
    curves = {name: points_of(trainer, f"train {name}") for name in ("0-2", "1-1")}
    for epoch in range(len(curves["0-2"])):
        best = max(curves, key=lambda name: score_of(curves[name][epoch]))
        assert {name: trainer.curves[f"share {name}"][epoch] for name in curves} == {
            name: float(name == best) for name in curves
        }
        assert points_of(trainer, "train merged")[epoch]["validation"] == curves[best][epoch]["validation"]
    assert trainer.spend[-1].rows == 0, "nothing was tried whose score was not known"


def test_a_merge_is_at_least_as_good_as_its_best_branch_and_the_best_of_all_is_kept(three: BackboneTrainer):
    assert list(three.best_epoch) == ["train 0-0-3", "train 1.5-0-1.5", "train 0-1.5-1.5", "train merged"]
    *branches, merged = (points_of(three, stage) for stage in three.best_epoch)
    for epoch, point in enumerate(merged):
        assert score_of(point) >= max(score_of(branch[epoch]) for branch in branches)
    assert any(share not in {0.0, 1.0} for share in three.curves["share 0-0-3"]), "nothing was merged"
    assert three.best.score == max(score_of(vars(point)) for point in three.curve)
    for stage, epoch in three.best_epoch.items():
        scores = [score_of(point) for point in points_of(three, stage)]
        assert scores[epoch - 1] == max(scores)


def test_the_shares_of_a_merge_sum_to_one(three: BackboneTrainer):
    for shares in zip(*three.curves.values(), strict=True):
        assert sum(shares) == pytest.approx(1, abs=1e-12)
        assert min(shares) >= 0


def test_every_branch_and_every_merge_that_is_tried_is_paid_for(three: BackboneTrainer):
    epochs = len(points_of(three, "train 0-0-3"))
    *branches, merging = three.spend
    assert [(spend.steps, spend.rows) for spend in branches] == [(epochs * 8, epochs * 240)] * 3
    assert (merging.stage, merging.steps, merging.rows) == ("train merged", 0, epochs * 2 * len(ALPHAS) * 240)
    assert merging.seconds > 0


def test_all_branches_start_from_the_last_merge():
    starts: list[Tensor] = []

    class Watched(Constant):
        def weigh(self, step: api.Step) -> Tensor:
            if step.number % 8 == 0:
                starts.append(trainer.backbone.rest[2].bias.detach().clone())
            return super().weigh(step)

    trainer = make_trainer()
    branches = {"a": (1.0, 1.0), "b": (0.1, 1.9)}
    trainer.fork(
        {name: Watched(Constant.Params(weights=w)) for name, w in branches.items()}, lambda *_: {"a": 1, "b": 3}
    )
    assert len(starts) >= 4
    for first, second in zip(starts[::2], starts[1::2], strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(starts[0], starts[2])


@given(peak=st.lists(st.floats(0, 2), min_size=3, max_size=3), scores=st.permutations([0.1, 0.2, 0.3]))
def test_lambda_is_searched_branch_by_branch_from_the_best(peak: list[float], scores: list[float]):
    names = ["a", "b", "c"]
    tried: list[dict[str, float]] = []

    def score(shares: Mapping[str, float]) -> float:
        tried.append(dict(shares))
        return 1 - sum(abs(shares.get(name, 0.0) - best) for name, best in zip(names, peak, strict=True))

    found = make().merge(dict(zip(names, scores, strict=True)), score)
    ranked = sorted(names, key=lambda name: -scores[names.index(name)])
    best, merged = max(scores), {ranked[0]: 1.0}
    for place, name in enumerate(ranked[1:], 1):
        mean_before = sum(merged.values()) / place
        options = {alpha * mean_before: score({**merged, name: alpha * mean_before}) for alpha in ALPHAS}
        top = max(options.values())
        merged[name] = next(value for value in options if options[value] == top) if top > best else 0.0
        best = max(best, top)
    assert found == merged
    assert len(tried) == 4 * len(ALPHAS), "ten for the search, ten for the test"


def test_an_undefined_score_ranks_last():
    found = make().merge({"a": float("nan"), "b": 0.3}, lambda shares: 0.0)
    assert found == {"b": 1.0, "a": 0.0}


@pytest.mark.parametrize(
    ("tasks", "params", "expected"),
    [
        ("two", {}, [(0, 2), (1, 1)]),
        ("two", {"target": "click"}, [(2, 0), (1, 1)]),
        ("three", {}, [(0, 0, 3), (0.75, 0.75, 1.5)]),
        ("three", {"branches": "each", "target": "cart"}, [(0, 3, 0), (1.5, 1.5, 0), (0, 1.5, 1.5)]),
        ("one", {"branches": "each"}, [(1,)]),
    ],
)
def test_the_target_has_half_of_the_weight_and_alone_all_of_it(
    tasks: str, params: dict[str, str], expected: list[tuple[float, ...]]
):
    assert make(**params).branches(small_schema(TASKS[tasks]).tasks) == expected


def test_means_are_of_parameters_and_of_running_means_but_not_of_counts():
    networks = {}
    for name, value in (("a", 1.0), ("b", 4.0)):
        norm = torch.nn.BatchNorm1d(1)
        norm.running_mean.fill_(value)
        norm.running_var.fill_(2 * value)
        norm.weight.data.fill_(-value)
        norm.num_batches_tracked.fill_(int(value))
        networks[name] = norm.state_dict()
    found = mean(networks, {"a": 2 / 3, "b": 1 / 3})
    assert [found[key].item() for key in ("running_mean", "running_var", "weight")] == pytest.approx([2, 4, -2])
    assert found["num_batches_tracked"].item() == 1


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(sum), st.integers(0, 2**31))
def test_the_mean_of_equal_networks_is_that_network(shares: list[float], seed: int):
    value = torch.randn(20, generator=torch.Generator().manual_seed(seed))
    names = ["a", "b", "c"]
    found = mean({name: {"w": value} for name in names}, normalised(dict(zip(names, shares, strict=True)), names))
    assert torch.equal(found["w"], value)


@pytest.mark.parametrize("shares", [{}, {"a": 0.0}, {"a": -1.0, "b": 2.0}, {"other": 1.0}, {"a": float("nan")}])
def test_shares_that_make_no_mean_are_refused(shares: dict[str, float]):
    with pytest.raises(api.TrainingError, match="give each a share of at least 0"):
        normalised(shares, ["a", "b"])


def test_a_budget_is_used_up_by_the_branch_of_the_largest_share(three: BackboneTrainer):
    spent = sum(spend.steps for spend in three.spend)
    trainer = forked("three", branches="each")
    shares = {name.removeprefix("share "): values[-1] for name, values in trainer.curves.items()}
    top = f"train {max(shares, key=shares.__getitem__)}"
    trainer.train_until_spent(Budget("steps", spent + 20))
    assert sum(spend.steps for spend in trainer.spend) == spent + 20
    assert {point.stage for point in trainer.curve[len(three.curve) :]} == {top}
    assert trainer.best.score >= three.best.score
    assert trainer.best_epoch[top] in {0, three.best_epoch[top]} or trainer.best.score > three.best.score
    for stage, epoch in trainer.best_epoch.items():
        scores = [score_of(point) for point in points_of(trainer, stage)]
        assert epoch == 0 or scores[epoch - 1] == max(scores), stage


def test_its_record_is_one_that_training_can_have_given(tmp_path: Path):
    options = {"backbones": "shared-bottom", "seeds": 1, "epochs": 2, "batch_size": 400, "out": tmp_path}
    [record] = mtlbench.run(datasets="synthetic[rows=1200]", weightings="forkmerge", **options).records
    assert record.failure is None
    stored = Stored(tmp_path / "a.json", record)
    assert [*impossible([stored]), *selected([stored])] == []
    assert record.curve[-1].train_loss == {}
    steps = [spend.model_copy(update={"steps": 3}) for spend in record.spend]
    [told] = impossible(
        [Stored(tmp_path / "a.json", record.model_copy(update={"spend": [*record.spend[:2], steps[2]]}))]
    )
    assert "stage train merged, steps is 3, but the curve has no training loss of that stage" in str(told)


def test_a_fork_without_branches_or_with_one_of_a_taken_name_is_refused():
    with pytest.raises(api.TrainingError, match=r"give trainer\.fork at least one"):
        make_trainer().fork({}, _never_called)
    with pytest.raises(api.TrainingError, match="call the branch something else"):
        make_trainer().fork({"merged": Constant(Constant.Params())}, _never_called)


def _never_called(scores: Mapping[str, float], score: Callable[[Mapping[str, float]], float]) -> Mapping[str, float]:
    raise AssertionError("a single branch is not merged")
