"""Training runs of a fraction of a second, through the real trainer, with someone watching."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from mtlbench.api import Backbone, DirectionWeighting, Splits, Step, Weighting
from mtlbench.cells import Training
from mtlbench.conformance.rules import NotApplicableError
from mtlbench.conformance.scene import Scene
from mtlbench.conformance.subject import Subject, tiny_weighting
from mtlbench.discovery import Catalogue
from mtlbench.training import TASK_GRADIENTS, BackboneTrainer, no_shared_parameters
from mtlbench.training.checkpoint import Checkpoint
from mtlbench.training.journal import Journal
from mtlbench.training.seeding import seeded
from mtlbench.training.stages import Progress

LEARNING_RATE = 0.01
HOOKS = ("setup", "weigh", "direct", "after_step", "end_epoch")
"""What the trainer calls of a weighting."""

Call = Callable[[], Any]
Watch = Callable[[str, Call, Step | None], Any]
"""Stands between trainer and weighting: hears the hook's name, what calls it, and the step; gives what it gave."""


@dataclass(frozen=True)
class Weighed:
    """What a weighting made of one step."""

    rows: Tensor
    weights: Tensor
    """(K,) or (B, K); of a direction its effective weights."""
    direction: Mapping[str, Tensor] | None = None
    shared: Mapping[str, Tensor] = field(default_factory=dict)
    """Of a direction, the plain average (1/K) sum_k g_k of the task gradients."""


class Rehearsal:
    """One training of a network under a weighting, its start cell trained before it where it names one.

    Args:
        weighting: fresh.
        network: makes a fresh network, always with the same initial parameters.
        splits: the data.
        catalogue: where the start cell's weighting is found.
        epochs: of each stage; all of them are trained.
        batch_size: 0 for one step per epoch.
        seed: of batches, of steps and of the weighting.
        watch: sees all calls to the weighting.
        journal: where the training saves what it has done, and goes on from.
        progress: hears of every step.
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
        self.weighed: list[Weighed] = []
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
            first = Rehearsal(before, network, splits, catalogue, **settings)
            checkpoint = first.run().trainer.checkpoint("start")
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
        """Put ``watch`` between the trainer and the weighting's hooks."""
        for name in HOOKS:
            hook = getattr(self.weighting, name, None)
            if hook is not None:
                setattr(self.weighting, name, _watched(name, hook, watch))

    def run(self) -> Self:
        """Train; whatever the weighting or the trainer raises passes through."""
        with seeded(self._seed, "weighting"):
            self.weighting.fit(self.trainer)
        return self

    def parameters(self) -> dict[str, Tensor]:
        """The network's state after training."""
        return dict(self.trainer.backbone.state_dict())

    def losses(self) -> Tensor:
        """Mean training loss of each epoch and task: (epochs, K) float64."""
        rows = [list(point.train_loss.values()) for point in self.trainer.curve]
        return torch.tensor(rows, dtype=torch.float64)

    def _record(self, hook: str, call: Call, step: Step | None) -> Any:
        result = call()
        if step is not None and hook == "weigh" and not isinstance(self.weighting, DirectionWeighting):
            self.weighed.append(Weighed(step.rows, result.detach().clone()))
        elif step is not None and hook == "direct" and isinstance(self.weighting, DirectionWeighting):
            weights = self.weighting.effective_weights(step, result)
            direction = {name: part.detach().clone() for name, part in result.items()}
            average = {name: torch.stack(gradients).mean(0) for name, gradients in step.jacobian.items()}
            self.weighed.append(Weighed(step.rows, weights, direction, average))
        return result


def rehearse(subject: Subject, scene: Scene, **settings: Any) -> Rehearsal:
    """A rehearsal of the weighting under test in ``scene``, not yet run.

    Raises:
        NotApplicableError: the weighting refuses the scene, with its reason.
    """
    weighting = tiny_weighting(subject.entry)
    network = scene.network
    reason = weighting.applicable(scene.schema, type(network()))
    if reason is None and weighting.needs & TASK_GRADIENTS and scene.tasks == 1:
        reason = no_shared_parameters(weighting.label, network().label)
    if reason is not None:
        raise NotApplicableError(reason)
    return Rehearsal(weighting, network, scene.splits(), subject.catalogue, **settings)


def owns_schedule(weighting: Weighting) -> bool:
    """Whether the weighting has stages of its own."""
    return type(weighting).fit is not Weighting.fit


def _watched(name: str, hook: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        step = next((one for one in arguments if isinstance(one, Step)), None)
        return watch(name, lambda: hook(*arguments), step)

    return called
