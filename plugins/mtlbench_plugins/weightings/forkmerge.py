"""ForkMerge: networks trained for the target task with more or less help of the others, merged again and again."""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._fixed import FixedWeights
from mtlbench_plugins.weightings._target import foreign_target, place_of

Alpha = Annotated[float, Field(ge=0, le=1)]


class ForkMerge(api.Weighting):
    r"""Copies of the network train with and without the auxiliary tasks, and are merged as validation says.

    J. Jiang et al., "ForkMerge: mitigating negative transfer in auxiliary-task learning", NeurIPS 2023,
    https://arxiv.org/abs/2301.12618, as in the authors' code, https://github.com/thuml/ForkMerge. Each branch b is a
    copy of the network with constant weights and an optimiser of its own: one for the target task alone, and one or
    more for the target with auxiliary tasks. All branches train from the same parameters theta for ``interval`` epochs.
    Then, with the branches in the order of their validation scores s, best first, their parameters are averaged:

    .. math:: \Lambda_1 = 1, \qquad
              \Lambda_b = \arg\max_{\Lambda \in \{\alpha \bar\Lambda_b : \alpha \in \mathrm{alphas}\} \cup \{0\}}
              s\Big(\frac{\sum_{c < b} \Lambda_c \theta_c + \Lambda \theta_b}{\sum_{c < b} \Lambda_c + \Lambda}\Big),
              \qquad \bar\Lambda_b = \frac{1}{b - 1} \sum_{c < b} \Lambda_c

    .. math:: \theta \leftarrow \frac{\sum_b \Lambda_b \theta_b}{\sum_b \Lambda_b}

    All branches train on from there. Running means of batch normalisation are averaged too. A merge is never worse on
    validation than its best branch, because Lambda = 0 is always tried. The best of all validations is kept, of a
    branch or of a merge.

    The target is the last task by default, the deepest stage of a funnel. The target has half of the sum K of the
    weights, and the auxiliary tasks of a branch share the other half; alone the target has weight K. With
    ``branches=all`` one branch has all other tasks, with ``branches=each`` there is a branch for each of them.

    It reads validation scores, of each branch and of each merge that is tried. It claims that a target task is helped
    by other tasks without being harmed by them. It equals ``constant`` on a single task.

    It costs as many times the epochs of ``constant`` as there are branches, 2 with ``branches=all`` and K with
    ``branches=each``, and a validation for each merge that is tried, so its fair comparison is ``scalarization``, which
    pays for several trainings too. All of it counts in the budget. Every branch keeps its parameters and the state of
    its optimiser in memory.

    Each branch is validated before a merge, whatever ``--validate-every`` says, and early stopping waits for the merge.
    The score is the study's objective, by default the mean over all tasks, by which every method here is selected. In
    the authors' code the target task alone counts: choose ``--objective TARGET=1`` for that.

    The record has the learning curve of each branch, as a stage named by its weights, that of the merges, and the share
    of each branch in each merge as a series.

    Deviations from the authors' code:

    * A branch goes into a merge as it is after its last epoch. Theirs goes back to the best epoch since the start, also
      to one before the last merge, which is then lost for that branch.
    * Theirs trains the target with each auxiliary task first, and keeps the best few of them. Here there is no such
      run: with as few tasks as a log has, each can have a branch, and what does not help gets Lambda = 0.
    * In theirs, for images, a batch is of one task, drawn by the weights. Here each batch has all tasks.
    * A merge is tried only if it differs from one whose score is known: Lambda = 0 costs nothing.

    The alphas are theirs. ``interval`` is 1, as in their code for scenes; in that for domains it is 5 of 20 epochs,
    longer than most trainings here take to overfit.
    """

    name, label = "forkmerge", "ForkMerge"
    equivariant = False

    class Params(api.Params):
        """Parameters of ``forkmerge``."""

        target: str = Field("", description="name of the target task; empty: the last of the dataset's")
        branches: Annotated[Literal["all", "each"], api.search.Choice("all", "each")] = Field(
            "all", description="beside the target alone: one branch with all other tasks, or one with each of them"
        )
        interval: Annotated[int, api.search.Choice(1, 2)] = Field(
            1, ge=1, description="epochs of each branch between two merges"
        )
        alphas: Annotated[tuple[Alpha, ...], Field(min_length=1)] = Field(
            (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
            description="alpha, what is tried as Lambda of a branch, as a multiple of the mean Lambda of better ones",
        )

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """The target, if one is named, must be a task of the dataset."""
        return foreign_target(self.params.target, schema)

    def needs_harness(self) -> str | None:
        """It trains several networks, and validates them."""
        return "it trains and merges several networks; train with mtlbench.run"

    def fit(self, trainer: api.Trainer) -> None:
        """Train the branches, and merge them."""
        branches = {"-".join(f"{weight:g}" for weight in one): one for one in self.branches(trainer.schema.tasks)}
        forked = {name: FixedWeights(weights) for name, weights in branches.items()}
        merges = trainer.fork(forked, self.merge, self.params.interval)
        for name in forked:
            trainer.log_series(f"share {name}", [shares[name] for shares in merges])

    def branches(self, tasks: tuple[api.Task, ...]) -> list[tuple[float, ...]]:
        """The weights of each branch, of sum K: first those of the target alone."""
        target, places = place_of(self.params.target, tasks), range(len(tasks))
        auxiliary = [place for place in places if place != target]
        helped = [auxiliary] if self.params.branches == "all" else [[place] for place in auxiliary]
        found = [tuple(float(len(tasks) * (place == target)) for place in places)]
        for helping in helped if auxiliary else ():
            half = len(tasks) / 2
            parts = {target: half, **dict.fromkeys(helping, half / len(helping))}
            found.append(tuple(float(f"{parts.get(place, 0.0):.6g}") for place in places))
        return found

    def merge(self, scores: Mapping[str, float], score: Callable[[Mapping[str, float]], float]) -> Mapping[str, float]:
        """Lambda of each branch, found one after the other.

        Args:
            scores: of the branches on validation.
            score: of their mean by what it is given.
        """
        ranked = sorted(scores, key=lambda name: -math.inf if math.isnan(scores[name]) else scores[name], reverse=True)
        merged, best = {ranked[0]: 1.0}, scores[ranked[0]]
        for name in ranked[1:]:
            mean = sum(merged.values()) / len(merged)
            merged[name] = 0.0
            for alpha in sorted({*self.params.alphas} - {0.0}):
                found = score({**merged, name: alpha * mean})
                if found > best:
                    merged[name], best = alpha * mean, found
        return merged

    def weigh(self, step: api.Step) -> Tensor:
        """Never called: each branch has weights of its own."""
        raise NotImplementedError("forkmerge has no weights of its own; each of its branches has")
