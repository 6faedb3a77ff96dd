"""Temporal-difference learning of critics over a replay buffer."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from mtlbench import api
from mtlbench.api.masks import masked_mean, observed_in, weighted_mean
from mtlbench_plugins.critics.diagnostics import report_truth, report_values
from mtlbench_plugins.critics.making import critics_of, last_ids
from mtlbench_plugins.critics.networks import Critics
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.saving import adam_state, load_adam, named, under
from mtlbench_plugins.critics.transitions import LARGEST_LOSS, Transitions

CHUNK_ROWS = 8192
HELD_OUT = 10
"""One training session in this many is held out: it judges convergence, and no critic is trained on it."""
ONLINE, TARGET, ADAM, STEPS = "online.", "target.", "adam.", "steps"
"""Parts of the learner's state."""
RUNAWAY = 10
"""A TD loss that grows to this many times that of the first pass has diverged."""


class CriticLearner:
    r"""Trains critics by TD(0) with target networks.

    .. math:: \min_Q \big(r_k + \gamma (1 - \mathrm{done})\, \tilde Q_k(s', a'_k) - Q_k(s, a_k)\big)^2, \qquad
              \tilde\theta \leftarrow \tau\, \theta + (1 - \tau)\, \tilde\theta

    Liu et al., "Multi-Task Recommendations with Reinforcement Learning", WWW 2023, https://arxiv.org/abs/2302.03328. At
    the end of a session the target is r exactly.

    The paper trains "until convergence", with a threshold on the TD loss. A fixed threshold means something different
    on every log. On the sessions that are trained on, the loss falls for as long as the critics memorise labels. So
    every tenth training session is held out. The critics have converged when a pass no longer lowers the TD loss there
    by the fraction ``epsilon``; the best pass is kept.

    With ``td_target=min`` the value of the next state is the smaller of those of the target and the online network,
    both without dropout.

    Args:
        trainer: gives the rows, the seeds and the learning rate.
        params: discount, target rate, convergence rule and sizes.
        actor: gives the actions (B, K) in the next states from their inputs; ``None``: those in the buffer.
    """

    def __init__(
        self, trainer: api.Trainer, params: CriticParams, actor: Callable[[api.Inputs], Tensor] | None = None
    ) -> None:
        self._trainer = trainer
        self._data = trainer.data
        self._params = params
        self._actor = actor
        with trainer.seeded("critics"):
            self.critics = critics_of(trainer.schema, params, trainer.backbone).to(trainer.data.labels.device)
        self._target = copy.deepcopy(self.critics).requires_grad_(False).eval()
        self._adam = torch.optim.Adam(self.critics.parameters(), lr=trainer.learning_rate, fused=True)
        self._steps = 0
        self._last = last_ids(self.critics.visible, trainer.schema).to(self._data.labels.device)
        rate = masked_mean(self._data.labels, observed_in(self._data.labels), self._data.weight)
        self._class_weight = (1 / (2 * (1 - rate)), 1 / (2 * rate)) if params.ips else None

    def fit(self, transitions: Transitions) -> None:
        """Pass over the buffer until convergence, then log what the critics predict.

        Raises:
            TrainingError: the TD loss diverged, or a critic gives 0 for every row.
        """
        held_out = self._data.session % HELD_OUT == 0
        if held_out.all():
            raise api.TrainingError(
                "critics need two sessions or more in the training split, to learn and to be judged"
            )
        learnt = transitions.kept & ~held_out
        trained, judged = [], [math.inf]
        best = copy.deepcopy(self.critics.state_dict())
        with self._trainer.stage("critics") as spend, self._trainer.seeded("critic dropout"):
            for epoch in range(1, self._params.critic_epochs + 1):
                trained.append(self._one_pass(transitions, self._batches(learnt, epoch), spend))
                judged.append(self._td_loss(transitions, held_out.nonzero().squeeze(1)))
                self._trainer.progress("critics", epoch, self._params.critic_epochs)
                self._check_bounded(trained)
                epsilon, record = self._params.epsilon, min(judged[:-1])
                converged = epsilon is not None and judged[-1] > (1 - epsilon) * record
                if epsilon is None or judged[-1] < record:
                    best = copy.deepcopy(self.critics.state_dict())
                if converged:
                    break
        self.critics.load_state_dict(best)
        self._trainer.log_series("td_loss", trained)
        self._trainer.log_series("td_loss_held_out", judged[1:])
        self._trainer.log_scalar("critics_converged", float(converged))
        self.report(transitions)

    def report(self, transitions: Transitions) -> None:
        """Log what the critics predict for every transition.

        Raises:
            TrainingError: a critic gives 0 for every row.
        """
        critics, data = self.critics.eval(), self._data
        with torch.no_grad():
            parts = zip(data.inputs.split(CHUNK_ROWS), transitions.action.split(CHUNK_ROWS), strict=True)
            values = torch.cat([critics(*part) for part in parts])
        report_values(self._trainer, values, -transitions.reward, transitions.observed)
        report_truth(self._trainer, values, transitions.action, self._params.gamma)

    def step(self, transitions: Transitions, rows: Tensor, next_action: Tensor | None = None) -> Tensor:
        """Update the critics once on the transitions ``rows``; returns the detached TD loss.

        ``next_action`` (B, K) are the actions of the target policy in the next states. ``None`` asks ``actor``, and
        without one takes those in the buffer, which are the same as long as the policy is frozen.
        """
        with torch.no_grad():
            target = self._td_target(transitions, rows, next_action)
        self.critics.train()
        values = self.critics(self._state(rows), transitions.action[rows])
        errors = (values - target).square()
        if self._class_weight is not None:
            errors = errors * torch.where(self._data.labels[rows] > 0, *reversed(self._class_weight))
        loss = self._mean(errors, transitions, rows)
        self._adam.zero_grad(set_to_none=True)
        loss.backward()
        self._adam.step()
        self._steps += 1
        if self._steps % self._params.target_every == 0:
            soft_update(self._target, self.critics, self._params.tau)
        return loss.detach()

    def state_dict(self) -> dict[str, Tensor]:
        """The critics, the target networks, and Adam's state of the critics."""
        online, target = named(ONLINE, self.critics.state_dict()), named(TARGET, self._target.state_dict())
        adam = named(ADAM, adam_state(self._adam))
        return {**online, **target, **adam, STEPS: torch.tensor(self._steps)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self.critics.load_state_dict(under(ONLINE, state))
        self._target.load_state_dict(under(TARGET, state))
        load_adam(self._adam, under(ADAM, state))
        self._steps = int(state[STEPS])

    def frozen(self) -> Critics:
        """The critics in evaluation mode, without gradients."""
        return self.critics.requires_grad_(False).eval()

    def _batches(self, learnt: Tensor, epoch: int) -> list[Tensor]:
        batches = self._trainer.minibatches("critics", epoch)
        if self._params.critic_batch_size is not None:
            batches = list(torch.cat(batches).split(self._params.critic_batch_size))
        return [rows for batch in batches if len(rows := batch[learnt[batch]])]

    def _state(self, rows: Tensor) -> api.Inputs:
        inputs = self._data.inputs[rows]
        return replace(inputs, categorical=noisy(inputs.categorical, self._last)) if self._params.noisy_ids else inputs

    def _td_target(self, transitions: Transitions, rows: Tensor, next_action: Tensor | None) -> Tensor:
        target = transitions.reward[rows]
        alive = ~transitions.done[rows]
        following = transitions.next_row[rows][alive]
        if len(following) == 0:
            return target
        state = self._state(following)
        if next_action is not None:
            action = next_action[alive]
        else:
            action = transitions.action[following] if self._actor is None else self._actor(state)
        value = self._target(state, action)
        if self._params.td_target == "min":
            value = torch.minimum(value, self.critics.eval()(state, action))
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
        critics, total = self.critics.eval(), 0.0
        for part in rows.split(CHUNK_ROWS):
            values = critics(self._state(part), transitions.action[part])
            errors = values - self._td_target(transitions, part, None)
            total += self._mean(errors.square(), transitions, part).item() * len(part)
        return total / len(rows)

    def _mean(self, errors: Tensor, transitions: Transitions, rows: Tensor) -> Tensor:
        """Mean of ``errors`` (B, K) over the transitions ``rows`` whose reward is known, by weight, then over tasks."""
        observed, weight = transitions.observed, self._data.weight
        if observed is None and weight is None:
            return errors.mean()
        of_rows = (None if one is None else one[rows] for one in (observed, weight))
        return weighted_mean(errors, torch.ones_like(errors), *of_rows)

    def _check_bounded(self, losses: list[float]) -> None:
        """Refuse TD losses that grow from pass to pass. They cannot grow by memorising labels, which lowers them."""
        bound = (LARGEST_LOSS / (1 - self._params.gamma)) ** 2
        if losses[-1] <= min(bound, RUNAWAY * losses[0]):
            return
        raise api.TrainingError(
            f"the critics diverged: the TD loss is {losses[-1]:.4g} in pass {len(losses)} after {losses[0]:.4g} in the "
            "first; lower gamma, tau or --learning-rate"
        )


def noisy(categorical: Tensor, last: Tensor) -> Tensor:
    """Ids (B, F) z-scored per batch and column, and cut to integers, then to 0 and ``last`` (F,).

    One that is larger than those of its field reads the row of a later field, as in the code of RMTL's authors.
    """
    ids = categorical.float()
    spread = ids.std(0, correction=0) + 1e-3
    return ((ids - ids.mean(0)) / spread).int().clamp(min=0).minimum(last)


@torch.no_grad()
def soft_update(target: nn.Module, online: nn.Module, tau: float) -> None:
    """Move ``target`` by the fraction ``tau`` towards ``online``, in place: 1 copies, 0 freezes."""
    torch._foreach_lerp_(list(target.parameters()), list(online.parameters()), tau)
    for into, out_of in zip(target.buffers(), online.buffers(), strict=True):
        into.copy_(out_of)
