"""What must hold when tasks are permuted, or all the same."""

from typing import Any, NoReturn

import torch
from torch import Tensor

from mtlbench.api import Step
from mtlbench.conformance.fixture import Fixture, shared_parameters
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.showing import show
from mtlbench.conformance.training_run import Call, Watch, new_training_run, owns_schedule

FIXTURE = Fixture(parallel=True)
ORDER = (1, 2, 0)
TOLERANCE = 1e-3
"""Relative: sums in another order differ in the last digits, results of a solver in some more."""

SHIFTS = range(1, 9)
DRAWS = 64
DEVIATIONS = 6
"""Standard errors by which two means of random weights, of ``DRAWS`` steps each, may differ."""

ADVICE = (
    "compute each task's weight from its own losses and gradients, whatever its index; if the place of a task means "
    "something to the method, say so in its docstring and declare `equivariant = False` in the class"
)


@rule("weighting")
def permutation_equivariant(plugin: PluginUnderTest) -> None:
    """Tasks in another order get the same weights in that order; of a random method, on average."""
    if not plugin.cls.equivariant:
        raise NotApplicableError("the method declares `equivariant = False`")
    plain = _weights(plugin, FIXTURE)
    if not len(plain):
        raise NotApplicableError("the method weighs no losses")
    expected, found = plain[..., list(ORDER)], _weights(plugin, FIXTURE.permuted(ORDER))
    wrong = (expected - found).abs() > TOLERANCE * (1 + expected.abs())
    if not wrong.any():
        return
    if not _random(plugin, plain):
        number = int(wrong.flatten(1).any(1).nonzero()[0])
        _unequal(f"in step {number}", found[number], expected[number])
    if owns_schedule(plugin.weighting()):
        raise NotApplicableError("the method trains random networks of its own: it is equivariant in distribution only")
    _check_average(plugin)


@rule("weighting")
def identical_tasks(plugin: PluginUnderTest) -> None:
    """Tasks that are all the same are descended as one of them would be: down its gradient."""
    overlaps: list[tuple[float, str]] = []

    def watch(hook: str, call: Call, step: Step | None) -> Tensor:
        if hook != "weigh" or step is None or overlaps or step.shared is not None:
            return call()
        weights: Tensor = call()
        leaves = shared_parameters(run.trainer.backbone)
        taken = _gradient((weights.detach() * step.losses).mean(), leaves)
        overlaps.append((_cosine(taken, _gradient(step.losses.mean(), leaves)), show(weights)))
        return weights

    fixture = Fixture(identical=True)
    run = new_training_run(plugin, fixture, epochs=1, batch_size=fixture.rows // 2, watch=watch)
    run.train()
    if not run.steps:
        raise NotApplicableError("the method weighs no losses")
    first = run.steps[0]
    if first.direction is not None:
        names = list(first.shared)
        cosine = _cosine(*(torch.cat([of[n].flatten() for n in names]) for of in (first.direction, first.shared)))
        overlaps.append((cosine, f"an effective {show(first.weights)}"))
    elif not overlaps:
        overlaps.append((1.0 if first.weights.sum() > 0 else -1.0, show(first.weights)))
    if first.weights.dim() == 2:
        _check_sample_weights(first.weights)
        return
    cosine, weights = overlaps[0]
    least = 0.0 if getattr(plugin.cls, "preconditioned", False) else 1 - TOLERANCE
    if not cosine > least:
        broken(
            f"the first step goes in a direction of cosine {cosine:.4g} with the gradient, weights {weights}; expected "
            f"more than {least:.4g}",
            "check the sign of the weights; they must not be negative on balance, and gradients that agree must stay",
        )


def _check_sample_weights(weights: Tensor) -> None:
    """Weights per sample change the objective and the way of its gradient; but no sample's loss may be raised."""
    of_sample = weights.sum(1)
    if (of_sample < 0).any() or not of_sample.sum() > 0:
        broken(
            f"the weights of a sample sum to {float(of_sample.min()):.4g} over its tasks, those of the batch to "
            f"{float(of_sample.sum()):.4g}",
            "check the sign of the weights; a negative one raises the loss that it multiplies",
        )


def _weights(
    plugin: PluginUnderTest, fixture: Fixture, steps: int = 8, seed: int = 0, watch: Watch | None = None
) -> Tensor:
    """(steps, K) or (steps, B, K); empty for a method that weighs no losses."""
    settings = {"epochs": steps // 2, "batch_size": fixture.rows // 2, "seed": seed}
    weighed = new_training_run(plugin, fixture, **settings, watch=watch).train().steps
    return torch.stack([one.weights for one in weighed]) if weighed else torch.zeros(0)


def _random(plugin: PluginUnderTest, plain: Tensor) -> bool:
    """Whether the weights differ where only the random numbers that the method draws differ.

    Several random numbers are tried, for many may give the same weights: of two orders in which a method resolves
    conflicts, say.
    """

    def shift(numbers: int) -> Watch:
        def watch(hook: str, call: Call, step: Step | None) -> Any:
            torch.rand(numbers)
            return call()

        return watch

    first, second = (_of_all_rows(plugin, seed) for seed in (0, 1))
    if not torch.allclose(first, second, rtol=TOLERANCE, atol=TOLERANCE):
        return True
    return any(not torch.equal(plain, _weights(plugin, FIXTURE, watch=shift(numbers))) for numbers in SHIFTS)


def _of_all_rows(plugin: PluginUnderTest, seed: int) -> Tensor:
    """First weights of a step of all rows, (K,) or (B, K), in the order of the rows, whatever the seed of batches."""
    one = new_training_run(plugin, FIXTURE, epochs=1, seed=seed).train().steps[0]
    return one.weights if one.weights.dim() == 1 else one.weights[one.rows.argsort()]


def _check_average(plugin: PluginUnderTest) -> None:
    expected = _weights(plugin, FIXTURE, steps=DRAWS)[..., list(ORDER)].reshape(-1, FIXTURE.tasks)
    found = _weights(plugin, FIXTURE.permuted(ORDER), steps=DRAWS, seed=1).reshape(-1, FIXTURE.tasks)
    error = ((expected.var(0) + found.var(0)) / DRAWS).sqrt()
    excess = (expected.mean(0) - found.mean(0)).abs() - DEVIATIONS * error
    if (excess > TOLERANCE * (1 + expected.mean(0).abs())).any():
        _unequal(f"on average over {DRAWS} steps", found.mean(0), expected.mean(0))


def _unequal(when: str, found: Tensor, expected: Tensor) -> NoReturn:
    order = ", ".join(str(k + 1) for k in ORDER)
    broken(
        f"with the tasks in the order {order} the weights {when} are {show(found)}; expected {show(expected)}", ADVICE
    )


def _gradient(loss: Tensor, leaves: list[Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, leaves, retain_graph=True)])


def _cosine(one: Tensor, other: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one.double(), other.double(), dim=0))
