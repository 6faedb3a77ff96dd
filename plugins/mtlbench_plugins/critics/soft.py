"""A soft actor-critic whose actions divide K among K tasks, and its replay buffer."""

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mtlbench.nn import MLP, Tower
from mtlbench_plugins.critics.learning import soft_update
from mtlbench_plugins.critics.saving import adam_state, load_adam, named, under

HIDDEN = (128, 128)
LOG_SPREADS = (-20.0, 2.0)
"""Bounds of the logarithm of a standard deviation."""
GAMMA, TAU, ALPHA = 0.99, 0.005, 0.2
"""Discount, fraction of the online critics that their targets absorb per update, and the first temperature."""


class ReplayBuffer:
    """The latest rows of numbers, up to ``size`` of them.

    Args:
        size: rows kept.
        width: numbers of a row.
        device: of the rows.
    """

    def __init__(self, size: int, width: int, device: torch.device) -> None:
        self._rows = torch.zeros(size, width, device=device)
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, len(self._rows))

    @property
    def fill(self) -> float:
        """Share of the buffer that holds rows."""
        return len(self) / len(self._rows)

    def add(self, row: Tensor) -> None:
        """Keep ``row`` (width,), in place of the oldest if the buffer is full."""
        self._rows[self._added % len(self._rows)] = row
        self._added += 1

    def sample(self, count: int) -> Tensor:
        """Rows (count, width), drawn with replacement from torch's global generator."""
        return self._rows[torch.randint(len(self), (count,), device=self._rows.device)]

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the rows, those that are still free too, and how many were added in all."""
        return {"rows": self._rows.clone(), "added": torch.tensor(self._added)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self._rows.copy_(state["rows"])
        self._added = int(state["added"])


class SoftmaxPolicy(nn.Module):
    r"""Random actions on a simplex, whose distribution depends on the state.

    .. math:: a = K \, \mathrm{softmax}(u), \qquad u_k \sim N\big(\mu_k(s), \sigma_k(s)^2\big)

    Args:
        tasks: K; a state has as many numbers as an action.
    """

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.body = MLP(tasks, HIDDEN, 0.0, "none")
        self.mean = nn.Linear(self.body.width, tasks)
        self.log_spread = nn.Linear(self.body.width, tasks)

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """u (B, K) for states (B, K), by torch's global generator, and the logarithm (B,) of the action's density."""
        features = self.body(state)
        log_spread = self.log_spread(features).clamp(*LOG_SPREADS)
        noise = torch.randn_like(log_spread)
        u = self.mean(features) + log_spread.exp() * noise
        return u, log_density(u, noise, log_spread)


def log_density(u: Tensor, noise: Tensor, log_spread: Tensor) -> Tensor:
    r"""Logarithm (B,) of the density of a = K softmax(u), in K - 1 of its K numbers, where u is mu + sigma e.

    Adding a number to all u changes no action. Integrating over that number gives the logistic-normal density of
    J. Aitchison and S. Shen, "Logistic-normal distributions: some properties and uses", Biometrika 67, 1980:

    .. math:: \log p(a) = -\tfrac{K-1}{2} \log 2\pi - \sum_k \log \sigma_k - \tfrac{1}{2} \log \sum_k \sigma_k^{-2}
              - \tfrac{1}{2} \sum_k \Big(e_k - \frac{\bar e}{\sigma_k}\Big)^2 - \sum_k \log a_k + \log K

    with :math:`\bar e = \sum_k (e_k / \sigma_k) / \sum_k \sigma_k^{-2}`.

    Args:
        u: (B, K).
        noise: e (B, K), standard normal.
        log_spread: log sigma (B, K).
    """
    tasks = u.shape[-1]
    log_precision = torch.logsumexp(-2 * log_spread, -1)
    common = (noise * torch.exp(-log_spread - log_precision.unsqueeze(-1))).sum(-1, keepdim=True)
    distance = (noise - common * torch.exp(-log_spread)).square().sum(-1)
    log_action = math.log(tasks) + u.log_softmax(-1)
    constant = math.log(tasks) - (tasks - 1) / 2 * math.log(2 * math.pi)
    return constant - log_spread.sum(-1) - log_precision / 2 - distance / 2 - log_action.sum(-1)


class SoftActorCritic:
    r"""Learns a :class:`SoftmaxPolicy` that earns much reward and stays random.

    T. Haarnoja et al., "Soft actor-critic algorithms and applications", 2018, https://arxiv.org/abs/1812.05905, with
    two critics Q, their target networks, and a learnt temperature alpha:

    .. math:: \min_Q \big(r + \gamma (\min \tilde Q(s', a') - \alpha \log p(a')) - Q(s, a)\big)^2, \qquad
              \min_p \; \alpha \log p(a) - \min Q(s, a)

    alpha grows where the entropy of the policy is below -K, and falls where it is above. No state is terminal.

    Args:
        tasks: K.
        learning_rate: of Adam, for policy, critics and log alpha.
        device: of the networks.
    """

    def __init__(self, tasks: int, learning_rate: float, device: torch.device) -> None:
        self._tasks = tasks
        self._policy = SoftmaxPolicy(tasks).to(device)
        self._critics = nn.ModuleList(Tower(2 * tasks, HIDDEN, 0.0, "none") for _ in range(2)).to(device)
        self._targets = copy.deepcopy(self._critics).requires_grad_(False)
        self._log_alpha = torch.tensor(math.log(ALPHA), device=device)
        learnt = ([*self._policy.parameters()], [*self._critics.parameters()], [self._log_alpha])
        self._adams = [torch.optim.Adam(parameters, learning_rate, fused=True) for parameters in learnt]

    @torch.no_grad()
    def act(self, state: Tensor) -> Tensor:
        """u (K,) of an action in ``state`` (K,)."""
        u, _ = self._policy(state.unsqueeze(0))
        return u[0]

    @torch.enable_grad()
    def learn(self, transitions: Tensor) -> None:
        """Update all once on ``transitions`` (B, 3 K + 1): state, action, reward, next state."""
        state, action, reward, following = transitions.split([self._tasks, self._tasks, 1, self._tasks], dim=1)
        alpha = self._log_alpha.exp()
        with torch.no_grad():
            u, density = self._policy(following)
            value = self._values(self._targets, following, u.softmax(1)).min(0).values - alpha * density
            target = reward.squeeze(1) + GAMMA * value
        values = self._values(self._critics, state, action / self._tasks)
        policy, critics, temperature = self._adams
        _descend(critics, (values - target).square().mean(1).sum())
        u, density = self._policy(state)
        value = self._values(self._critics, state, u.softmax(1)).min(0).values
        _descend(policy, (alpha * density - value).mean())
        self._log_alpha.grad = (self._tasks - density.detach()).mean()
        temperature.step()
        soft_update(self._targets, self._critics, TAU)

    def _values(self, critics: nn.Module, state: Tensor, shares: Tensor) -> Tensor:
        """What each of two critics expects, (2, B), of actions K times ``shares`` (B, K)."""
        read = torch.cat([state, self._tasks * shares], 1)
        return torch.cat([critic(read) for critic in critics.children()], 1).T

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the networks, the temperature, and Adam's state of them."""
        state = {"log_alpha": self._log_alpha.clone()}
        for prefix, network in self._networks().items():
            state |= named(prefix, network.state_dict())
        for i, adam in enumerate(self._adams):
            state |= named(f"adam{i}.", adam_state(adam))
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self._log_alpha.copy_(state["log_alpha"])
        for prefix, network in self._networks().items():
            network.load_state_dict(under(prefix, state))
        for i, adam in enumerate(self._adams):
            load_adam(adam, under(f"adam{i}.", state))

    def _networks(self) -> dict[str, nn.Module]:
        return {"policy.": self._policy, "critics.": self._critics, "targets.": self._targets}


def _descend(adam: torch.optim.Adam, loss: Tensor) -> None:
    """Take one step down the gradient of ``loss`` by the parameters of ``adam``, and leave all others alone."""
    parameters = adam.param_groups[0]["params"]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    adam.step()
