"""IGB v2: an actor learns the weights of which the least improving task improves most."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.critics.saving import named, under
from mtlbench_plugins.critics.soft import ReplayBuffer, SoftActorCritic
from mtlbench_plugins.weightings._losses import FLOOR, BaseLosses, log_losses, mean_losses
from mtlbench_plugins.weightings._seen import softmax

BATCH = 256
"""Transitions of one update with a full buffer; half of it with an empty one."""
LARGEST = 100.0
"""A loss of more than so many times its base counts as this."""


class IGBv2(api.Weighting):
    r"""Logarithms of the losses are weighted by an actor that is rewarded for the improvement of the worst task.

    Y. Dai, N. Fei, Z. Lu, "Improvable gap balancing for multi-task learning", UAI 2023,
    https://arxiv.org/abs/2307.15429, its second method. As in ``igb-v1`` the base b_k is the mean training loss of the
    epoch ``base_epoch``, and logarithms of the losses are weighted:

    .. math:: L = \sum_k \omega_k \log L_k, \qquad w_k = \frac{\omega_k}{L_k}, \qquad \omega = K \, \mathrm{softmax}(u)

    omega is the action of a soft actor-critic. The state of step t is the loss of each task relative to its base, and
    the reward of the step before is the smallest relative fall of a loss:

    .. math:: s_t = \frac{L(t)}{b}, \qquad r = \min_k \frac{L_k(t - 1) - L_k(t)}{b_k}

    u is standard normal in the first ``start_epoch`` epochs, and until the bases are known. Then it is drawn from the
    normal distribution that the actor gives for the state. From the base epoch on, each step adds the transition that
    ends in it to a replay buffer. Actor and two critics learn every 50 steps (``update_every``): 25 updates of 128
    transitions with an empty buffer, growing to 50 updates of 256 with a full one. The networks have two hidden layers
    of 128. Target critics absorb 0.005 of the online ones per update. The discount is 0.99. The temperature starts at
    0.2 and is learnt.

    A task without an observed label in the batch keeps its last loss in the state and its last weight in the action; it
    takes no part in the reward and the softmax. A loss below 1e-8 counts as 1e-8. All random numbers come from torch's
    global generator.

    It reads the task losses, and their means in an early epoch. It costs up to one update of small networks per step.
    It claims that a reward for the task that improves least balances all tasks. It equals ``rlw`` on the logarithms of
    the losses, up to a common factor, while u is standard normal.

    Settings are those of the authors' code, https://github.com/YanqiDai/IGB4MTL. Deviations from it:

    * Its actor acts from the 6th epoch on, and learns from the 4th; both are earlier here, because a run has some ten
      epochs: ``start_epoch=5``, ``update_after=3`` give its schedule.
    * The state is relative to the base, where the code has the losses as they are. So multiplying a task's loss by a
      constant changes nothing in the direction. A loss above 100 times its base counts as 100 times.
    * The density of an action is that of the softmax of normal numbers. The code has the formula for the tanh of them.
    * The code multiplies the reward by how far the learning rate has fallen. A weighting here cannot see the schedule.
    """

    name, label = "igb-v2", "IGB-v2"
    repairs = frozenset({"pace", "scale"})
    harmed_on = frozenset({"anime", "complete-journey", "kuairand-tuned", "over-logs", "synthetic-six"})

    class Params(api.Params):
        """Parameters of ``igb-v2``."""

        base_epoch: int = Field(2, ge=1, description="number of the epoch, from 1, whose mean losses are the base")
        start_epoch: Annotated[int, api.search.Choice(2, 3, 5)] = Field(
            2, ge=1, description="epochs of random weights, before the actor chooses them"
        )
        update_after: int = Field(
            1, ge=0, description="epochs before the first update; none is made before there is a base"
        )
        learning_rate: Annotated[float, api.search.Log(1e-4, 1e-3)] = Field(
            3e-4, gt=0, description="Adam's learning rate of actor, critics and temperature"
        )
        update_every: int = Field(
            50, ge=1, description="steps between rounds of updates; a round has half to all as many updates"
        )
        buffer: int = Field(10_000, ge=1, description="transitions kept, the latest ones")

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start with random networks, an empty buffer and no base."""
        tasks, device = len(setting.tasks), setting.device
        self._agent = SoftActorCritic(tasks, self.params.learning_rate, device)
        self._buffer = ReplayBuffer(self.params.buffer, 3 * tasks + 1, device)
        self._base = BaseLosses(tasks, device, self.params.base_epoch)
        self._losses = torch.ones(tasks, dtype=torch.float64, device=device)
        self._action = torch.ones(tasks, device=device)
        self._steps = 0

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive for the tasks seen in the batch, 0 for the others; random."""
        before, seen = self._state(), step.seen
        self._losses = torch.where(seen, mean_losses(step), self._losses)
        state = self._state()
        if self._based:
            self._remember(before, state, seen)
        if self._steps % self.params.update_every == 0 and self._base.epochs >= self.params.update_after:
            self._learn()
        self._steps += 1
        acts = self._based and self._base.epochs >= self.params.start_epoch
        u = self._agent.act(state) if acts else torch.randn_like(state)
        self._action = torch.where(seen, seen.sum() * softmax(u, seen), self._action)
        share = torch.where(seen, u, -torch.inf).log_softmax(0)
        return torch.where(seen, seen.sum() * (share - log_losses(step)).exp(), 0.0).to(step.losses)

    @property
    def _based(self) -> bool:
        return self._base.epochs >= self.params.base_epoch

    def _state(self) -> Tensor:
        """The last loss (K,) of each task relative to its base, float32; 1 where there is no base."""
        base = self._base.values
        ratio = (self._losses / base.clamp(min=FLOOR)).clamp(max=LARGEST)
        return torch.where(base.isnan(), 1.0, ratio).float()

    def _remember(self, before: Tensor, state: Tensor, seen: Tensor) -> None:
        """Add the transition that ends in ``state``."""
        counts = seen & ~self._base.values.isnan()
        fall = torch.where(counts, before - state, torch.inf).min()
        reward = torch.where(counts.any(), fall, 0.0)
        self._buffer.add(torch.cat([before, self._action, reward.unsqueeze(0), state]))

    def _learn(self) -> None:
        """Update actor and critics, the more often the fuller the buffer."""
        if len(self._buffer):
            share = (1 + self._buffer.fill) / 2
            for _ in range(max(1, int(self.params.update_every * share))):
                self._agent.learn(self._buffer.sample(int(BATCH * share)))

    def after_step(self, step: api.Step) -> None:
        """Add the losses of the step to the mean of the epoch."""
        self._base.add(step)

    def end_epoch(self, epoch: int) -> None:
        """Set the base at the end of its epoch."""
        self._base.end_epoch()

    def state_dict(self) -> dict[str, Tensor]:
        """The agent, its buffer, the base, and the last losses and weights."""
        state = {"losses": self._losses.clone(), "action": self._action.clone(), "steps": torch.tensor(self._steps)}
        for prefix, part in (("agent.", self._agent), ("buffer.", self._buffer), ("base.", self._base)):
            state |= named(prefix, part.state_dict())
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._losses, self._action = state["losses"].clone(), state["action"].clone()
        self._steps = int(state["steps"])
        self._agent.load_state_dict(under("agent.", state))
        self._buffer.load_state_dict(under("buffer.", state))
        self._base.load_state_dict(under("base.", state))
