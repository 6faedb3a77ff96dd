"""UW-SO: tasks with a small loss weigh more, by a softmax of the inverse losses."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import FLOOR, mean_losses
from mtlbench_plugins.weightings._seen import softmax


class UWSO(api.Weighting):
    r"""The weights are a softmax of the inverse task losses.

    L. Kirchdorfer et al., "Analytical uncertainty-based loss weighting in multi-task learning", GCPR 2024,
    https://arxiv.org/abs/2408.07985 (soft optimal uncertainty weighting). For given losses the best uncertainties of
    ``uncertainty`` have a closed form, which gives each task the weight 1 / L_k. A softmax with the temperature T
    replaces these weights:

    .. math:: w_k = K \, \mathrm{softmax}_k\Big(\frac{1}{T \, L_k}\Big)

    The weights sum to K. In the limit of T to 0 only the task with the smallest loss has weight. Multiplying all losses
    by c is the same as multiplying T by c. A loss below 1e-8 counts as 1e-8. The softmax is over the tasks that have an
    observed label in the batch, and K is their number.

    It reads the task losses. It claims that the uncertainties of tasks need not be learnt. It equals ``constant`` in
    the limit of T to infinity.

    Deviations: the paper's weights sum to 1. The authors tune T for each dataset. We chose the default of 20 for
    cross-entropies of clicks, .05 to .7: at T = 1 a task with a loss of .05 leaves one with .2 nothing.
    """

    name, label = "uw-so", "UW-SO"
    repairs = frozenset({"scale"})

    class Params(api.Params):
        """Parameters of ``uw-so``."""

        temperature: Annotated[float, api.search.Log(1, 300)] = Field(
            20.0, gt=0, description="T, > 0; the larger, the closer the weights to one"
        )

    params: Params

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of mean 1 over the tasks seen in the batch; 0 for the others."""
        inverse = 1 / (self.params.temperature * mean_losses(step).clamp(min=FLOOR))
        return (step.seen.sum() * softmax(inverse, step.seen)).to(step.losses)
