"""What every task kind must obey: labels in, scaling, losses, predictions, and its place in the registry."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtlbench.errors import DataError, UsageError
from mtlbench.tasks.kind import Scaling, TaskKind
from mtlbench.tasks.metrics import METRICS
from mtlbench.tasks.registry import kinds, kinds_of, task_kind

KINDS = [
    task_kind("binary"),
    task_kind("real"),
    task_kind("real", {"loss": "huber", "delta": 0.5}),
    task_kind("nonnegative"),
    task_kind("nonnegative", {"power": 1.1}),
    task_kind("nonnegative", {"power": 1.9}),
    task_kind("nonnegative", {"loss": "poisson"}),
    task_kind("nonnegative", {"loss": "log-squared"}),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=repr)
NAN = math.nan


def some_labels(kind: TaskKind, rows: int = 200) -> np.ndarray:
    """Labels that ``kind`` can hold, of a size that needs scaling, a third of them 0."""
    generator = np.random.default_rng(0)
    if kind.name == "binary":
        return (generator.random(rows) < 0.2).astype(np.float32)
    amounts = generator.exponential(700, rows) * (generator.random(rows) < 2 / 3)
    return (amounts - 300 if kind.name == "real" else amounts).astype(np.float32)


# -- registry -------------------------------------------------------------------------------------------------------


def test_the_kinds_are_those_of_the_files():
    assert set(kinds()) == {"binary", "real", "nonnegative"}
    assert {name: cls.__module__.rpartition(".")[2] for name, cls in kinds().items()} == {
        name: name for name in kinds()
    }


@every_kind
def test_every_metric_of_a_kind_is_in_the_registry_and_the_primary_one_can_rank(kind: TaskKind) -> None:
    assert all(METRICS[metric.key] is metric for metric in kind.metrics)
    assert len(set(kind.metrics)) == len(kind.metrics)
    assert kind.primary.direction in {"higher", "lower"}
    assert kind.primary.tabulated
    assert kind.primary.needs is None
    assert kind.name in kinds_of(kind.primary)


def test_no_metric_is_without_a_kind():
    assert [key for key, metric in METRICS.items() if not kinds_of(metric)] == []


@every_kind
def test_parameters_round_trip_as_json(kind: TaskKind) -> None:
    assert task_kind(kind.name, json.loads(kind.model_dump_json())) == kind


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("rael", {}, ["'rael'", "did you mean 'real'"]),
        ("real", {"los": "huber"}, ["real", "'los'", "did you mean 'loss'"]),
        ("real", {"loss": "hubber"}, ["loss = 'hubber'", "huber"]),
        ("real", {"delta": 2.0}, ["delta", "huber", "loss=squared"]),
        ("real", {"loss": "huber", "delta": 0}, ["delta = 0", "greater than 0"]),
        ("nonnegative", {"power": 1}, ["power = 1", "greater than 1"]),
        ("nonnegative", {"power": 2.0}, ["power = 2.0", "less than 2"]),
        ("nonnegative", {"power": NAN}, ["power = nan", "finite"]),
        ("nonnegative", {"loss": "poisson", "power": 1.2}, ["power", "tweedie", "loss=poisson"]),
        ("binary", {"loss": "focal"}, ["binary", "'loss'"]),
    ],
)
def test_bad_parameters_are_refused_by_name(name: str, params: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        task_kind(name, params)
    assert [word for word in words if word not in str(caught.value)] == []


# -- labels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("binary", np.array([0, 1, 2.0, 3]), ["'y'", "2.0", "row 2", "1 more", "0 or 1", "map or drop"]),
        ("binary", np.array([0, 1, 1 + 1e-12]), ["row 2", "0 or 1"]),
        ("binary", np.array([0, -1]), ["-1 in row 1;", "0 or 1"]),
        ("binary", np.array(["no", "yes"]), ["'y'", "not numeric", "'no'", "row 0", "0 or 1"]),
        ("binary", np.array([0, 1, "1"], dtype=object), ["not numeric", "'1'", "row 2"]),
        ("real", np.array([1.5, np.inf]), ["'y'", "inf", "row 1", "finite", "not observed"]),
        ("real", np.array([1.5, -np.inf]), ["-inf", "row 1"]),
        ("real", np.array([1.5, 1e39]), ["1e+39", "row 1", "finite"]),
        ("real", np.array([1.5, None, "good"], dtype=object), ["not numeric", "'good'", "row 2"]),
        ("real", np.array([1 + 2j]), ["not numeric", "complex128"]),
        ("real", np.array(["2020-01-01"], dtype="datetime64[s]"), ["not numeric", "datetime64"]),
        ("nonnegative", np.array([0, 3, -0.5]), ["'y'", "-0.5", "row 2", "0 or more", "real"]),
        ("nonnegative", np.array([0, np.inf]), ["inf", "row 1"]),
    ],
)
def test_labels_that_a_kind_cannot_hold_are_refused(name: str, values: np.ndarray, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        task_kind(name).read(values, "y")
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["binary", "real", "nonnegative"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float32", "float64", "object"])
def test_labels_of_any_numeric_type_are_taken(name: str, dtype: str) -> None:
    found = task_kind(name).read(np.array([0, 1, 1]).astype(dtype), "y")
    assert found.dtype == np.float32
    assert found.tolist() == [0, 1, 1]


@pytest.mark.parametrize("name", ["binary", "real", "nonnegative"])
def test_missing_labels_are_not_observed(name: str) -> None:
    found = task_kind(name).read(np.array([0, NAN, 1, None], dtype=object), "y")
    np.testing.assert_array_equal(found, np.array([0, NAN, 1, NAN], dtype=np.float32))


@every_kind
def test_a_task_that_is_never_observed_or_constant_is_refused_by_name(kind: TaskKind) -> None:
    never = np.full(5, NAN, dtype=np.float32)
    with pytest.raises(
        DataError, match=r"task 'y' has no observed label in the test split: all 5 are missing.*another"
    ):
        kind.check_split(never, "y", "test")
    with pytest.raises(DataError, match=r"task 'y' has no observed label in the train split"):
        kind.fit(never, "y")
    constant = np.array([1, NAN, 1], dtype=np.float32)
    with pytest.raises(DataError, match=r"task 'y' has one (class|value) in the train split: .* 2 .*longer log"):
        kind.check_split(constant, "y", "train")
    kind.check_split(np.array([1, NAN, 0], dtype=np.float32), "y", "train")


# -- scaling --------------------------------------------------------------------------------------------------------


@every_kind
def test_a_scaling_is_plain_numbers_and_ignores_labels_that_are_not_observed(kind: TaskKind) -> None:
    labels = some_labels(kind)
    scaling = kind.fit(labels, "y")
    assert scaling.mean == pytest.approx(labels.astype(np.float64).mean())
    assert scaling.scale > 0
    assert Scaling(**json.loads(json.dumps(asdict(scaling)))) == scaling
    with_gaps = np.insert(labels, [0, 7, 50, 200], NAN)
    assert kind.fit(with_gaps, "y") == scaling


@every_kind
def test_targets_are_float32_and_missing_where_labels_are(kind: TaskKind) -> None:
    labels = some_labels(kind)
    labels[3] = NAN
    targets = kind.targets(torch.from_numpy(labels), kind.fit(labels, "y"))
    assert targets.dtype == torch.float32
    assert targets.isnan().nonzero().flatten().tolist() == [3]


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if getattr(kind, "loss", "log-squared") != "log-squared"], ids=repr
)
def test_targets_have_no_unit(kind: TaskKind) -> None:
    """A label in another unit gives the same targets; binary labels have none, and the logarithm has its own, 1."""
    labels = some_labels(kind)
    seconds, hours = (kind.targets(torch.from_numpy(y), kind.fit(y, "y")) for y in (labels, labels / np.float32(3600)))
    torch.testing.assert_close(hours, seconds, rtol=1e-5, atol=1e-6)


# -- losses ---------------------------------------------------------------------------------------------------------


@every_kind
@given(seed=st.integers(0, 10_000), spread=st.floats(0.01, 30))
def test_losses_are_never_negative_and_0_at_the_best_logit(kind: TaskKind, seed: int, spread: float) -> None:
    labels = torch.from_numpy(some_labels(kind))
    scaling = kind.fit(labels.numpy(), "y")
    targets = kind.targets(labels, scaling)
    logits = spread * torch.randn(len(labels), generator=torch.Generator().manual_seed(seed))
    losses = kind.losses(logits, targets)
    assert losses.dtype == logits.dtype
    assert bool((losses >= 0).all())
    best = kind.logits(labels.double(), scaling)
    torch.testing.assert_close(
        kind.losses(best, targets.double()),
        torch.zeros_like(best),
        rtol=0,
        atol=1e-5 if kind.name == "binary" else 1e-9,
    )


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_and_gradients_are_finite_far_out(kind: TaskKind, dtype: torch.dtype) -> None:
    scaling = kind.fit(some_labels(kind), "y")
    largest = torch.tensor([0.0, 1.0]) if kind.name == "binary" else torch.tensor([0.0, 1e-30, 1.0, 1e5])
    targets = kind.targets(largest, scaling).to(dtype)
    far = torch.tensor([0.0, 1.0, 20.0, 50.0, 60.0, 88.0, 200.0, 1e4, 1e6], dtype=dtype)
    logits = torch.cat([far, -far]).repeat(len(targets), 1).T.contiguous().requires_grad_()
    losses = kind.losses(logits, targets.expand_as(logits))
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    assert bool(losses.isfinite().all())
    assert bool(gradient.isfinite().all())
    assert bool((losses >= 0).all())


@every_kind
def test_gradients_agree_with_finite_differences_and_losses_are_convex(kind: TaskKind) -> None:
    labels = torch.from_numpy(some_labels(kind, 40))
    targets = kind.targets(labels, kind.fit(labels.numpy(), "y")).double()
    logits = torch.linspace(-3, 3, 40, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: kind.losses(z, targets), logits)
    grid = torch.linspace(-70, 70, 4001, dtype=torch.float64).unsqueeze(1)
    losses = kind.losses(grid.expand(-1, 6), targets[:6].expand(len(grid), -1))
    bends = losses[2:] - 2 * losses[1:-1] + losses[:-2]
    assert bool((bends >= -1e-9 * losses[1:-1].abs().clamp(min=1)).all())


@every_kind
def test_a_target_of_0_is_valid(kind: TaskKind) -> None:
    logits = torch.linspace(-5, 5, 11, requires_grad=True)
    losses = kind.losses(logits, torch.zeros(11))
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    assert bool(losses.isfinite().all())
    assert bool(gradient.isfinite().all())


@every_kind
def test_the_loss_of_a_logit_does_not_depend_on_its_neighbours(kind: TaskKind) -> None:
    labels = torch.from_numpy(some_labels(kind, 12))
    targets = kind.targets(labels, kind.fit(labels.numpy(), "y"))
    logits = torch.randn(12, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        kind.losses(logits.reshape(4, 3), targets.reshape(4, 3)).flatten(), kind.losses(logits, targets)
    )


# -- predictions ----------------------------------------------------------------------------------------------------


@every_kind
def test_predictions_and_logits_are_inverse_and_rising(kind: TaskKind) -> None:
    scaling = kind.fit(some_labels(kind), "y")
    logits = torch.linspace(-1, 3, 50, dtype=torch.float64)
    predictions = kind.predictions(logits, scaling)
    assert predictions.dtype == torch.float64
    assert bool((predictions.diff() > 0).all())
    torch.testing.assert_close(kind.logits(predictions, scaling), logits)
    far = kind.predictions(torch.tensor([-1e4, -100.0, 100.0, 1e4]), scaling)
    assert bool(far.isfinite().all())
    assert bool((far.diff() >= 0).all())


@every_kind
def test_the_logit_of_the_training_mean_predicts_it(kind: TaskKind) -> None:
    scaling = kind.fit(some_labels(kind), "y")
    mean = torch.tensor([scaling.mean], dtype=torch.float64)
    assert float(kind.predictions(kind.logits(mean, scaling), scaling)) == pytest.approx(scaling.mean)


@pytest.mark.parametrize(
    ("name", "bad", "words"),
    [
        ("binary", 1.5, r"1 true probabilities lie outside \[0, 1\], the first is 1.5; check"),
        ("nonnegative", -2.0, "1 true means are negative or not finite, the first is -2"),
        ("real", math.inf, "1 true means are not finite, the first is inf"),
    ],
)
def test_impossible_predictions_are_refused(name: str, bad: float, words: str) -> None:
    with pytest.raises(DataError, match=words):
        task_kind(name).logits(torch.tensor([0.5, bad]), Scaling(mean=0.5))
