"""The session MDP of a training split as a replay buffer of transitions."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mtlbench.api import Split

CLIP = 1e-4
"""Actions are kept in [CLIP, 1 - CLIP] inside the logarithm, so that a reward is at least log(CLIP) = -9.2103."""


def reward(action: Tensor, labels: Tensor) -> Tensor:
    """Negative binary cross-entropy r = y log a + (1 - y) log(1 - a) of probabilities ``action``, elementwise."""
    clipped = action.clamp(CLIP, 1 - CLIP)
    return labels * clipped.log() + (1 - labels) * (1 - clipped).log()


@dataclass(frozen=True)
class Transitions:
    """All transitions (s_t, a_t, r_t, s_{t+1}, done) of a split: N rows, K tasks.

    A state is a row number, so features are looked up and never copied: state i is row i, its next state is row
    ``next_row[i]``, and where ``done[i]`` there is none.
    """

    action: Tensor
    """(N, K) probabilities in [0, 1] that the policy predicted."""
    reward: Tensor
    """(N, K) at most 0."""
    next_row: Tensor
    """(N,) int64."""
    done: Tensor
    """(N,) bool."""

    def __len__(self) -> int:
        return len(self.done)


def replay(split: Split, policy_logits: Tensor, noise: float = 0.0) -> Transitions:
    """Let the policy act once on every row of ``split``.

    Args:
        split: rows with their session index and labels.
        policy_logits: (N, K) logits of the policy.
        noise: standard deviation of Gaussian exploration noise on the action, clipped back to [0, 1]; drawn from
            torch's global generator. The reward is that of the action stored.
    """
    action = policy_logits.sigmoid()
    if noise > 0:
        action = (action + noise * torch.randn_like(action)).clamp(0, 1)
    return Transitions(action, reward(action, split.labels), split.next_row, split.done)
