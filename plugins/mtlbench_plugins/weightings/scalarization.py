"""Tuned constant weights: what every other weighting has to beat."""

from typing import Annotated

from pydantic import Field, PositiveFloat
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings.constant import Constant

Share = Annotated[float, Field(gt=0, lt=1)]


class Scalarization(api.Weighting):
    r"""Constant weights that are tuned on validation over a grid.

    D. Xin et al., "Do current multi-task optimization methods in deep learning even help?", NeurIPS 2022,
    https://arxiv.org/abs/2209.11379, and V. Kurin et al., "In defense of the unitary scalarization for deep multi-task
    learning", NeurIPS 2022, https://arxiv.org/abs/2201.04122, find that the methods of the field do not beat constant
    weights that were tuned with the same care.

    .. math:: L = \frac{1}{K} \sum_k w_k L_k, \qquad
              w_k = K s, \qquad w_j = K \, \frac{1 - s}{K - 1} \;\; (j \ne k), \qquad s \in \mathrm{grid}

    Each task in turn gets each share s of the grid, and the other tasks get equal parts of the rest; the weights sum to
    K. For two tasks this is the sweep over (w, 1 - w), times 2, with 9 points by default. For more tasks there would be
    too many combinations of shares, so we chose K points for each share. Equal weights, the unitary scalarization of
    Kurin et al., are always the first point: on validation the sweep is never worse than ``constant``.

    It reads nothing in a step; the trainer keeps the point that is best on validation. It claims that the methods of
    the field do not beat constant weights which are tuned with the same care. It equals ``constant`` with the weights
    that it chooses.

    Each point is the run of ``constant`` with its weights: it starts from the same initial parameters, sees the same
    batches and dropout masks, and stops early by itself. The parameters with the best validation score are kept. All
    points count in the budget. The record has the learning curve of each point, as a stage named by its weights, and
    the chosen weights as the diagnostic ``weights``.

    With ``weights`` there is no grid: one training under these weights. So a search over trials
    (``mtlbench run --trials``) tunes this method with as many trainings as every other one. Its trials divide the sum
    K among the tasks uniformly at random, and trial 0 has weights of one.
    """

    name, label = "scalarization", "Scalarization"
    harmed_on = frozenset({"kuairand-tuned", "phase", "synthetic-six"})
    tuned_baseline = True

    class Params(api.Params):
        """Parameters of ``scalarization``."""

        grid: tuple[Share, ...] = Field(
            (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
            description="shares of the total weight that each task takes in turn, in (0, 1)",
        )
        weights: Annotated[tuple[PositiveFloat, ...], api.search.TaskWeights()] = api.added_later(
            (), description="weight of each task, in the dataset's order, trained once; empty: the grid"
        )

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """There must be as many given weights as tasks, or none."""
        return _constant(self.params.weights).applicable(schema, backbone)

    def needs_harness(self) -> str | None:
        """The grid does; each of its points is constant weights."""
        return "it trains once at each point of a grid; train under constant[weights=...] at each, or with mtlbench.run"

    def fit(self, trainer: api.Trainer) -> None:
        """Train under the weights of each point, and keep the best."""
        points = {"-".join(map(str, weights)): weights for weights in self.points(len(trainer.schema.tasks))}
        chosen = trainer.select({name: _constant(weights) for name, weights in points.items()})
        trainer.log_scalar("weights", list(points[chosen]))

    def points(self, tasks: int) -> list[tuple[float, ...]]:
        """The weights of each point of the grid, for K tasks, each point once."""
        if self.params.weights:
            return [self.params.weights]
        found = [(1.0,) * tasks]
        if tasks > 1:
            found += [
                tuple(_rounded(tasks * (s if j == k else (1 - s) / (tasks - 1))) for j in range(tasks))
                for s in self.params.grid
                for k in range(tasks)
            ]
        return list(dict.fromkeys(found))

    def weigh(self, step: api.Step) -> Tensor:
        """Never called: each point of the grid has weights of its own."""
        raise NotImplementedError("scalarization has no weights of its own; each point of its grid has")


def _rounded(weight: float) -> float:
    return float(f"{weight:.6g}")


def _constant(weights: tuple[float, ...]) -> Constant:
    return Constant(Constant.Params(weights=weights))
