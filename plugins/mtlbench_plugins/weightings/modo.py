"""MoDo: MGDA by small steps, with the gradients of independent samples."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array
from mtlbench_plugins.weightings._shares import LearntShares, nearest_shares


class MoDo(LearntShares):
    r"""The weights take one step per batch to the shortest average of the expected task gradients.

    L. Chen et al., "Three-way trade-off in multi-objective learning: optimization, generalization and
    conflict-avoidance", NeurIPS 2023, https://arxiv.org/abs/2305.20057. With J_1, J_2, J_3 the task gradients of three
    independent samples, their rows one per task, and Pi the nearest point of the simplex:

    .. math:: \lambda \leftarrow \Pi \big(\lambda - \gamma \, (J_1 J_2^\top + \rho I) \, \lambda\big), \qquad
              d = J_3^\top \lambda

    The inner products of the gradients of one batch contain its noise twice, so that on average they are not those of
    the expected gradients. The products of two independent samples are. lambda begins even and carries over
    from step to step. The weights are w_k = K lambda_k, so that the average over tasks is the paper's d. With a
    gradient that never changes, and rho = 0, lambda goes to the weights of ``mgda``.

    The samples are the thirds of the batch, so a step reads as many rows as under any other method. The direction of
    the shared parameters comes from the last third alone, and so is noisier. The parameters of a single task follow the
    whole batch. A task without an observed label in one of the first two thirds keeps its lambda.

    It reads the inner products of the task gradients of two thirds of the batch, and weighs those of the last.
    It claims that its direction goes to the shortest average of the expected gradients, without the bias of one batch.
    It equals ``mgda`` in the limit of many steps with the same gradients, with rho = 0.

    The defaults are those of torchjd; LibMTL has a gamma of 0.001. The method depends on the scale of the losses: where
    gradients are ten times as large, a hundredth of gamma does the same.

    Deviations: the authors read three batches per step, or two, and then descend the sum of both.

    It has no option ``at``: rows of the representation of two samples have no inner products.
    """

    name, label = "modo", "MoDo"

    class Params(api.Params):
        """Parameters of ``modo``."""

        gamma: Annotated[float, api.search.Log(1e-4, 1)] = Field(0.1, ge=0, description="gamma, step size of lambda")
        rho: Annotated[float, api.search.Choice(0.0, 0.1)] = Field(
            0.1, ge=0, description="rho, pull of lambda to even weights"
        )

    params: Params

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of mean 1 over the tasks seen in the last third of the batch; 0 for the others."""
        first, second, last = step.seen_in_thirds
        self._shares.move(first & second, step.cross_gram, self._moved)
        return self._shares.weights(last).to(step.losses)

    def _moved(self, shares: Array, gram: Array) -> Array:
        return nearest_shares(shares - self.params.gamma * (gram @ shares + self.params.rho * shares))
