"""What must hold when tasks change places, or are all the same."""

from typing import Any, NoReturn

import torch
from torch import Tensor

from mtlbench.api import Step
from mtlbench.conformance.rehearsal import Call, Watch, owns_schedule, rehearse
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.scene import Scene, shared_parameters
from mtlbench.conformance.showing import show
from mtlbench.conformance.subject import Subject

SCENE = Scene(parallel=True)
ORDER = (1, 2, 0)
TOLERANCE = 1e-3
"""Relative: sums in another order differ in the last digits, and the digits of a solver in some more."""

SHIFTS = range(1, 9)
DRAWS = 64
DEVIATIONS = 6
"""Standard errors by which two means of random weights, of ``DRAWS`` steps each, may differ."""

ADVICE = (
    "compute each task's weight from its own losses and gradients, whatever its index; if the place of a task means "
    "something to the method, say so in its docstring and declare `equivariant = False` in the class"
)


@rule("weighting")
def permutation_equivariant(subject: Subject) -> None:
    """Tasks in another order get the same weights in that order; of a random method, on average."""
    if not subject.cls.equivariant:
        raise NotApplicableError("the method declares `equivariant = False`")
    plain = _weights(subject, SCENE)
    if not len(plain):
        raise NotApplicableError("the method weighs no losses")
    expected, found = plain[..., list(ORDER)], _weights(subject, SCENE.permuted(ORDER))
    wrong = (expected - found).abs() > TOLERANCE * (1 + expected.abs())
    if not wrong.any():
        return
    if not _random(subject, plain):
        number = int(wrong.flatten(1).any(1).nonzero()[0])
        _unequal(f"in step {number}", found[number], expected[number])
    if owns_schedule(subject.weighting()):
        raise NotApplicableError("the method trains random networks of its own: it is equivariant in distribution only")
    _check_average(subject)


@rule("weighting")
def identical_tasks(subject: Subject) -> None:
    """Tasks that are all the same are descended as one of them would be: down its gradient."""
    overlaps: list[tuple[float, str]] = []

    def watch(hook: str, call: Call, step: Step | None) -> Tensor:
        if hook != "weigh" or step is None or overlaps or step.shared is not None:
            return call()
        weights: Tensor = call()
        leaves = shared_parameters(rehearsal.trainer.backbone)
        taken = _gradient((weights.detach() * step.losses).mean(), leaves)
        overlaps.append((_cosine(taken, _gradient(step.losses.mean(), leaves)), show(weights)))
        return weights

    scene = Scene(identical=True)
    rehearsal = rehearse(subject, scene, epochs=1, batch_size=scene.rows // 2, watch=watch)
    rehearsal.run()
    if not rehearsal.weighed:
        raise NotApplicableError("the method weighs no losses")
    first = rehearsal.weighed[0]
    if first.direction is not None:
        names = list(first.shared)
        cosine = _cosine(*(torch.cat([of[n].flatten() for n in names]) for of in (first.direction, first.shared)))
        overlaps.append((cosine, f"an effective {show(first.weights)}"))
    elif not overlaps:
        overlaps.append((1.0 if first.weights.sum() > 0 else -1.0, show(first.weights)))
    if first.weights.dim() == 2:
        _climbs_nowhere(first.weights)
        return
    cosine, weights = overlaps[0]
    least = 0.0 if getattr(subject.cls, "preconditioned", False) else 1 - TOLERANCE
    if not cosine > least:
        broken(
            f"the first step goes in a direction of cosine {cosine:.4g} with the gradient, weights {weights}; expected "
            f"more than {least:.4g}",
            "check the sign of the weights; they must not be negative on balance, and gradients that agree must stay",
        )


def _climbs_nowhere(weights: Tensor) -> None:
    """Weights per sample make another objective, whose gradient may point anywhere; but they raise no sample's loss."""
    of_sample = weights.sum(1)
    if (of_sample < 0).any() or not of_sample.sum() > 0:
        broken(
            f"the weights of a sample sum to {float(of_sample.min()):.4g} over its tasks, those of the batch to "
            f"{float(of_sample.sum()):.4g}",
            "check the sign of the weights; a negative one raises the loss that it multiplies",
        )


def _weights(subject: Subject, scene: Scene, steps: int = 8, seed: int = 0, watch: Watch | None = None) -> Tensor:
    """(steps, K) or (steps, B, K); nothing of a method that weighs no losses."""
    settings = {"epochs": steps // 2, "batch_size": scene.rows // 2, "seed": seed}
    weighed = rehearse(subject, scene, **settings, watch=watch).run().weighed
    return torch.stack([one.weights for one in weighed]) if weighed else torch.zeros(0)


def _random(subject: Subject, plain: Tensor) -> bool:
    """Whether the weights are others where nothing differs but the random numbers that the method draws.

    A method may draw them to little effect: of two orders in which conflicts are resolved many give the same weights.
    """

    def shift(numbers: int) -> Watch:
        def watch(hook: str, call: Call, step: Step | None) -> Any:
            torch.rand(numbers)
            return call()

        return watch

    first, second = (_of_all_rows(subject, seed) for seed in (0, 1))
    if not torch.allclose(first, second, rtol=TOLERANCE, atol=TOLERANCE):
        return True
    return any(not torch.equal(plain, _weights(subject, SCENE, watch=shift(numbers))) for numbers in SHIFTS)


def _of_all_rows(subject: Subject, seed: int) -> Tensor:
    """First weights of a step of all rows, (K,) or (B, K) in the order of the rows: of the seed nothing is left."""
    one = rehearse(subject, SCENE, epochs=1, seed=seed).run().weighed[0]
    return one.weights if one.weights.dim() == 1 else one.weights[one.rows.argsort()]


def _check_average(subject: Subject) -> None:
    expected = _weights(subject, SCENE, steps=DRAWS)[..., list(ORDER)].reshape(-1, SCENE.tasks)
    found = _weights(subject, SCENE.permuted(ORDER), steps=DRAWS, seed=1).reshape(-1, SCENE.tasks)
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
