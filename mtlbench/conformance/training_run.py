"""Short training runs through the real trainer; an observer sees every call of the weighting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from mtlbench.api import Backbone, DirectionWeighting, Splits, Step, Weighting
from mtlbench.cells import Training
from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.plugin_under_test import PluginUnderTest, tiny_weighting
from mtlbench.conformance.rules import NotApplicableError
from mtlbench.discovery import Catalogue
from mtlbench.experiments.applicability import other_kind
from mtlbench.training import TASK_GRADIENTS, BackboneTrainer, no_shared_parameters
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.epochs import Progress
from mtlbench.training.journal import Journal
from mtlbench.training.seeding import seeded

LEARNING_RATE = 0.01
HOOKS = ("setup", "weigh", "direct", "after_step", "end_epoch")
"""The methods of a weighting that the trainer calls."""

Call = Callable[[], Any]
Watch = Callable[[str, Call, Step | None], Any]
"""Called in place of a hook, with its name, a function that calls it, and the step; returns what the hook returns."""


@dataclass(frozen=True)
class RecordedStep:
    """One step, and the weights or the direction that the weighting gave for it."""

    rows: Tensor
    weights: Tensor
    """(K,) or (B, K); for a direction its effective weights."""
    direction: Mapping[str, Tensor] | None = None
    shared: Mapping[str, Tensor] = field(default_factory=dict)
    """For a direction, the plain average (1/K) sum_k g_k of the task gradients."""


class TrainingRun:
    """Trains a network under a weighting; a weighting that starts from a trained cell has that cell trained first.

    Args:
        weighting: a new one.
        network: returns a new network, always with the same initial parameters.
        splits: the data.
        catalogue: has the weighting of the cell to start from.
        epochs: of each stage; there is no early stopping.
        batch_size: 0 for one step per epoch.
        seed: of the batches, the steps and the weighting.
        watch: is called in place of every hook of the weighting.
        journal: saves the training, and resumes one that it has saved.
        progress: is called after every step.
    """

    def __init__(
        self,
        weighting: Weighting,
        network: Callable[[], Backbone],
        splits: Splits,
        catalogue: Catalogue,
        *,
        epochs: int = 2,
        batch_size: int = 0,
        seed: int = 0,
        watch: Watch | None = None,
        journal: Journal | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.weighting = weighting
        self.steps: list[RecordedStep] = []
        self._seed = seed
        with seeded(0, "initial parameters"):
            backbone = network()
        self.initial = {name: value.clone() for name, value in backbone.state_dict().items()}
        start = weighting.warm_start()
        checkpoint: Checkpoint | None = None
        if start is not None:
            entry = catalogue.get("weighting", start.weighting)
            before = entry.cls(entry.cls.Params.model_validate(dict(start.params)))
            settings: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "seed": seed}
            first = TrainingRun(before, network, splits, catalogue, **settings)
            checkpoint = first.train().trainer.checkpoint("start")
        rows = len(splits.train)
        self.trainer: BackboneTrainer = BackboneTrainer(
            backbone,
            splits,
            Training(epochs=epochs, patience=epochs, batch_size=batch_size or rows, learning_rate=LEARNING_RATE),
            seed,
            warm_start=checkpoint,
            dense="parameters" in weighting.needs,
            journal=journal,
            progress=progress,
        )
        self.watch(self._record)
        if watch is not None:
            self.watch(watch)

    def watch(self, watch: Watch) -> None:
        """Have ``watch`` called in place of every hook of the weighting."""
        for name in HOOKS:
            hook = getattr(self.weighting, name, None)
            if hook is not None:
                setattr(self.weighting, name, _watched(name, hook, watch))

    def train(self) -> Self:
        """Train; errors of the weighting and of the trainer are not caught."""
        with seeded(self._seed, "weighting"):
            self.weighting.fit(self.trainer)
        return self

    def parameters(self) -> dict[str, Tensor]:
        """The network's state after training."""
        return dict(self.trainer.backbone.state_dict())

    def losses(self) -> Tensor:
        """Mean training loss of each epoch and task: (epochs, K) float64."""
        rows = [list(point.train_loss.values()) for point in self.trainer.curve if point.train_loss]
        return torch.tensor(rows, dtype=torch.float64)

    def _record(self, hook: str, call: Call, step: Step | None) -> Any:
        result = call()
        if step is not None and hook == "weigh" and not isinstance(self.weighting, DirectionWeighting):
            self.steps.append(RecordedStep(step.rows, result.detach().clone()))
        elif step is not None and hook == "direct" and isinstance(self.weighting, DirectionWeighting):
            weights = self.weighting.effective_weights(step, result)
            direction = {name: part.detach().clone() for name, part in result.items()}
            average = {name: torch.stack(gradients).mean(0) for name, gradients in step.jacobian.items()}
            self.steps.append(RecordedStep(step.rows, weights, direction, average))
        return result


def new_training_run(plugin: PluginUnderTest, fixture: Fixture, **settings: Any) -> TrainingRun:
    """A run of the weighting under test in ``fixture``, not yet run.

    Raises:
        NotApplicableError: the weighting refuses the fixture, with its reason.
    """
    weighting = tiny_weighting(plugin.entry)
    network = fixture.network
    reason = other_kind(type(weighting), fixture.schema) or weighting.applicable(fixture.schema, type(network()))
    if reason is None and weighting.needs & TASK_GRADIENTS and fixture.tasks == 1:
        reason = no_shared_parameters(weighting.label, network().label, fixture.tasks)
    if reason is not None:
        raise NotApplicableError(reason)
    return TrainingRun(weighting, network, fixture.splits(), plugin.catalogue, **settings)


def owns_schedule(weighting: Weighting) -> bool:
    """Whether the weighting has stages of its own."""
    return type(weighting).fit is not Weighting.fit


def refuse_thirds(plugin: PluginUnderTest) -> None:
    """Leave out a rule that adds rows to a batch, for a method to which it matters in which third a row lies.

    Raises:
        NotApplicableError: it is such a method.
    """
    if "cross gram" in plugin.cls.needs:
        raise NotApplicableError("the method compares thirds of a batch, and further rows shift the thirds")


def _watched(name: str, hook: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        step = next((one for one in arguments if isinstance(one, Step)), None)
        return watch(name, lambda: hook(*arguments), step)

    return called
