"""Labels that were not observed: what a task's mean is, and that nothing else can be told from it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mtlbench.api.masks import masked, masked_mean, observed_in, weighted_mean
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.tasks.kind import Scaling, TaskKind
from mtlbench.tasks.registry import task_kind

KINDS: dict[str, TaskKind] = {
    "click": task_kind("binary"),
    "watch": task_kind("nonnegative"),
    "rating": task_kind("real"),
}
TASKS = FittedTasks(KINDS, [Scaling(0.3), Scaling(40.0, scale=40.0), Scaling(3.5, 3.5, 1.2)])
BINARY = FittedTasks({"a": KINDS["click"], "b": KINDS["click"]}, [Scaling(0.3), Scaling(0.1)])


def batch(rows: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Logits (B, 3) and labels (B, 3), all observed."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, 3, generator=generator)
    amounts = torch.empty(rows).exponential_(generator=generator)
    labels = [(torch.rand(rows, generator=generator) < 0.3).float(), 40 * amounts, 5 * torch.rand(rows)]
    return logits, torch.stack(labels, dim=1)


def some_mask(rows: int, tasks: int, seed: int) -> Tensor:
    """True in at least one row of each task, and false in at least one."""
    observed = torch.rand(rows, tasks, generator=torch.Generator().manual_seed(seed)) < 0.5
    observed[0], observed[-1] = True, False
    return observed


def with_gaps(labels: Tensor, observed: Tensor) -> Tensor:
    return torch.where(observed, labels, math.nan)


def means_and_gradient(tasks: FittedTasks, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The mean loss of each task, and the gradient of their sum by the logits."""
    z = logits.clone().requires_grad_()
    targets, observed = tasks.targets(labels)
    means = masked_mean(tasks.losses(z, targets, observed), observed)
    return means.detach(), torch.autograd.grad(means.sum(), z)[0]


