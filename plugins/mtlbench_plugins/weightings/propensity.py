"""Inverse propensity: a task observed only where another happened is learnt as if it were observed everywhere."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.propensities import inverse_propensity


class Propensity(api.Weighting):
    r"""Rows of a task that is observed only after another one weigh by the inverse probability of that one.

    H. Wang et al., "ESCM2: entire space counterfactual multi-task model for post-click conversion rate estimation",
    SIGIR 2022, https://arxiv.org/abs/2204.05125, its risk by inverse propensity (IPS). A rating of those who rated, or
    a conversion of those who clicked, is known of rows that differ from the others. Let task k be observed where task
    a(k) happened, o^_i the probability that the network gives to that in row i, n_k the rows of the batch with a label
    of task k, and n the rows with a label of the task at the root:

    .. math:: w_{k,i} = \frac{n_k}{n} \, \frac{1}{\hat o_i}, \qquad
              \frac{1}{n_k} \sum_{i : o_i = 1} w_{k,i} L_{k,i} = \frac{1}{n} \sum_i \frac{o_i \, L_{k,i}}{\hat o_i}

    This mean is unbiased for the mean of L_k over all rows if o^ is the probability of a label. The weights have no
    gradient, and o^ counts as at least 1 / ``clip``, which bounds them and is biased where it acts. If a(k) is itself
    observed only where another task happened, o^ is the product of the two probabilities, and so on to the root. All
    other tasks have weights of one. Rows count by their sample weights.

    It reads the predicted probability that a task happens, of each sample. It claims that what is learnt where a label
    is observed holds for all rows.

    Deviations: in the paper, the conversions that are weighted in this way have no output of their own, but share that
    of clicks with conversion. That network is the backbone ``escm2``, which also has the doubly robust risk. Here the
    dataset has a task of its own for what follows, and any backbone predicts it. The bound of 15 is that of the public
    code in PaddleRec. A dataset without a task that is observed ``within`` another one is refused.
    """

    name, label = "propensity", "Propensity"
    per_sample = True

    class Params(api.Params):
        """Parameters of ``propensity``."""

        clip: Annotated[float, api.search.Choice(5.0, 15.0, 50.0)] = Field(
            15.0, ge=1, description="largest weight 1 / o^ of a row"
        )

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """There must be a task that is observed where another one happened."""
        if any(task.within for task in schema.tasks):
            return None
        return "Propensity weighs a task that is observed only where another one happened, and the dataset has none"

    def needs_harness(self) -> str | None:
        """The order of the tasks does."""
        return "it reads which task is observed within which; train with mtlbench.run"

    def setup(self, setting: api.Setting) -> None:
        """Find the tasks before each one that is observed within another."""
        tasks = {task.name: task for task in setting.tasks}
        places = {name: place for place, name in enumerate(tasks)}
        self._before: dict[int, list[int]] = {}
        for name, task in tasks.items():
            chain = []
            while task.within and task.after is not None:
                chain.append(places[task.after])
                task = tasks[task.after]
            if chain:
                self._before[places[name]] = chain

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (B, K), positive; ones where the label was not observed."""
        weights = torch.ones_like(step.losses)
        rows = step.counts.sum(0)
        probabilities = step.logits.detach().to(step.losses).sigmoid()
        for task, before in self._before.items():
            share = rows[task] / torch.maximum(rows[before[-1]], rows[task])
            weights[:, task] = share * inverse_propensity(probabilities[:, before].prod(1), self.params.clip)
        return torch.where(step.observed, weights, 1.0)
