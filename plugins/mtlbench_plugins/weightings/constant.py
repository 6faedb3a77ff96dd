"""Constant weights: the baseline that every other weighting is measured against."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._each import wrong_number


class Constant(api.Weighting):
    r"""Each task keeps the same weight in every step.

    .. math:: L = \frac{1}{K} \sum_k w_k \, \frac{1}{B} \sum_i \mathrm{BCE}_{k,i}

    Weights of one give the plain average of the losses over samples and tasks. The paper of RMTL (Liu et al.,
    "Multi-Task Recommendations with Reinforcement Learning", WWW 2023, https://arxiv.org/abs/2302.03328) writes the
    same baseline as weights 1/K on a sum over tasks.

    It reads nothing. It claims nothing: it is the baseline.

    ``restart=true`` and ``seconds_of`` are controls for weightings that continue from a trained backbone, such as
    ``rmtl``. They continue from the same checkpoint and train further under constant weights. With
    ``restart`` early stopping ends the training. With ``seconds_of`` it goes on until all stages together have taken as
    long as all stages of the other method.
    """

    name, label = "constant", "Constant"
    baseline = True
    restarted: ClassVar[Mapping[str, Any]] = {"restart": True}

    class Params(api.Params):
        """Parameters of ``constant``."""

        weights: tuple[PositiveFloat, ...] = Field(
            (), description="weight of each task, in the dataset's order of tasks; empty: 1 each"
        )
        restart: bool = Field(False, description="continue from the checkpoint of the cell without restart")
        seconds_of: str | None = Field(
            None,
            description="continue from that checkpoint until all stages have taken as many seconds as this weighting "
            "took on the same backbone and seed; none: early stopping",
        )

    params: Params

    @classmethod
    def method(cls, backbone: str) -> str:
        """A row of constant weights has the name of its backbone alone."""
        return backbone

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """There must be as many given weights as tasks, or none."""
        return wrong_number(self.params.weights, "weights", schema)

    def warm_start(self) -> api.Source | None:
        """With ``restart`` or ``seconds_of``: the same weights, trained from scratch."""
        further = self.params.restart or self.params.seconds_of is not None
        return api.Source(self.name, {"weights": self.params.weights}) if further else None

    def source(self) -> api.Source | None:
        """The cell whose wall-clock is to be used."""
        return None if self.params.seconds_of is None else api.Source(self.params.seconds_of)

    def needs_harness(self) -> str | None:
        """Only ``seconds_of`` does."""
        return None if self.params.seconds_of is None else super().needs_harness()

    def fit(self, trainer: api.Trainer) -> None:
        """Train one stage; with ``seconds_of`` it goes on past early stopping."""
        if self.params.seconds_of is None:
            super().fit(trainer)
        else:
            trainer.restore()
            trainer.train(self, "continue", seconds=trainer.source_checkpoint.seconds)

    def setup(self, setting: api.Setting) -> None:
        """Keep one weight for each task of the dataset."""
        weights = self.params.weights or (1.0,) * len(setting.tasks)
        self._weights = torch.tensor(weights, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), the same in every step."""
        return self._weights
