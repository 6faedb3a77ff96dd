"""Critic weights: RMTL."""

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.critics.learning import CriticLearner, CriticParams
from mtlbench_plugins.critics.transitions import replay
from mtlbench_plugins.critics.weighting import CriticWeighting


class RMTL(CriticWeighting):
    r"""Weights of each sample and task from the long-term value that a critic sees in the prediction.

    Ziru Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023,
    https://arxiv.org/abs/2302.03328:

    .. math:: \omega_{k,t} = 1 - \lambda \, Q_k(s_t, a_{k,t}), \qquad
              L = \frac{1}{K} \sum_k \frac{1}{B} \sum_i \omega_{k,i} \, \mathrm{BCE}_{k,i}

    Q is detached and at most 0, so a weight is at least 1. A session is an episode, the state s_t is the features of
    its t-th record, the action a_{k,t} is the predicted probability of task k, and the reward is its negative BCE.

    Three stages: (1) the constant cell, whose checkpoint is shared with every weighting that starts from it; (2) the
    backbone is frozen, acts once on every training row, and one critic per task is trained on those transitions
    until its TD loss converges; (3) the backbone is trained on under omega, critics frozen, with its optimiser's
    state and its best validation score carried over. All stages count in the budget. Control rows for what stage 3
    would gain without critics: ``constant[restart=true]`` and ``loss-aware``.

    Deviations from the paper: separate critics instead of one shared bottom (as in the authors' code), convergence
    judged on held-out training sessions, and a bias that keeps critics alive at the start
    (``mtlbench_plugins.critics``). The authors' code differs from their paper in more ways; this method follows the
    paper.
    """

    name, label = "rmtl", "RMTL"

    class Params(CriticParams):
        """Parameters of ``rmtl``."""

        lambda_: float = Field(0.7, ge=0, alias="lambda", description="lambda, weight of the critic, >= 0")

    params: Params

    def fit(self, trainer: api.Trainer) -> None:
        """Restore stage 1, train the critics, train on under their weights."""
        trainer.restore()
        learner = CriticLearner(trainer, self.params)
        learner.fit(replay(trainer.data, trainer.predict()))
        self._critics = learner.frozen()
        trainer.train(self, "continue")

    @torch.no_grad()
    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K), at least 1."""
        values = self._critics(step.categorical, step.numerical, step.logits.sigmoid())
        return 1 - self.params.lambda_ * values
