"""State that a checkpoint carries."""

import io
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import Step
from mtlbench.conformance.rehearsal import Call, Rehearsal, owns_schedule, rehearse
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.scene import Scene
from mtlbench.conformance.showing import show
from mtlbench.conformance.subject import Subject

SCENE = Scene()
BEFORE = {"epochs": 3, "batch_size": SCENE.rows // 2}


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
