"""The state of a weighting in a checkpoint."""

import io
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import Step
from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.showing import show
from mtlbench.conformance.training_run import Call, TrainingRun, new_training_run, owns_schedule
from mtlbench.conformance.weightings.numbers import EXACT
from mtlbench.training.journal import Journal

FIXTURE = Fixture()
BEFORE = {"epochs": 3, "batch_size": FIXTURE.rows // 2}
KILLS = 4
"""Trainings that are killed, at steps spread over the training, at ends of epochs and within one."""


@rule("weighting")
def state_round_trip(plugin: PluginUnderTest) -> None:
    """A new instance that loads the state of another goes on as the other does."""
    if owns_schedule(plugin.weighting()):
        raise NotApplicableError("the method owns its schedule, which is never resumed inside a stage")
    going_on, other = (new_training_run(plugin, FIXTURE, **BEFORE).train() for _ in range(2))
    state = _through_a_file(other.weighting.state_dict())
    resumed = new_training_run(plugin, FIXTURE, **BEFORE)
    resumed.trainer = other.trainer
    _after(going_on, lambda setup: None)

    def load(setup: Call) -> None:
        setup()
        resumed.weighting.load_state_dict(state)

    _after(resumed, load)
    for run in (going_on, resumed):
        run.steps.clear()
        run.trainer.train(run.weighting, "continue")
    for number, (one, two) in enumerate(zip(going_on.steps, resumed.steps, strict=True)):
        if not torch.allclose(one.weights, two.weights, rtol=1e-5, atol=1e-7):
            names = ", ".join(state) or "nothing"
            broken(
                f"step {number} after loading: weights {show(two.weights)}; the instance that went on has "
                f"{show(one.weights)} (the state holds {names})",
                "put every number that later weights depend on into state_dict, and take it back in load_state_dict",
            )


class _KilledError(Exception):
    """Ends a training as a kill would."""


@rule("weighting")
def resumes_after_a_kill(plugin: PluginUnderTest) -> None:
    """A training that is killed at some step and resumed ends with the bits of one that was not."""
    steps = _Countdown()
    expected = new_training_run(plugin, FIXTURE, **BEFORE, progress=steps).train().parameters()
    for last in sorted({2 + (steps.heard - 2) * kill // (KILLS - 1) for kill in range(KILLS)}):
        with TemporaryDirectory() as folder:
            with suppress(_KilledError):
                journal = Journal(Path(folder), every=0)
                new_training_run(plugin, FIXTURE, **BEFORE, journal=journal, progress=_Countdown(last)).train()
            journal = Journal(Path(folder))
            resumed = new_training_run(plugin, FIXTURE, **BEFORE, journal=journal).train().parameters()
        for name, value in expected.items():
            if not torch.equal(resumed[name], value):
                broken(
                    f"killed in step {last} of {steps.heard} and resumed, parameter {name} ends as "
                    f"{show(resumed[name], EXACT)}; without the kill {show(value, EXACT)}",
                    "put all that carries over from step to step, within an epoch too, into state_dict, and take it "
                    "back in load_state_dict; stages of your own go through trainer.loop(state=...) or run_once",
                )


class _Countdown:
    """Counts the steps of a training, and ends it at the one numbered ``last``."""

    def __init__(self, last: int = 0) -> None:
        self.heard = 0
        self._last = last

    def __call__(self, *report: float | str) -> None:
        self.heard += 1
        if self.heard == self._last:
            raise _KilledError


def _after(run: TrainingRun, instead: Any) -> None:
    """Replace what the weighting's ``setup`` does; ``instead`` gets the call of the original."""

    def watch(hook: str, call: Call, step: Step | None) -> Any:
        return instead(call) if hook == "setup" else call()

    run.watch(watch)


def _through_a_file(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state after a round trip through a checkpoint, which holds tensors alone."""
    for name, value in state.items():
        if not isinstance(value, Tensor):
            broken(f"state_dict()[{name!r}] is {value!r}", "state is tensors: torch.tensor(value)")
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Tensor] = torch.load(file, weights_only=True)
    return loaded
