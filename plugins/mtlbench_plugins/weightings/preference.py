"""Preference: losses are brought into the proportions that a user prefers."""

from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._each import wrong_number
from mtlbench_plugins.weightings._losses import mean_losses

PARALLEL = 1e-6
"""Part of the losses by which they may be off the ray and count as on it: float32 losses have no more digits."""

Shares = tuple[PositiveFloat, ...]


class Preference(api.Weighting):
    r"""The losses are lowered along a ray that a preference over the tasks sets.

    Two classic scalarizations of multi-objective optimization. With r the preference, positive and of sum 1, and z the
    least losses that are thought of, ``form=pbi`` is the penalty-based boundary intersection of Q. Zhang, H. Li,
    "MOEA/D: a multiobjective evolutionary algorithm based on decomposition", IEEE TEVC 2007,
    https://ieeexplore.ieee.org/document/4358754:

    .. math:: L = d_1 + \theta \lVert p \rVert, \qquad u = \frac{r}{\lVert r \rVert}, \qquad
              d_1 = (L - z) \cdot u, \qquad p = L - z - d_1 u, \qquad
              w = K \Big(u + \theta \, \frac{p}{\lVert p \rVert}\Big)

    d_1 is how far the losses are along the ray z + t r, and p how far they are off it. With these weights the average
    over tasks gives the gradient of that L exactly. A weight is negative where a task's loss is so far below the ray
    that the penalty raises it. On the ray p / |p| counts as 0, so that the weights are constant. ``form=chebyshev`` is
    the weighted Chebyshev scalarization, in which only the worst task counts:

    .. math:: L = \max_k \, r_k (L_k - z_k), \qquad w_k = K r_k \;\text{ of the worst task}, \qquad 0 \text{ of others}

    Tasks that are equally bad share the weight.

    Only the tasks that have an observed label in the batch count; r is divided by the sum of theirs, and K is their
    number.

    It reads the task losses. It claims that the losses end in the proportions that are preferred. It equals
    ``constant`` with weights in proportion to r at theta = 0, and with ``form=chebyshev`` the limit of ``stch`` for mu
    to 0 with the nadir 1 / r, up to a common factor.

    Without a preference all r are 1 / K, so that equal losses are aimed at. The network does not read the preference:
    for another one it is trained again. r is in the scale of the losses. theta is 5 by default.
    """

    name, label = "preference", "Preference"

    class Params(api.Params):
        """Parameters of ``preference``."""

        form: Literal["pbi", "chebyshev"] = Field("pbi", description="penalty boundary intersection, or Chebyshev")
        shares: Annotated[Shares, api.search.TaskWeights()] = Field(
            (), description="r, what is preferred of each loss, in the dataset's order of tasks; empty: the same of all"
        )
        ideal: tuple[float, ...] = Field((), description="z, least loss of each task; empty: 0 each")
        theta: Annotated[float, api.search.Log(0.1, 10)] = Field(
            5.0, ge=0, description="theta of pbi, penalty of what is off the ray, >= 0"
        )

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """There must be as many shares and ideals as tasks, or none."""
        shares = wrong_number(self.params.shares, "shares", schema)
        return shares or wrong_number(self.params.ideal, "ideal losses", schema)

    def setup(self, setting: api.Setting) -> None:
        """Keep a share and an ideal for each task."""
        shares = self.params.shares or (1.0,) * len(setting.tasks)
        ideal = self.params.ideal or (0.0,) * len(setting.tasks)
        self._shares, self._ideal = torch.tensor([shares, ideal], dtype=torch.float64, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), 0 for the tasks without an observed label in the batch; those of pbi may be negative."""
        seen = step.seen
        shares = torch.where(seen, self._shares, 0.0)
        excess = torch.where(seen, mean_losses(step) - self._ideal, 0.0)
        weigh = self._pbi if self.params.form == "pbi" else _chebyshev
        weights = seen.sum() * weigh(shares / shares.sum(), excess)
        return torch.where(seen, weights, 0.0).to(step.losses)

    def _pbi(self, shares: Tensor, excess: Tensor) -> Tensor:
        ray = shares / shares.norm()
        off = excess - (excess @ ray) * ray
        length = off.norm()
        away = torch.where(length > PARALLEL * excess.norm(), off / length, 0.0)
        return ray + self.params.theta * torch.where(length.isnan(), off, away)


def _chebyshev(shares: Tensor, excess: Tensor) -> Tensor:
    product = torch.where(shares > 0, shares * excess, -torch.inf)
    worst = product == product.max()
    return torch.where(worst, shares, 0.0) / worst.sum()
