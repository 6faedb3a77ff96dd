"""Shapes, finiteness and determinism."""

from contextlib import suppress

import torch

from mtlbench.api import TrainingError
from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.generators import restored_generators
from mtlbench.conformance.mixed import Mixed
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, in_one_line, rule
from mtlbench.conformance.showing import show
from mtlbench.conformance.training_run import RecordedStep, TrainingRun, new_training_run

EPSILON = (
    "clamp what is divided by or put into a logarithm, and compute products and exponentials of losses as sums of logs"
)


EXACT = 9
"""Digits that tell any two float32 apart."""


@rule("weighting")
def one_task(plugin: PluginUnderTest) -> None:
    """A single task is weighed, or refused with a reason."""
    _trains(plugin, Fixture(tasks=1))


@rule("weighting")
def two_tasks(plugin: PluginUnderTest) -> None:
    """Weights of two tasks are (K,) or (B, K), finite, and move the network."""
    _trains(plugin, Fixture(tasks=2))


@rule("weighting")
def five_tasks(plugin: PluginUnderTest) -> None:
    """Weights of five tasks are (K,) or (B, K), finite, and move the network."""
    _trains(plugin, Fixture(tasks=5))


@rule("weighting")
def parallel_tasks(plugin: PluginUnderTest) -> None:
    """Tasks that form no funnel are weighed, or refused with a reason."""
    _trains(plugin, Fixture(parallel=True))


@rule("weighting")
def mixed_kinds(plugin: PluginUnderTest) -> None:
    """Tasks that are not binary, or were not always observed, are weighed, or refused with a reason."""
    _trains(plugin, Mixed())


@rule("weighting")
def without_sessions(plugin: PluginUnderTest) -> None:
    """A dataset without sessions is weighed, or refused with a reason."""
    _trains(plugin, Fixture(sessions=False))


@rule("weighting")
def zero_losses(plugin: PluginUnderTest) -> None:
    """A task whose loss and gradient are 0 gives finite weights."""
    _extreme(plugin, Fixture(losses=("usual", "zero", "usual")))
    _extreme(plugin, Fixture(losses=("zero", "zero", "zero")))


@rule("weighting")
def huge_losses(plugin: PluginUnderTest) -> None:
    """A task whose loss is about 1e9 gives finite weights, or the method's own TrainingError."""
    _extreme(plugin, Fixture(losses=("usual", "huge", "usual")))
    _extreme(plugin, Fixture(losses=("huge", "huge", "huge")))
    _extreme(plugin, Fixture(tasks=5, losses=("huge",) * 5))


@rule("weighting")
def nan_losses(plugin: PluginUnderTest) -> None:
    """A loss that is NaN ends in a TrainingError, never in a result or another error."""
    try:
        new_training_run(plugin, Fixture(losses=("usual", "nan", "usual")), epochs=1).train()
    except TrainingError:
        return
    except NotApplicableError:
        raise
    except Exception as error:
        broken(
            in_one_line(error),
            "let NaN pass through to the weights, where the trainer sees it, or raise mtlbench.api.TrainingError",
        )
    broken("training ended as if nothing had happened", "do not replace NaN by numbers")


@rule("weighting")
def deterministic(plugin: PluginUnderTest) -> None:
    """For one seed, a new instance gives the same weights and the same network."""
    fixture = Fixture()
    runs = [new_training_run(plugin, fixture, epochs=3, batch_size=fixture.rows // 2) for _ in range(2)]
    for seed, run in enumerate(runs):
        with restored_generators(seed):
            run.train()
    first, second = runs
    for number, (one, other) in enumerate(zip(first.steps, second.steps, strict=True)):
        if not torch.equal(one.weights, other.weights):
            broken(
                f"step {number}: weights {show(one.weights, EXACT)}, and then {show(other.weights, EXACT)}",
                "draw random numbers from torch's global generator, which the harness seeds, and keep state on the "
                "instance, not on the class or module",
            )
    for name, value in first.parameters().items():
        if not torch.equal(value, second.parameters()[name]):
            broken(
                f"parameter {name} is {show(value, EXACT)} after training, and then "
                f"{show(second.parameters()[name], EXACT)}",
                "make what the method does to the network a function of the step and the seed",
            )


def _trains(plugin: PluginUnderTest, fixture: Fixture) -> None:
    run = new_training_run(plugin, fixture, batch_size=fixture.rows // 2)
    try:
        run.train()
    except TrainingError as error:
        _check_weights(run, fixture)
        broken(str(error), "train on such a dataset, or refuse it in `applicable`")
    _check_weights(run, fixture)
    moved = [n for n, value in run.parameters().items() if not torch.equal(value, run.initial[n])]
    if not moved:
        broken("no parameter of the network has moved in 4 steps", "do not return weights of 0 for every task")


def _extreme(plugin: PluginUnderTest, fixture: Fixture) -> None:
    run = new_training_run(plugin, fixture, epochs=2, batch_size=fixture.rows // 2)
    # The method's own word, or the trainer's about weights that are looked at next.
    with suppress(TrainingError):
        run.train()
    _check_weights(run, fixture)
    for name, value in run.trainer.backbone.state_dict().items():
        if not value.isfinite().all():
            broken(f"losses {_of(fixture)}: parameter {name} became {show(value)}", EPSILON)


def _check_weights(run: TrainingRun, fixture: Fixture) -> None:
    for number, one in enumerate(run.steps):
        allowed = {(fixture.tasks,), (len(one.rows), fixture.tasks)}
        if tuple(one.weights.shape) not in allowed:
            broken(
                f"{fixture.tasks} tasks: weights of shape {tuple(one.weights.shape)}; expected {sorted(allowed)}",
                "take the number of tasks from step.losses.shape[1]",
            )
        if not one.weights.isfinite().all():
            broken(f"losses {_of(fixture)}: weights {show(one.weights)} in step {number}", EPSILON)
        _check_direction(one, number)


def _check_direction(one: RecordedStep, number: int) -> None:
    if one.direction is None:
        return
    found = {name: tuple(value.shape) for name, value in one.direction.items()}
    expected = {name: tuple(value.shape) for name, value in one.shared.items()}
    if found != expected:
        broken(
            f"the direction of step {number} has the parts {found}; expected {expected}",
            "give a tensor for every name of step.jacobian, of the gradient's shape",
        )
    for name, value in one.direction.items():
        if not value.isfinite().all():
            broken(f"the direction of {name} is {show(value)} in step {number}", EPSILON)


def _of(fixture: Fixture) -> str:
    return ", ".join(fixture.losses or ("usual",) * fixture.tasks)
