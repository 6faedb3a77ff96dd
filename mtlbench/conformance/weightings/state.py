"""State that a checkpoint carries."""

import io
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import Step
from mtlbench.conformance.rehearsal import Call, Rehearsal, owns_schedule, rehearse
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.scene import Scene
from mtlbench.conformance.showing import show
from mtlbench.conformance.subject import Subject
from mtlbench.conformance.weightings.numbers import EXACT
from mtlbench.training.journal import Journal

SCENE = Scene()
BEFORE = {"epochs": 3, "batch_size": SCENE.rows // 2}
KILLS = 5
"""Each of another training, spread over its steps: of a method without stages of its own at all steps but the first."""


@rule("weighting")
def state_round_trip(subject: Subject) -> None:
    """A new instance that loads the state of another goes on as the other does."""
    if owns_schedule(subject.weighting()):
        raise NotApplicableError("the method owns its schedule, which is never resumed inside a stage")
    going_on, other = (rehearse(subject, SCENE, **BEFORE).run() for _ in range(2))
    state = _through_a_file(other.weighting.state_dict())
    resumed = rehearse(subject, SCENE, **BEFORE)
    resumed.trainer = other.trainer
    _after(going_on, lambda setup: None)

    def load(setup: Call) -> None:
        setup()
        resumed.weighting.load_state_dict(state)

    _after(resumed, load)
    for run in (going_on, resumed):
        run.weighed.clear()
        run.trainer.train(run.weighting, "continue")
    for number, (one, two) in enumerate(zip(going_on.weighed, resumed.weighed, strict=True)):
        if not torch.allclose(one.weights, two.weights, rtol=1e-5, atol=1e-7):
            names = ", ".join(state) or "nothing"
            broken(
                f"step {number} after loading: weights {show(two.weights)}; the instance that went on has "
                f"{show(one.weights)} (the state holds {names})",
                "put every number that later weights depend on into state_dict, and take it back in load_state_dict",
            )


class _KilledError(Exception):
    """What ends a training as a kill would."""


@rule("weighting")
def resumes_after_a_kill(subject: Subject) -> None:
    """A training that is killed at some step and resumed ends with the bits of one that was not."""
    steps = _Countdown()
    expected = rehearse(subject, SCENE, **BEFORE, progress=steps).run().parameters()
    for last in sorted({2 + (steps.heard - 2) * kill // (KILLS - 1) for kill in range(KILLS)}):
        with TemporaryDirectory() as folder:
            with suppress(_KilledError):
                rehearse(subject, SCENE, **BEFORE, **_saving(folder), progress=_Countdown(last)).run()
            resumed = rehearse(subject, SCENE, **BEFORE, **_saving(folder)).run().parameters()
        for name, value in expected.items():
            if not torch.equal(resumed[name], value):
                broken(
                    f"killed in step {last} of {steps.heard} and resumed, parameter {name} ends as "
                    f"{show(resumed[name], EXACT)}; without the kill {show(value, EXACT)}",
                    "put all that carries over from step to step, within an epoch too, into state_dict, and take it "
                    "back in load_state_dict; stages of your own go through trainer.loop(state=...) or trainer.once",
                )


def _saving(folder: str) -> dict[str, Any]:
    return {"journal": Journal(Path(folder), every=0)}


class _Countdown:
    """Counts the steps of a training, and ends it at the one numbered ``last``."""

    def __init__(self, last: int = 0) -> None:
        self.heard = 0
        self._last = last

    def __call__(self, *report: float | str) -> None:
        self.heard += 1
        if self.heard == self._last:
            raise _KilledError


def _after(rehearsal: Rehearsal, instead: Any) -> None:
    """Replace what the weighting's ``setup`` does; ``instead`` gets the call of the original."""

    def watch(hook: str, call: Call, step: Step | None) -> Any:
        return instead(call) if hook == "setup" else call()

    rehearsal.watch(watch)


def _through_a_file(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """What comes back from a checkpoint, which holds tensors alone."""
    for name, value in state.items():
        if not isinstance(value, Tensor):
            broken(f"state_dict()[{name!r}] is {value!r}", "state is tensors: torch.tensor(value)")
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Tensor] = torch.load(file, weights_only=True)
    return loaded