@given(rows=st.integers(1, 700), tasks=st.integers(1, 5), seed=st.integers(0, 1000))
def test_a_mask_of_ones_changes_no_bit(rows: int, tasks: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    losses = torch.rand(rows, tasks, generator=generator).requires_grad_()
    weights = torch.rand(rows, tasks, generator=generator)
    ones = torch.ones(rows, tasks, dtype=torch.bool)
    for observed in (ones, None):
        for ours, plain in (
            (masked_mean(losses, observed), losses.mean(0)),
            (weighted_mean(losses, weights, observed), (weights * losses).mean()),
            (weighted_mean(losses, weights[0], observed), (weights[0] * losses).mean()),
        ):
            assert ours.equal(plain)
            gradients = [torch.autograd.grad(value.sum(), losses)[0] for value in (ours, plain)]
            assert gradients[0].equal(gradients[1])


@given(seed=st.integers(0, 1000))
def test_a_task_that_is_all_observed_has_the_bits_of_the_plain_mean_beside_one_that_is_not(seed: int) -> None:
    losses = torch.rand(77, 2, generator=torch.Generator().manual_seed(seed))
    observed = some_mask(77, 2, seed)
    observed[:, 0] = True
    assert masked_mean(losses, observed)[0].equal(losses.mean(0)[0])


def test_where_nothing_is_missing_there_is_no_mask():
    assert observed_in(torch.ones(3, 2)) is None
    found = observed_in(torch.tensor([[1.0, math.nan], [0.0, 1.0]]))
    assert found is not None
    assert found.tolist() == [[True, False], [True, True]]


@given(seed=st.integers(0, 1000))
def test_the_mean_is_over_the_observed_rows(seed: int) -> None:
    losses = torch.rand(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    observed = some_mask(50, 3, seed)
    expected = torch.stack([losses[observed[:, k], k].mean() for k in range(3)])
    torch.testing.assert_close(masked_mean(losses, observed), expected)
    weights = torch.rand(50, 3, dtype=torch.float64)
    weighted = torch.stack([(weights * losses)[observed[:, k], k].mean() for k in range(3)]).mean()
    torch.testing.assert_close(weighted_mean(losses, weights, observed), weighted)


def test_a_task_that_is_observed_nowhere_has_mean_0_and_zero_gradient():
    losses = torch.rand(6, 2, requires_grad=True)
    observed = torch.ones(6, 2, dtype=torch.bool)
    observed[:, 1] = False
    means = masked_mean(losses, observed)
    assert means.tolist() == [float(losses.detach()[:, 0].mean()), 0.0]
    for value in (means.sum(), weighted_mean(losses, torch.ones(2), observed)):
        (gradient,) = torch.autograd.grad(value, losses)
        assert bool((gradient[:, 0] > 0).all())
        assert not gradient[:, 1].any()


def test_losses_that_are_masked_are_0_even_where_they_are_no_number():
    losses = torch.tensor([[1.0, math.nan], [math.inf, 2.0]])
    observed = torch.tensor([[True, False], [False, True]])
    assert masked(losses, observed).tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert masked(losses, None) is losses


# -- through the kinds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tasks", [TASKS, BINARY], ids=["mixed kinds", "one kind"])
@given(seed=st.integers(0, 1000))
def test_appending_or_moving_unobserved_rows_changes_nothing_for_the_task(tasks: FittedTasks, seed: int) -> None:
    columns = len(tasks.kinds)
    logits, labels = (values[:, :columns] for values in batch(40, seed))
    labels = (labels > 1).float() if tasks is BINARY else labels
    means, gradient = means_and_gradient(tasks, logits, labels)
    more, _ = batch(23, seed + 1)
    missing = torch.full((23, columns), math.nan)
    order = torch.randperm(63, generator=torch.Generator().manual_seed(seed))
    longer, gaps = torch.cat([logits, more[:, :columns]])[order], torch.cat([labels, missing])[order]
    found, of_longer = means_and_gradient(tasks, longer, gaps)
    torch.testing.assert_close(found, means)
    place = order.argsort()
    torch.testing.assert_close(of_longer[place[:40]], gradient)
    assert not of_longer[place[40:]].any()


@given(seed=st.integers(0, 1000))
def test_every_row_twice_has_the_same_means(seed: int) -> None:
    logits, labels = batch(40, seed)
    gaps = with_gaps(labels, some_mask(40, 3, seed))
    means, _ = means_and_gradient(TASKS, logits, gaps)
    torch.testing.assert_close(means_and_gradient(TASKS, logits.repeat(2, 1), gaps.repeat(2, 1))[0], means)


@pytest.mark.parametrize("placeholder", [math.nan, 0.0, 1e9, -1e9, math.inf])
def test_what_stands_in_place_of_a_label_is_irrelevant(placeholder: float) -> None:
    logits, labels = batch(40)
    observed = some_mask(40, 3, 1)
    results = []
    for value in (0.0, placeholder):
        z = logits.clone().requires_grad_()
        targets, _ = TASKS.targets(labels)
        losses = TASKS.losses(z, masked(torch.where(observed, targets, value), observed), observed)
        mean = masked_mean(losses, observed)
        results.append((losses, mean, torch.autograd.grad(mean.sum(), z)[0]))
    assert all(one.equal(other) for one, other in zip(*results, strict=True))


def test_targets_hold_no_missing_number():
    _, labels = batch(40)
    gaps = with_gaps(labels, some_mask(40, 3, 2))
    targets, observed = TASKS.targets(gaps)
    assert observed is not None
    assert observed.equal(~gaps.isnan())
    assert bool(targets.isfinite().all())
    assert not targets[~observed].any()
    assert targets[observed].equal(TASKS.targets(labels)[0][observed])


def test_a_task_masked_by_another_has_no_gradient_where_that_did_not_happen():
    """A conversion that is a task of the clicked rows alone."""
    logits, labels = batch(60, 3)
    labels[:, 2] = torch.where(labels[:, 0] == 1, labels[:, 2], math.nan)
    _, gradient = means_and_gradient(TASKS, logits, labels)
    clicked = labels[:, 0] == 1
    assert not gradient[~clicked, 2].any()
    assert bool(gradient[clicked, 2].any())
    assert bool(gradient[~clicked, 0].all())


def test_a_task_that_is_never_observed_leaves_its_tower_alone_and_the_others_as_they_were():
    torch.manual_seed(0)
    bottom, towers = nn.Linear(5, 8), nn.ModuleList(nn.Linear(8, 1) for _ in KINDS)
    inputs = torch.randn(40, 5)
    _, labels = batch(40)

    def gradients(labels: Tensor, tasks: list[int]) -> list[Tensor | None]:
        hidden = bottom(inputs).relu()
        logits = torch.cat([tower(hidden) for tower in towers], dim=1)
        targets, observed = TASKS.targets(labels)
        means = masked_mean(TASKS.losses(logits, targets, observed), observed)
        parameters = [*bottom.parameters(), *towers.parameters()]
        return list(torch.autograd.grad(means[tasks].sum(), parameters, allow_unused=True))

    never = labels.clone()
    never[:, 1] = math.nan
    with_it, without = gradients(never, [0, 1, 2]), gradients(labels, [0, 2])
    assert not any(gradient.any() for gradient in with_it[4:6] if gradient is not None)
    for place in (0, 1, 2, 3, 6, 7):
        torch.testing.assert_close(with_it[place], without[place], rtol=1e-6, atol=1e-8)
