"""What a metric sees: one task on the rows of a split that have a label."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from mtlbench.evaluation import gauc
from mtlbench.tasks.kind import Scaling, TaskKind


@dataclass(frozen=True, eq=False)
class Scored:
    """N rows with logits and labels of one task. What several metrics need is computed once."""

    kind: TaskKind
    scaling: Scaling
    logits: Tensor
    """(N,) any float dtype."""
    labels: Tensor
    """(N,) in the label's unit, none of them NaN."""
    session: Tensor | None = None
    """(N,) ids; ``None``: there are none."""
    user: Tensor | None = None
    """(N,) ids; ``None``: there are none."""
    weight: Tensor | None = None
    """(N,) sample weights, > 0; ``None``: all rows count the same."""

    @cached_property
    def predictions(self) -> Tensor:
        """(N,) float64, in the label's unit."""
        return self.kind.predictions(self.logits, self.scaling)

    @cached_property
    def losses(self) -> Tensor:
        """(N,) float64, as in training."""
        return self.kind.losses(self.logits.double(), self.kind.targets(self.labels, self.scaling).double())

    @cached_property
    def grouped_auc(self) -> tuple[float, float]:
        """:func:`mtlbench.evaluation.gauc` and its coverage."""
        assert self.user is not None
        return gauc(self.logits, self.labels, self.user, self.weight)
