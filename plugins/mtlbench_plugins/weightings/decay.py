"""Weights that decay at a fixed rate: the rule-based baseline in the paper of RMTL."""

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._each import wrong_number

Rate = Annotated[float, Field(gt=0, le=1)]


class Decay(api.Weighting):
    r"""Weights shrink geometrically, by default along each session.

    This is the decay baseline of Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023,
    https://arxiv.org/abs/2302.03328:

    .. math:: \omega_{k,t} = \omega_{k,0} \, \gamma_k'^{\,t}, \qquad \omega_{k,0} = 1

    with t the position of the record in its session, from 0. ``clock=step`` and ``clock=epoch`` count optimiser steps
    or completed epochs instead; all samples of a step then have the same weight.

    It reads the position of each sample in its session. It claims nothing: it is a baseline of the paper of RMTL. It
    equals ``constant`` with a rate of 1.

    The paper uses one rate for all tasks, so it weighs samples against each other and not tasks. One rate per task
    (``rates=0.99-0.95``) is our extension.
    """

    name, label = "decay", "Decay"
    per_sample = True

    class Params(api.Params):
        """Parameters of ``decay``."""

        rates: Annotated[
            tuple[Rate, ...], api.search.Mapped(api.search.Log(1e-4, 0.3), lambda x, tasks: (1 - x,), "1 - x")
        ] = Field((0.99,), min_length=1, description="gamma', one for all tasks or one each, in (0, 1]")
        clock: Annotated[Literal["session", "step", "epoch"], api.search.Choice("session", "step", "epoch")] = Field(
            "session", description="what t counts: position in the session, optimiser steps, or completed epochs"
        )

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """The session clock needs sessions; there must be one rate, or one for each task."""
        if fault := wrong_number(self.params.rates, "rates", schema, one_for_all=True):
            return fault
        if self.params.clock == "session" and not schema.sessions:
            return "decay along the session needs sessions and timestamps, which the dataset lacks; use clock=step"
        return None

    def setup(self, setting: api.Setting) -> None:
        """Keep one rate per task and, on the session clock, the position of each training row."""
        rates = torch.tensor(self.params.rates, device=setting.device)
        self._rates = rates.expand(len(setting.tasks))
        if self.params.clock == "session":
            self._position = setting.train.position
        self._epochs = 0

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K) on the session clock, (K,) on the others."""
        if self.params.clock == "session":
            return self._rates ** self._position[step.rows].unsqueeze(1)
        return self._rates ** (step.number if self.params.clock == "step" else self._epochs)

    def end_epoch(self, epoch: int) -> None:
        """Advance the epoch clock."""
        self._epochs = epoch

    def state_dict(self) -> dict[str, Tensor]:
        """The number of epochs done."""
        return {"epochs": torch.tensor(self._epochs)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take it back."""
        self._epochs = int(state["epochs"])
