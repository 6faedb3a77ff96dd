"""Temporal-difference learning of critics over a replay buffer."""

import copy
import math

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench import api
from mtlbench_plugins.critics.networks import Critics
from mtlbench_plugins.critics.transitions import Transitions

CHUNK_ROWS = 8192
HELD_OUT = 10
"""One training session in this many judges the critics' convergence and trains none of them."""


class CriticParams(api.Sizes):
    """Parameters of weightings with critics; the sizes are those of the critics' networks."""

    gamma: float = Field(0.95, ge=0, lt=1, description="discount of the reward of the next impression, in [0, 1)")
    tau: float = Field(
        0.8,
        ge=0,
        le=1,
        description="fraction of the online network that a target network absorbs per step, in [0, 1]; the paper's "
        "beta is 1 - tau (beta 0.2), the authors' code uses tau 0.2",
    )
    epsilon: float = Field(
        0.01,
        ge=0,
        lt=1,
        description="critics have converged when a pass lowers the held-out TD loss by less than this fraction",
    )
    critic_epochs: int = Field(20, ge=1, description="most passes over the replay buffer")


class CriticLearner:
    r"""Trains critics by TD(0) with target networks.

    .. math:: \min_Q \big(r_k + \gamma (1 - \mathrm{done})\, \tilde Q_k(s', a'_k) - Q_k(s, a_k)\big)^2, \qquad
              \tilde\theta \leftarrow \tau\, \theta + (1 - \tau)\, \tilde\theta

    Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023, https://arxiv.org/abs/2302.03328.
    At the end of a session the target is r exactly. The paper trains "until convergence" with a threshold on the TD
    loss. An absolute threshold means something else on every log, and on the sessions trained on the loss falls for
    as long as critics memorise labels. So every tenth training session is held out, and critics have converged when a
    pass no longer lowers the TD loss there by the fraction ``epsilon``; the best pass is kept.

    Args:
        trainer: gives the rows, the seeds and the learning rate.
        params: discount, target rate, convergence rule and sizes.
    """

    def __init__(self, trainer: api.Trainer, params: CriticParams) -> None:
        self._trainer = trainer
        self._data = trainer.data
        self._params = params
        device = trainer.data.labels.device
        with trainer.seeded("critics"):
            self.critics = Critics(trainer.schema, params).to(device)
        self._target = copy.deepcopy(self.critics).requires_grad_(False).eval()
        self._adam = torch.optim.Adam(self.critics.parameters(), lr=trainer.learning_rate, fused=True)

    def fit(self, transitions: Transitions) -> None:
        """Pass over the buffer until convergence; then report, and fail if a critic is dead.

        Raises:
            TrainingError: the TD loss diverged, or a critic says 0 for every row.
        """
        held_out = self._data.session % HELD_OUT == 0
        if held_out.all():
            raise api.TrainingError(
                "critics need two sessions or more in the training split, to learn and to be judged"
            )
        trained, judged = [], [math.inf]
        best = copy.deepcopy(self.critics.state_dict())
        with self._trainer.stage("critics") as spend, self._trainer.seeded("critic dropout"):
            for epoch in range(1, self._params.critic_epochs + 1):
                batches = [rows[~held_out[rows]] for rows in self._trainer.minibatches("critics", epoch)]
                trained.append(self._one_pass(transitions, [rows for rows in batches if len(rows)], spend))
                judged.append(self._td_loss(transitions, held_out.nonzero().squeeze(1)))
                self._trainer.progress("critics", epoch, self._params.critic_epochs)
                if not math.isfinite(trained[-1]):
                    raise api.TrainingError(
                        f"the critics diverged: TD loss {trained[-1]} in pass {epoch}; lower gamma or --learning-rate"
                    )
                converged = judged[-1] > (1 - self._params.epsilon) * min(judged[:-1])
                if judged[-1] < min(judged[:-1]):
                    best = copy.deepcopy(self.critics.state_dict())
                if converged:
                    break
        self.critics.load_state_dict(best)
        self._trainer.report("td_loss", trained)
        self._trainer.report("td_loss_held_out", judged[1:])
        self._trainer.report("critics_converged", float(converged))
        self._check_alive(transitions.action)

    def step(self, transitions: Transitions, rows: Tensor, next_action: Tensor | None = None) -> Tensor:
        """One update on the transitions ``rows``; returns the detached TD loss.

        ``next_action`` (B, K) are the target policy's actions in the next states; ``None``: those in the buffer, which
        are the target policy's as long as the policy is frozen.
        """
        with torch.no_grad():
            target = self._td_target(transitions, rows, next_action)
        self.critics.train()
        values = self.critics(self._data.categorical[rows], self._data.numerical[rows], transitions.action[rows])
        loss = F.mse_loss(values, target)
        self._adam.zero_grad(set_to_none=True)
        loss.backward()
        self._adam.step()
        soft_update(self._target, self.critics, self._params.tau)
        return loss.detach()

    def frozen(self) -> Critics:
        """The critics in evaluation mode, out of autograd's reach."""
        return self.critics.requires_grad_(False).eval()

    def _td_target(self, transitions: Transitions, rows: Tensor, next_action: Tensor | None) -> Tensor:
        target = transitions.reward[rows]
        alive = ~transitions.done[rows]
        following = transitions.next_row[rows][alive]
        action = transitions.action[following] if next_action is None else next_action[alive]
        value = self._target(self._data.categorical[following], self._data.numerical[following], action)
        target[alive] += self._params.gamma * value
        return target

    def _one_pass(self, transitions: Transitions, batches: list[Tensor], spend: api.StageBudget) -> float:
        total = torch.zeros((), dtype=torch.float64, device=transitions.reward.device)
        for rows in batches:
            total += self.step(transitions, rows) * len(rows)
            spend.add(len(rows))
        return total.item() / sum(map(len, batches))

    @torch.no_grad()
    def _td_loss(self, transitions: Transitions, rows: Tensor) -> float:
        critics, data = self.critics.eval(), self._data
        total = 0.0
        for part in rows.split(CHUNK_ROWS):
            values = critics(data.categorical[part], data.numerical[part], transitions.action[part])
            total += F.mse_loss(values, self._td_target(transitions, part, None)).item() * len(part)
        return total / len(rows)

    def _check_alive(self, action: Tensor) -> None:
        critics, data = self.critics.eval(), self._data
        with torch.no_grad():
            parts = zip(
                data.categorical.split(CHUNK_ROWS),
                data.numerical.split(CHUNK_ROWS),
                action.split(CHUNK_ROWS),
                strict=True,
            )
            values = torch.cat([critics(*part) for part in parts])
        zero = (values == 0).double().mean(0).tolist()
        self._trainer.report("q_zero_fraction", zero)
        self._trainer.report("q_mean", values.double().mean(0).tolist())
        dead = [task for task, share in zip(self._trainer.schema.tasks, zero, strict=True) if share == 1]
        if dead:
            raise api.TrainingError(
                f"dead critic for {', '.join(dead)}: Q is 0 on every training row, so its weights are all 1 and it has "
                "no gradient to recover; lower --learning-rate or use another seed"
            )


@torch.no_grad()
def soft_update(target: nn.Module, online: nn.Module, tau: float) -> None:
    """Move ``target`` by the fraction ``tau`` towards ``online``, in place: 1 copies, 0 freezes."""
    torch._foreach_lerp_(list(target.parameters()), list(online.parameters()), tau)
    for into, out_of in zip(target.buffers(), online.buffers(), strict=True):
        into.copy_(out_of)
