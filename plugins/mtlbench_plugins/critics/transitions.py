"""The session MDP of a training split as a replay buffer of transitions."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlbench.api import Split, Trainer
from mtlbench.api.masks import masked, observed_in

CLIP = 1e-4
"""Actions are kept in [CLIP, 1 - CLIP] inside the logarithm."""
LARGEST_LOSS = -math.log(CLIP)
"""So no reward is below -9.2103, and no value is below -9.2103 / (1 - gamma)."""


def reward(action: Tensor, labels: Tensor) -> Tensor:
    """Negative binary cross-entropy r = y log a + (1 - y) log(1 - a) of probabilities ``action``, elementwise."""
    clipped = action.clamp(CLIP, 1 - CLIP)
    return labels * clipped.log() + (1 - labels) * (1 - clipped).log()


def rewards(trainer: Trainer, action: Tensor) -> Tensor:
    """Rewards (N, K) of ``action`` (N, K), the sigmoids of logits, on the training split: minus their losses.

    The action of a binary task is a probability, and :func:`reward` rewards it. Another task's reward is minus the loss
    of its kind, and at least that of a binary task: squared errors have no bound, and critics need one.
    """
    probabilities = reward(action, trainer.data.labels)
    binary = [task.kind == "binary" for task in trainer.schema.tasks]
    if all(binary):
        return probabilities
    others = -trainer.training_losses(torch.logit(action, CLIP)).clamp(max=LARGEST_LOSS)
    return torch.where(torch.tensor(binary, device=action.device), probabilities, others)


@dataclass(frozen=True)
class Transitions:
    """All transitions (s_t, a_t, r_t, s_{t+1}, done) of a split: N rows, K tasks.

    A state is a row number, so features are looked up and never copied. State i is row i, and its next state is row
    ``next_row[i]``. Where ``done[i]`` is true there is no next state.
    """

    action: Tensor
    """(N, K) in [0, 1], the sigmoids of the logits that the policy chose: of a binary task, probabilities."""
    reward: Tensor
    """(N, K) at most 0; 0 where the label was not observed."""
    next_row: Tensor
    """(N,) int64."""
    done: Tensor
    """(N,) bool."""
    kept: Tensor
    """(N,) bool, whether the buffer holds the transition."""
    observed: Tensor | None = None
    """(N, K) bool, which rewards are known; ``None``: all."""

    def __len__(self) -> int:
        return len(self.done)


def replay(split: Split, action: Tensor, rewards: Tensor | None = None, buffer: int | None = None) -> Transitions:
    """Let a policy act once on every row of ``split``.

    Args:
        split: rows with their session index and labels.
        action: (N, K) in [0, 1] that the policy chooses.
        rewards: (N, K) of the actions; ``None``: all tasks are binary, and :func:`reward` gives them.
        buffer: how many transitions the buffer keeps, the latest ones; ``None``: all.
    """
    rows = torch.arange(len(split), device=action.device)
    kept = rows >= (0 if buffer is None else len(split) - buffer)
    observed = observed_in(split.labels)
    given = reward(action, split.labels) if rewards is None else rewards
    return Transitions(action, masked(given, observed), split.next_row, split.done, kept, observed)


def with_noise(action: Tensor, spread: float) -> Tensor:
    """Exploration: ``action`` with Gaussian noise of standard deviation ``spread``, back in [0, 1].

    Drawn from torch's global generator.
    """
    return (action + spread * torch.randn_like(action)).clamp(0, 1)
