"""Shapes, finiteness and determinism."""

from contextlib import suppress

import torch

from mtlbench.api import TrainingError
from mtlbench.conformance.generators import kept
from mtlbench.conformance.rehearsal import Rehearsal, Weighed, rehearse
from mtlbench.conformance.rules import NotApplicableError, broken, rule, told
from mtlbench.conformance.scene import Scene
from mtlbench.conformance.showing import show
from mtlbench.conformance.subject import Subject

EPSILON = (
    "clamp what is divided by or put into a logarithm, and compute products and exponentials of losses as sums of logs"
)


EXACT = 9
"""Digits that tell any two float32 apart."""


@rule("weighting")
def one_task(subject: Subject) -> None:
    """A single task is weighed, or refused with a reason."""
    _trains(subject, Scene(tasks=1))


@rule("weighting")
def two_tasks(subject: Subject) -> None:
    """Weights of two tasks are (K,) or (B, K), finite, and move the network."""
    _trains(subject, Scene(tasks=2))


@rule("weighting")
def five_tasks(subject: Subject) -> None:
    """Weights of five tasks are (K,) or (B, K), finite, and move the network."""
    _trains(subject, Scene(tasks=5))


@rule("weighting")
def parallel_tasks(subject: Subject) -> None:
    """Tasks that form no funnel are weighed, or refused with a reason."""
    _trains(subject, Scene(parallel=True))


@rule("weighting")
def without_sessions(subject: Subject) -> None:
    """A dataset without sessions is weighed, or refused with a reason."""
    _trains(subject, Scene(sessions=False))


@rule("weighting")
def zero_losses(subject: Subject) -> None:
    """A task whose loss and gradient are 0 gives finite weights."""
    _extreme(subject, Scene(losses=("usual", "zero", "usual")))
    _extreme(subject, Scene(losses=("zero", "zero", "zero")))


@rule("weighting")
def huge_losses(subject: Subject) -> None:
    """A task whose loss is about 1e9 gives finite weights, or the method's own TrainingError."""
    _extreme(subject, Scene(losses=("usual", "huge", "usual")))
    _extreme(subject, Scene(losses=("huge", "huge", "huge")))
    _extreme(subject, Scene(tasks=5, losses=("huge",) * 5))


@rule("weighting")
def nan_losses(subject: Subject) -> None:
    """A loss that is NaN ends in a TrainingError, never in a result or another error."""
    try:
        rehearse(subject, Scene(losses=("usual", "nan", "usual")), epochs=1).run()
    except TrainingError:
        return
    except NotApplicableError:
        raise
    except Exception as error:
        broken(
            told(error),
            "let NaN pass through to the weights, where the trainer sees it, or raise mtlbench.api.TrainingError",
        )
    broken("training ended as if nothing had happened", "do not replace NaN by numbers")


@rule("weighting")
def deterministic(subject: Subject) -> None:
    """For one seed, a new instance gives the same weights and the same network."""
    scene = Scene()
    runs = [rehearse(subject, scene, epochs=3, batch_size=scene.rows // 2) for _ in range(2)]
    for seed, run in enumerate(runs):
        with kept(seed):
            run.run()
    first, second = runs
    for number, (one, other) in enumerate(zip(first.weighed, second.weighed, strict=True)):
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


def _trains(subject: Subject, scene: Scene) -> None:
    rehearsal = rehearse(subject, scene, batch_size=scene.rows // 2)
    try:
        rehearsal.run()
    except TrainingError as error:
        _check_weights(rehearsal, scene)
        broken(str(error), "train on such a dataset, or refuse it in `applicable`")
    _check_weights(rehearsal, scene)
    moved = [n for n, value in rehearsal.parameters().items() if not torch.equal(value, rehearsal.initial[n])]
    if not moved:
        broken("no parameter of the network has moved in 4 steps", "do not return weights of 0 for every task")


def _extreme(subject: Subject, scene: Scene) -> None:
    rehearsal = rehearse(subject, scene, epochs=2, batch_size=scene.rows // 2)
    # The method's own word, or the trainer's about weights that are looked at next.
    with suppress(TrainingError):
        rehearsal.run()
    _check_weights(rehearsal, scene)
    for name, value in rehearsal.trainer.backbone.state_dict().items():
        if not value.isfinite().all():
            broken(f"losses {_of(scene)}: parameter {name} became {show(value)}", EPSILON)


def _check_weights(rehearsal: Rehearsal, scene: Scene) -> None:
    for number, one in enumerate(rehearsal.weighed):
        allowed = {(scene.tasks,), (len(one.rows), scene.tasks)}
        if tuple(one.weights.shape) not in allowed:
            broken(
                f"{scene.tasks} tasks: weights of shape {tuple(one.weights.shape)}; expected {sorted(allowed)}",
                "take the number of tasks from step.losses.shape[1]",
            )
        if not one.weights.isfinite().all():
            broken(f"losses {_of(scene)}: weights {show(one.weights)} in step {number}", EPSILON)
        _check_direction(one, number)


def _check_direction(one: Weighed, number: int) -> None:
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


def _of(scene: Scene) -> str:
    return ", ".join(scene.losses or ("usual",) * scene.tasks)
