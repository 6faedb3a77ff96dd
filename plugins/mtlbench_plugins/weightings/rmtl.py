"""RMTL: weights from critics."""

import copy
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench.api.masks import masked
from mtlbench_plugins.critics.actor import TargetActor
from mtlbench_plugins.critics.learning import CriticLearner
from mtlbench_plugins.critics.making import critics_of
from mtlbench_plugins.critics.networks import Critics
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import replay, rewards
from mtlbench_plugins.critics.weighting import CriticWeighting


class RMTL(CriticWeighting):
    r"""Each sample and task is weighted by the long-term value that a critic gives to its prediction.

    Ziru Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023,
    https://arxiv.org/abs/2302.03328:

    .. math:: \omega_{k,t} = 1 - \lambda \, Q_k(s_t, a_{k,t}), \qquad
              L = \frac{1}{K} \sum_k \frac{1}{B} \sum_i \omega_{k,i} \, \mathrm{BCE}_{k,i}

    Q is detached and at most 0, so a weight is at least 1. A session is an episode. The state s_t is the features of
    its t-th record, the action a_{k,t} is the predicted probability of task k, and the reward is the negative BCE of
    that prediction.

    Of a task that is not binary, the action is the sigmoid of its logit, and the reward is minus the task's own loss,
    but at least -9.21, which bounds the reward of a binary task too. (Ours: the paper has binary tasks alone.)
    ``variant=wl``, ``halved_rewards`` and ``ips`` read labels or actions as probabilities, and refuse such tasks.

    It reads what the critics predict for the inputs and the predictions of each sample. It claims that a prediction
    counts by what follows from it over the rest of a session. It equals ``constant[restart=true]`` with lambda = 0.

    Three stages: (1) the constant cell is trained; all weightings that start from it share its checkpoint. (2) The
    backbone is frozen and acts once on every training row. Critics are trained on these transitions until their TD loss
    converges. (3) The backbone trains further under omega, with frozen critics. It keeps the optimiser's state and the
    best validation score of stage 1. All stages count in the budget.

    ``variant`` is the paper's ablation: ``wl`` has omega = 1 - lambda y Q, ``nlc`` has omega = -Q; the paper's CW is
    ``constant``. ``critic_from`` is its transfer study: the critics are trained under another backbone. They can be
    used here because a critic sees only the features and one probability. The cell of that backbone is trained first,
    and its whole budget is counted here too.

    ``control`` takes the critic's part out of the weights and leaves the rest. ``shuffled`` gives each sample the
    weights of another sample of its batch, drawn at random. ``batch-mean`` gives all samples of a batch their mean.
    ``untrained`` uses critics with their initial parameters. ``stage3=afresh`` (ours) does not continue from stage 1:
    it trains from the initial parameters under omega. Step for step this is the training of ``constant``; only the
    weights differ. It is for logs on which stage 1 leaves nothing to gain.

    A transition whose label was not observed is left out of the loss of that task's critic. A value counts the rewards
    of all later records of a session, as if their labels were known.

    Deviations from the paper:

    * The actor takes no step along -mean Q. The paper's algorithm has one, but its section on the implementation
      freezes the actor while critics learn; ``ddpg`` takes such steps.
    * The whole backbone acts and trains on. In the paper a state network gives the features, which is the shared bottom
      here, and the actor is the towers on it.
    * In stage 3 the critics are frozen, and read predictions made with dropout on, as they are in a training step.
    * The action's layer is as wide as an embedding, which is 128 only under the preset ``paper``.
    * Convergence is judged on held-out training sessions, and a bias keeps critics alive at the start.

    The authors' code differs from their paper in more ways: see ``rmtl-official``.
    """

    name, label = "rmtl", "RMTL"
    per_sample = True

    class Params(CriticParams):
        """Parameters of ``rmtl``."""

        lambda_: Annotated[float, api.search.Linear(0, 1)] = Field(
            0.7, ge=0, alias="lambda", description="lambda, weight of the critic, >= 0"
        )
        variant: Literal["full", "wl", "nlc"] = Field(
            "full", description="weights of 1 - lambda Q, 1 - lambda y Q (only positive labels are weighted), or -Q"
        )
        critic_from: str | None = Field(None, description="backbone whose critics are used; none: this one's")
        control: Literal["none", "shuffled", "batch-mean", "untrained"] = Field(
            "none", description="how the weights are changed to show what the critics are worth"
        )
        actions: Literal["policy", "uniform"] = Field(
            "policy", description="actions in the buffer: the backbone's predictions, or uniform random numbers"
        )
        halved_rewards: bool = Field(
            False, description="compute the reward of 0.5 + a / 2 in place of the action a, as the authors' code does"
        )
        stage3: Literal["continue", "afresh"] = Field(
            "continue", description="train on from stage 1, or from the initial parameters"
        )
        fresh_optimiser: bool = Field(False, description="stage 3 forgets the optimiser's state of stage 1")
        forget_best: bool = Field(
            False, description="stage 3 forgets the best validation score of stage 1, and may end worse than it began"
        )
        noisy_weights: bool = Field(False, description="dropout stays on in critics that weigh")
        next_action: Literal["buffer", "actor"] = api.added_later(
            "buffer",
            description="action in the next state of a TD target: the one in the buffer, or the backbone's prediction "
            "for that state with noise, as in the authors' code",
        )

    params: Params
    _critics: Critics | None = None

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """What critics need; critics from another backbone must be trained ones, and some options need 0 and 1."""
        if self.params.critic_from is not None and self.params.control == "untrained":
            return "control=untrained uses critics that nobody trained, and critic_from asks for trained ones"
        chosen = {"variant=wl": self.params.variant == "wl", "ips": self.params.ips}
        chosen["halved_rewards"] = self.params.halved_rewards
        of_binary = [option for option, on in chosen.items() if on]
        for task in schema.tasks if of_binary else ():
            if task.kind != "binary":
                return f"{of_binary[0]} is for binary tasks alone, and {task.name!r} is {task.kind}"
        return super().applicable(schema, backbone)

    def source(self) -> api.Source | None:
        """The cell whose critics are reused.

        With ``critic_from`` it is the same method on that backbone. For a control or another third stage it is the
        method itself, whose critics are the same. Else there is none.
        """
        given = self.params.model_dump(mode="json", by_alias=True)
        if self.params.critic_from is not None:
            own = {"critic_from": None, "control": "none", "stage3": "continue"}
            return api.Source(self.name, {**given, **own}, self.params.critic_from)
        same = {"control": "none", "stage3": "continue"}
        differs = self.params.control in {"shuffled", "batch-mean"} or self.params.stage3 == "afresh"
        return api.Source(self.name, {**given, **same}) if differs and self.params.control != "untrained" else None

    def controls(self) -> Sequence[api.Source]:
        """The same further training without critics, with critics that know nothing, and with more time."""
        if self.params.control != "none":
            return ()
        return (
            api.Source("constant", {"restart": True}),
            api.Source("constant", {"seconds_of": self.name}),
            api.Source("loss-aware", {"lambda": self.params.lambda_}),
            *(self._with(control=control) for control in ("shuffled", "batch-mean", "untrained")),
            *([self._with(gamma=0.0)] if self.params.gamma > 0 else []),
        )

    def needs_harness(self) -> str | None:
        """Critics that are trained already need no harness."""
        reason = super().needs_harness()
        return None if self._critics is not None else f"{reason}, and take its critics by Weigher.from_record"

    def load_trained(self, schema: api.Schema, state: Mapping[str, Tensor]) -> None:
        """Take over the critics of a trained cell."""
        width = next(value.shape[1] for name, value in state.items() if name.endswith("embedding.weight"))
        params = self.params.model_copy(update={"critic_embeddings": "fresh", "embedding": width})
        critics = critics_of(schema, params).requires_grad_(False).eval()
        critics.load_state_dict(dict(state))
        self._critics = critics.train() if self.params.noisy_weights else critics

    def setup(self, setting: api.Setting) -> None:
        """Take the critics to where the losses are."""
        if self._critics is not None:
            self._critics.to(setting.device)

    def fit(self, trainer: api.Trainer) -> None:
        """Restore stage 1, train or reuse critics, and train the backbone under their weights."""
        initial = copy.deepcopy(trainer.backbone.state_dict()) if self.params.stage3 == "afresh" else None
        keep = initial is None
        trainer.restore(optimiser=keep and not self.params.fresh_optimiser, score=keep and not self.params.forget_best)
        self._critics = self._trained(trainer)
        if initial is None:
            trainer.train(self, "continue")
        else:
            trainer.backbone.load_state_dict(initial)
            trainer.train(self, "train")

    def _trained(self, trainer: api.Trainer) -> Critics:
        """The critics that weigh."""
        actor = TargetActor(trainer.backbone) if self.params.next_action == "actor" else None
        learner = CriticLearner(trainer, self.params, actor)
        source = self.source()
        if source is not None:
            stages = {"critics"} if source.backbone is None else {"train", "critics"}
            learner.critics.load_state_dict(dict(trainer.reuse(stages).state))
        action = self._actions(trainer)
        rewarded = (1 + action) / 2 if self.params.halved_rewards else action
        transitions = replay(trainer.data, action, rewards(trainer, rewarded), self.params.buffer)
        if source is None and self.params.control != "untrained":
            trainer.run_once("critics", lambda: learner.fit(transitions), learner.critics)
        else:
            learner.report(transitions)
        critics = learner.frozen()
        return critics.train() if self.params.noisy_weights else critics

    def _actions(self, trainer: api.Trainer) -> Tensor:
        predicted = trainer.predict().sigmoid()
        if self.params.actions == "policy":
            return predicted
        with trainer.seeded("actions"):
            return torch.rand_like(predicted)

    @torch.no_grad()
    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K); at least 1, or at least 0 with ``variant=nlc``."""
        assert self._critics is not None, "fit trains the critics first"
        values = self._critics(step.inputs, step.logits.sigmoid())
        if self.params.variant == "nlc":
            weights = -values
        elif self.params.variant == "wl":
            weights = 1 - self.params.lambda_ * masked(step.labels, step.mask) * values
        else:
            weights = 1 - self.params.lambda_ * values
        if self.params.control == "shuffled":
            return weights[torch.randperm(len(weights), device=weights.device)]
        if self.params.control == "batch-mean":
            return step.task_means(weights)
        return weights

    def state_dict(self) -> dict[str, Tensor]:
        """The critics, once they are trained."""
        return {} if self._critics is None else dict(self._critics.state_dict())

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave, if there are critics to take it."""
        if self._critics is not None:
            self._critics.load_state_dict(dict(state))

    def _with(self, **changes: Any) -> api.Source:
        return api.Source(self.name, {**self.params.model_dump(mode="json", by_alias=True), **changes})
