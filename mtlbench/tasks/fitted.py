"""The tasks of one dataset, with the scalings of its training labels: losses, predictions and scores of K tasks."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mtlbench.api import Schema, Split, Splits
from mtlbench.api.masks import masked, observed_in
from mtlbench.errors import TrainingError
from mtlbench.evaluation.averages import weighted_average
from mtlbench.tasks.kind import Scaling, TaskKind
from mtlbench.tasks.metrics.metric import Metric
from mtlbench.tasks.registry import task_kind
from mtlbench.tasks.scored import Scored

COVERAGE = "coverage"
"""Key of the share of rows that have a label, in the scores of a task that lacks some."""

TaskScores = dict[str, dict[str, float | None]]
"""Task -> key of a metric -> value; ``None`` where the metric is undefined, as AUC is when all labels are equal."""


class FittedTasks:
    """K tasks by name, in the order of the columns of labels and logits.

    Args:
        kinds: name -> kind.
        scalings: K, of the training labels.
    """

    def __init__(self, kinds: Mapping[str, TaskKind], scalings: Sequence[Scaling]) -> None:
        self.kinds = dict(kinds)
        self.scalings = tuple(scalings)
        self._tasks = list(zip(self.kinds.values(), self.scalings, strict=True))
        self._alike = next(iter(self.kinds.values())) if len(set(self.kinds.values())) == 1 else None

    @classmethod
    def fit(cls, kinds: Mapping[str, TaskKind], labels: Tensor, weight: Tensor | None = None) -> "FittedTasks":
        """The tasks scaled by the training ``labels`` (N, K), NaN where not observed, by the ``weight`` of the rows.

        Raises:
            DataError: a task was never observed, or all of its observed labels are equal.
        """
        values, weights = labels.cpu().numpy(), None if weight is None else weight.cpu().numpy()
        return cls(kinds, [kind.fit(values[:, k], task, weights) for k, (task, kind) in enumerate(kinds.items())])

    @classmethod
    def of(cls, splits: Splits) -> "FittedTasks":
        """The tasks of a dataset."""
        kinds = {task.name: task_kind(task.kind, task.params) for task in splits.schema.tasks}
        return cls.fit(kinds, splits.train.labels, splits.train.weight)

    @property
    def primary_metrics(self) -> dict[str, Metric]:
        """Task -> its primary metric."""
        return {task: kind.primary for task, kind in self.kinds.items()}

    # -- training -------------------------------------------------------------------------------------------------

    def targets(self, labels: Tensor) -> tuple[Tensor, Tensor | None]:
        """What losses are computed of: ``labels`` (N, K) scaled, and which of them are observed.

        Returns:
            Targets (N, K) float32, with 0 in place of labels that were not observed, and the mask (N, K), ``None``
            where all are observed. Binary labels that are all observed are given back as they are.
        """
        observed, columns = observed_in(labels), labels.unbind(1)
        scaled = [kind.targets(column, scaling) for column, (kind, scaling) in zip(columns, self._tasks, strict=True)]
        same = all(one is other for one, other in zip(scaled, columns, strict=True))
        return masked(labels if same else torch.stack(scaled, dim=1), observed), observed

    def losses(self, logits: Tensor, targets: Tensor, observed: Tensor | None = None) -> Tensor:
        """Losses (B, K) of ``logits`` (B, K), each by its task's kind; 0 without gradient where not ``observed``."""
        if self._alike is not None:
            found = self._alike.losses(logits, targets)
        else:
            columns = [kind.losses(logits[:, k], targets[:, k]) for k, (kind, _) in enumerate(self._tasks)]
            found = torch.stack(columns, dim=1)
        return masked(found, observed)

    # -- predictions ----------------------------------------------------------------------------------------------

    def predictions(self, logits: Tensor) -> Tensor:
        """What ``logits`` (N, K) predict, (N, K) float64, each task in its label's unit."""
        columns = [kind.predictions(logits[:, k], scaling) for k, (kind, scaling) in enumerate(self._tasks)]
        return torch.stack(columns, dim=1)

    def logits(self, predictions: Tensor) -> Tensor:
        """The logits (N, K), float64, that predict ``predictions`` (N, K), such as a generator's true means.

        Raises:
            DataError: a prediction lies outside the range of its kind.
        """
        columns = [kind.logits(predictions[:, k], scaling) for k, (kind, scaling) in enumerate(self._tasks)]
        return torch.stack(columns, dim=1)

    # -- scores ---------------------------------------------------------------------------------------------------

    def score(
        self,
        logits: Tensor,
        labels: Tensor,
        session: Tensor | None = None,
        user: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> TaskScores:
        """Every metric of every task on one split, each over the rows that have a label.

        Computed on the CPU whatever the inputs' device, because sums over sessions are not reproducible on a GPU.

        Args:
            logits: (N, K) finite, any float dtype.
            labels: (N, K) in the labels' units, NaN where not observed.
            session: (N,) integer ids; ``None`` leaves the metrics over sessions out.
            user: (N,) integer ids; ``None`` leaves the metrics over users out.
            weight: (N,) sample weights, >= 0: whole ones give the scores of the rows repeated so often. ``None``: all
                rows count the same.

        Returns:
            Task -> the metrics of its kind, in the kind's order, and ``coverage`` where it lacks labels.

        Raises:
            TrainingError: a logit is NaN or infinite.
        """
        logits, labels = logits.detach().cpu(), labels.cpu()
        session, user, weight = (None if column is None else column.cpu() for column in (session, user, weight))
        self.refuse_diverged(logits)
        scores: TaskScores = {}
        for k, (task, kind) in enumerate(self.kinds.items()):
            scored = self.scored(k, logits, labels, weight, session, user)
            values = {
                metric.key: metric.compute(scored)
                for metric in kind.metrics
                if metric.needs is None or getattr(scored, metric.needs) is not None
            }
            coverage = float(weighted_average((~labels[:, k].isnan()).double(), weight))
            if coverage < 1:
                values[COVERAGE] = coverage
            scores[task] = {key: value if math.isfinite(value) else None for key, value in values.items()}
        return scores

    def scores(self, logits: Tensor, split: Split, schema: Schema) -> TaskScores:
        """:meth:`score` of ``logits`` (N, K) on ``split``, with the metrics over sessions and users that it has."""
        session, user = (split.session if schema.sessions else None), (split.user if schema.users else None)
        return self.score(logits, split.labels, session, user, split.weight)

    def chance(
        self,
        labels: Tensor,
        session: Tensor | None = None,
        user: Tensor | None = None,
        weight: Tensor | None = None,
    ) -> TaskScores:
        """:meth:`score` of knowing no input: the training mean, the base rate of a binary task, for every row."""
        means = torch.tensor([scaling.mean for scaling in self.scalings], dtype=torch.float64)
        return self.score(self.logits(means.expand(len(labels), -1)), labels, session, user, weight)

    def primary(self, logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> list[float]:
        """The primary metric of each task over the rows that have a label, by ``weight``; NaN where it is undefined."""
        return [kind.primary.compute(self.scored(k, logits, labels, weight)) for k, (kind, _) in enumerate(self._tasks)]

    def mean_losses(self, logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> list[float]:
        """Mean loss of each task over the rows that have a label, by ``weight``."""
        scored = [self.scored(k, logits, labels, weight) for k in range(len(self._tasks))]
        return [float(weighted_average(of_task.losses, of_task.weight)) for of_task in scored]

    def scored(
        self,
        k: int,
        logits: Tensor,
        labels: Tensor,
        weight: Tensor | None,
        session: Tensor | None = None,
        user: Tensor | None = None,
    ) -> Scored:
        """Task ``k`` on the rows that have a label and count."""
        seen = observed_in(labels[:, k])
        if weight is not None:
            seen = weight > 0 if seen is None else seen & (weight > 0)

        def of_rows(column: Tensor) -> Tensor:
            return column.contiguous() if seen is None else column[seen]

        others = (None if column is None else of_rows(column) for column in (session, user, weight))
        return Scored(*self._tasks[k], of_rows(logits[:, k]), of_rows(labels[:, k]), *others)

    def refuse_diverged(self, logits: Tensor) -> None:
        """Raise ``TrainingError`` where a logit of ``logits`` (N, K) is NaN or infinite: no metric tells that."""
        broken = (~logits.isfinite()).sum(0).tolist()
        if any(broken):
            counts = ", ".join(f"{task} {count}" for task, count in zip(self.kinds, broken, strict=True))
            raise TrainingError(
                f"the trained backbone gives NaN or infinite logits ({counts} of {len(logits)} rows); "
                "training diverged: lower the learning rate or check the weights of the method"
            )
