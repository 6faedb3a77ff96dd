"""Deterministic policy gradient on the backbone: D-PLE and its siblings."""

import copy

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.critics.learning import CriticLearner, soft_update
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import replay, with_noise
from mtlbench_plugins.critics.weighting import CriticWeighting


class DDPG(CriticWeighting):
    r"""The backbone as an actor that climbs the critics' value directly, with no weighted loss.

    T. Lillicrap et al., "Continuous control with deep reinforcement learning", ICLR 2016,
    https://arxiv.org/abs/1509.02971, as the D-PLE baseline of Liu et al., "Multi-Task Recommendations with
    Reinforcement Learning", WWW 2023, https://arxiv.org/abs/2302.03328 (there on PLE; here on any backbone):

    .. math:: \min_\theta \; -\frac{1}{B} \sum_i \sum_k Q_k\big(s_i, \pi_{\theta,k}(s_i)\big)
              + \rho \, \lVert \theta - \theta_{\mathrm{pre}} \rVert^2

    Stages: (1) the constant cell gives the pretrained actor; (2) it is frozen and acts once on every training row
    while the critics learn; (3) critics and actor learn in turn, the actor at every ``actor_every``-th critic step,
    next actions coming from a target actor that follows at rate ``tau``. The best validation score of stage 1 stays
    the one to beat, so a policy gradient that only does harm leaves the pretrained backbone as the result.

    A policy's own actions are a function of the state and leave Q's slope in the action unidentified, so those in
    the buffer carry Gaussian exploration noise (``noise``), as in the DDPG paper.
    """

    name, label = "ddpg", "DDPG"
    needs = frozenset({"critics", "parameters"})

    class Params(CriticParams):
        """Parameters of ``ddpg``."""

        actor_reg: float = Field(0.03, ge=0, description="rho, pull towards the pretrained parameters, >= 0")
        actor_every: int = Field(2, ge=1, description="critic steps per actor step")
        noise: float = Field(0.1, ge=0, le=1, description="standard deviation of exploration noise on the actions")

    params: Params

    @classmethod
    def method(cls, backbone: str) -> str:
        """Named as in the paper: D-PLE."""
        return f"D-{backbone}"

    def fit(self, trainer: api.Trainer) -> None:
        """Restore the actor, train the critics, then train both in turn."""
        trainer.restore()
        learner = CriticLearner(trainer, self.params)
        with trainer.seeded("exploration"):
            action = with_noise(trainer.predict().sigmoid(), self.params.noise)
        transitions = replay(trainer.data, action, buffer=self.params.buffer)
        learner.fit(transitions)
        actor = trainer.backbone
        target_actor = copy.deepcopy(actor).requires_grad_(False).eval()
        pretrained = [parameter.detach().clone() for parameter in actor.parameters()]
        data, taken = trainer.data, 0

        def update(rows: Tensor) -> None:
            nonlocal taken
            taken += 1
            with torch.no_grad():
                following = data.next_row[rows]
                next_action = target_actor(data.categorical[following], data.numerical[following]).sigmoid()
            learner.step(transitions, rows, next_action)
            if taken % self.params.actor_every == 0:
                step = trainer.step(rows)
                values = learner.critics.eval()(step.categorical, step.numerical, step.logits.sigmoid())
                drift = sum(((new - old) ** 2).sum() for new, old in zip(actor.parameters(), pretrained, strict=True))
                trainer.descend(-values.sum(1).mean() + self.params.actor_reg * drift)
                soft_update(target_actor, actor, self.params.tau)

        trainer.loop(update, "continue")

    def weigh(self, step: api.Step) -> Tensor:
        """Never called: no task loss is weighted."""
        raise NotImplementedError("ddpg descends the critics' value and weighs no loss")
