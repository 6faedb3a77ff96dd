"""Deterministic policy gradient on the backbone: D-PLE, and the same on other backbones."""

import copy
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench.api.masks import observed_in
from mtlbench_plugins.critics.learning import CriticLearner, soft_update
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.saving import named, under
from mtlbench_plugins.critics.transitions import Transitions, replay, with_noise
from mtlbench_plugins.critics.weighting import CriticWeighting

LEARNER, TARGET, TAKEN = "learner.", "target.", "taken"
"""Names of the parts of the third stage's state."""


class DDPG(CriticWeighting):
    r"""The backbone is an actor that raises the value that critics give to its predictions; no loss is weighted.

    T. Lillicrap et al., "Continuous control with deep reinforcement learning", ICLR 2016,
    https://arxiv.org/abs/1509.02971. It is the D-PLE baseline of Liu et al., "Multi-Task Recommendations with
    Reinforcement Learning", WWW 2023, https://arxiv.org/abs/2302.03328 (there on PLE; here on any backbone):

    .. math:: \min_\theta \; -\frac{1}{B} \sum_i \sum_k Q_k\big(s_i, \pi_{\theta,k}(s_i)\big)
              + \rho \, \lVert \theta - \theta_{\mathrm{pre}} \rVert^2

    Stages: (1) the constant cell gives the pretrained backbone, which is the actor. (2) The actor is frozen and acts
    once on every training row, while the critics learn. (3) Critics and actor learn in turn: the actor takes one step
    for every ``actor_every`` critic steps. The next actions come from a target actor, which follows the actor at rate
    ``tau``. The best validation score of stage 1 is carried over: if stage 3 only does harm, the pretrained backbone is
    the result.

    The actions in the buffer carry Gaussian exploration noise (``noise``), as in the DDPG paper. Without noise an
    action is a function of its state, and critics could not learn how Q depends on the action.

    Labels that were not observed are refused: the actor follows a critic on every row, and where labels are missing no
    critic has learnt what an action is worth.

    Deviations: rho multiplies the sum of squares over all parameters. In the authors' code of D-PLE the same number
    (``actor_reg``) multiplies the mean square of each tensor, averaged over the tensors, and pulls far less: with P
    parameters in tensors of equal size, by the factor 1 / P.

    It reads what the critics predict for the inputs and the predictions of each sample. It claims that predictions to
    which critics give a higher value are better over the rest of a session.
    """

    name, label = "ddpg", "DDPG"
    task_kinds = frozenset({"binary"})
    needs = frozenset({"critics", "parameters"})

    class Params(CriticParams):
        """Parameters of ``ddpg``."""

        actor_reg: Annotated[float, api.search.Log(1e-3, 1)] = Field(
            0.03, ge=0, description="rho, pull towards the pretrained parameters, >= 0"
        )
        actor_every: Annotated[int, api.search.Choice(1, 2, 4)] = Field(
            2, ge=1, description="critic steps per actor step"
        )
        noise: Annotated[float, api.search.Linear(0, 0.3)] = Field(
            0.1, ge=0, le=1, description="standard deviation of exploration noise on the actions"
        )

    params: Params

    @classmethod
    def method(cls, backbone: str) -> str:
        """Named as in the paper: D-PLE."""
        return f"D-{backbone}"

    def fit(self, trainer: api.Trainer) -> None:
        """Restore the actor, train the critics, then train both in turn.

        Raises:
            TrainingError: a label of the training split was not observed.
        """
        observed = observed_in(trainer.data.labels)
        if observed is not None:
            tasks = [task for k, task in enumerate(trainer.schema.task_names) if not observed[:, k].all()]
            raise api.TrainingError(
                f"ddpg needs every label, and some of {', '.join(tasks)} were not observed in the training split; use "
                "rmtl, whose critics leave such rows out, or a dataset without missing labels"
            )
        trainer.restore()
        learner = CriticLearner(trainer, self.params)
        with trainer.seeded("exploration"):
            action = with_noise(trainer.predict().sigmoid(), self.params.noise)
        transitions = replay(trainer.data, action, buffer=self.params.buffer)
        trainer.run_once("critics", lambda: learner.fit(transitions), learner)
        pair = _Pair(trainer, learner, transitions, self.params)
        trainer.loop(pair.update, "continue", state=pair)

    def weigh(self, step: api.Step) -> Tensor:
        """Never called, because no task loss is weighted."""
        raise NotImplementedError("ddpg descends the critics' value and weighs no loss")


class _Pair:
    """Actor and critics that learn in turn."""

    def __init__(
        self, trainer: api.Trainer, learner: CriticLearner, transitions: Transitions, params: DDPG.Params
    ) -> None:
        self._trainer = trainer
        self._learner = learner
        self._transitions = transitions
        self._params = params
        self._actor = trainer.backbone
        self._target = copy.deepcopy(self._actor).requires_grad_(False).eval()
        self._pretrained = [parameter.detach().clone() for parameter in self._actor.parameters()]
        self._taken = 0

    def update(self, rows: Tensor) -> None:
        """Take one critic step and, where it is the actor's turn, one actor step."""
        self._taken += 1
        data, actor = self._trainer.data, self._actor
        with torch.no_grad():
            following = data.next_row[rows]
            next_action = self._target(data.inputs[following]).sigmoid()
        self._learner.step(self._transitions, rows, next_action)
        if self._taken % self._params.actor_every == 0:
            step = self._trainer.step(rows)
            values = self._learner.critics.eval()(step.inputs, step.logits.sigmoid())
            drift = sum(((new - old) ** 2).sum() for new, old in zip(actor.parameters(), self._pretrained, strict=True))
            value = values.sum(1).mean() if step.sample_weights is None else step.task_means(values).sum()
            self._trainer.descend(-value + self._params.actor_reg * drift)
            soft_update(self._target, actor, self._params.tau)

    def state_dict(self) -> dict[str, Tensor]:
        """The critics' learner, the target actor and the steps taken; the actor itself is the trainer's."""
        learner, target = named(LEARNER, self._learner.state_dict()), named(TARGET, self._target.state_dict())
        return {**learner, **target, TAKEN: torch.tensor(self._taken)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take it back."""
        self._learner.load_state_dict(under(LEARNER, state))
        self._target.load_state_dict(under(TARGET, state))
        self._taken = int(state[TAKEN])
