"""The critic stage in the style of public code: our own code, after the habits of RMTL's authors'.

https://github.com/Applied-Machine-Learning-Lab/RMTL: a gym environment that is stepped impression by impression, a
replay buffer of numpy rings that holds copies of all features and is sampled anew in every update, a network, a target
network and an optimiser per task, and the next action computed by the frozen policy in every update. Their update also
computes an actor loss that nothing reads, and a second estimate of the next value; both are left out here.
"""

import copy
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench.api import Backbone, Split

Array = np.ndarray


class Session:
    """One visitor's impressions, walked through step by step."""

    def __init__(self, states: Array, labels: Array) -> None:
        self.states, self.labels, self.place = states, labels, 0

    def step(self, action: Array) -> tuple[Array, Array, bool, Array]:
        label = self.labels[self.place]
        clipped, opposite = np.clip(action, 1e-4, 1 - 1e-4), np.clip(1 - action, 1e-4, 1 - 1e-4)
        reward = label * np.log(clipped) + (1 - label) * np.log(opposite)
        done = self.place + 1 == len(self.labels)
        following = self.states[self.place if done else self.place + 1]
        self.place += 1
        return following, reward, done, label


class Environment:
    """All sessions; ``reset`` begins the next one."""

    def __init__(self, split: Split) -> None:
        states = np.concatenate([split.categorical.numpy().astype(np.float32), split.numerical.numpy()], axis=1)
        rows = defaultdict(list)
        for row, session in enumerate(split.session.tolist()):
            rows[session].append(row)
        labels = split.labels.numpy()
        self._sessions = [(states[group], labels[group]) for group in rows.values()]
        self._next = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def reset(self) -> Array:
        self._session = Session(*self._sessions[self._next])
        self._next = (self._next + 1) % len(self)
        return self._session.states[0]

    def step(self, action: Array) -> tuple[Array, Array, bool, Array]:
        return self._session.step(action)


class ReplayBuffer:
    """Rings of numpy arrays."""

    def __init__(self, size: int, state: int, tasks: int) -> None:
        self.state, self.following = np.zeros((2, size, state), dtype=np.float32)
        self.action, self.reward = np.zeros((2, size, tasks), dtype=np.float32)
        self.done = np.zeros(size, dtype=np.float32)
        self.place = self.size = 0
        self._random = np.random.default_rng(0)

    def store(self, state: Array, action: Array, following: Array, reward: Array, done: bool) -> None:
        place = self.place
        self.state[place], self.following[place] = state, following
        self.action[place], self.reward[place], self.done[place] = action, reward, done
        self.size = min(self.size + 1, len(self.done))
        self.place = (place + 1) % len(self.done)

    def sample(self, batch_size: int) -> tuple[Tensor, ...]:
        chosen = self._random.choice(self.size, size=batch_size, replace=False)
        columns = (self.state, self.following, self.action, self.reward, self.done)
        return tuple(torch.from_numpy(column[chosen]) for column in columns)


def fill(environment: Environment, buffer: ReplayBuffer, policy: Callable[[int], Array]) -> None:
    """Walk through every session once; ``policy`` gives the action of the n-th step."""
    taken = 0
    for _ in range(len(environment)):
        state, done = environment.reset(), False
        while not done:
            action = policy(taken)
            following, reward, done, _ = environment.step(action)
            buffer.store(state, action, following, reward, done)
            state = following
            taken += 1


class PublicLearner:
    """One update of a critic per task.

    Args:
        critics: one network per task, from categorical and numerical inputs and an action (B,) to values (B,).
        policy: the frozen backbone.
        fields: categorical inputs of a state, which come first.
        gamma: discount.
        tau: of the target networks.
    """

    def __init__(
        self, critics: list[nn.Module], policy: Backbone, fields: int, gamma: float = 0.95, tau: float = 0.8
    ) -> None:
        self._critics, self._policy, self._fields = critics, policy.eval(), fields
        self._targets = [copy.deepcopy(critic).eval() for critic in critics]
        self._adams = [torch.optim.Adam(critic.parameters(), lr=1e-3) for critic in critics]
        self._gamma, self._tau = gamma, tau

    def _inputs(self, state: Tensor) -> tuple[Tensor, Tensor]:
        return state[:, : self._fields].long(), state[:, self._fields :]

    def update(self, batch: tuple[Tensor, ...]) -> list[float]:
        """The TD loss of each critic on a sample of the buffer."""
        state, following, action, reward, done = batch
        with torch.no_grad():
            next_action = torch.sigmoid(self._policy(*self._inputs(following)))
        losses = []
        for task, (critic, target, adam) in enumerate(zip(self._critics, self._targets, self._adams, strict=True)):
            with torch.no_grad():
                next_value = target(*self._inputs(following), next_action[:, task])
            wanted = reward[:, task] + self._gamma * next_value * (1 - done)
            loss = F.mse_loss(critic(*self._inputs(state), action[:, task]), wanted)
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
        for critic, target in zip(self._critics, self._targets, strict=True):
            for online, into in zip(critic.parameters(), target.parameters(), strict=True):
                into.data.copy_(into.data * (1 - self._tau) + online.data * self._tau)
        return losses
