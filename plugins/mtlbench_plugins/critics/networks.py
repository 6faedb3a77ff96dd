"""Critic networks: the value of predicting an action in a state, one network per task."""

import math

import torch
from torch import Tensor, nn

from mtlbench.api import Schema, Sizes
from mtlbench.nn import Bottom, Tower


class Critic(nn.Module):
    r"""Q(s, a) of one task: never positive, as no reward is.

    .. math:: Q(s, a) = -\mathrm{ReLU}\big(\mathrm{tower}([\,\mathrm{bottom}(s),\ \mathrm{ReLU}(w a + b)\,])\big)

    The state's features pass an embedding and a bottom like the backbone's; the action, one probability, passes a
    linear layer as wide as an embedding (1 x 128 in the paper) beside them. The tower's last bias starts at
    log 2, the loss of a coin flip, rather than near 0: a tower that is negative everywhere has no gradient through
    the ReLU and would stay dead.
    """

    def __init__(self, schema: Schema, sizes: Sizes) -> None:
        super().__init__()
        self.bottom = Bottom(schema, sizes)
        self.action = nn.Sequential(nn.Linear(1, sizes.embedding), nn.ReLU())
        self.tower = Tower(self.bottom.width + sizes.embedding, sizes.tower, sizes.dropout, sizes.norm)
        with torch.no_grad():
            self.tower.logit.bias.fill_(math.log(2))

    def forward(self, categorical: Tensor, numerical: Tensor, action: Tensor) -> Tensor:
        """Values (B,) at most 0 of actions (B,)."""
        features = torch.cat([self.bottom(categorical, numerical), self.action(action.unsqueeze(1))], dim=1)
        return -self.tower(features).squeeze(1).relu()


class Critics(nn.Module):
    """One critic per task, sharing nothing: as in the authors' code (the paper draws a shared bottom)."""

    def __init__(self, schema: Schema, sizes: Sizes) -> None:
        super().__init__()
        self.critics = nn.ModuleList(Critic(schema, sizes) for _ in schema.tasks)

    def forward(self, categorical: Tensor, numerical: Tensor, action: Tensor) -> Tensor:
        """Values (B, K) at most 0 of actions (B, K)."""
        values = [critic(categorical, numerical, action[:, k]) for k, critic in enumerate(self.critics)]
        return torch.stack(values, dim=1)
