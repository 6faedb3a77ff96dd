"""Gradients of the tasks, one backward pass each, and the parameters that they share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from mtlbench.api import Backbone, Bag, Field, Inputs, Jacobian, Params, Schema, SharedGradients
from mtlbench.training import thirds
from mtlbench.training.begins import begins
from mtlbench.training.seeding import seeded

TASK_GRADIENTS = frozenset({"gram", "jacobian", "cross gram"})
"""Needs of a weighting that cost one backward pass per task."""

Reach = Mapping[str, frozenset[int]]
"""Parameter name -> the tasks whose gradients reach it."""

Begin = Sequence[Tensor] | Sequence[GradientEdge]
"""Where a backward pass begins."""

Passes = Callable[[Tensor, Tensor, Mapping[str, Tensor], Reach | None, bool], Sequence[Mapping[str, Tensor]]]
"""How the tasks go backward, as :func:`by_task` does."""

PROBE_ROWS = 256
PROBE_IDS = 16


def reach(logits: Tensor, leaves: Mapping[str, Tensor]) -> Reach:
    """The tasks that reach each of ``leaves``: those whose logits (B, K) have a gradient other than 0 there.

    Autograd's graph alone does not tell: through a ``cat`` of logits every task is connected to every parameter, with
    gradients of exactly 0. So gradients are computed, over so many rows that hardly any unit is 0 for all of them.
    Nothing reaches a frozen leaf.
    """
    tasks = range(logits.shape[1])
    gradients = [_gradients([logits[:, k].sum()], None, leaves, keep=k < tasks[-1]) for k in tasks]
    return {name: frozenset(k for k in tasks if name in gradients[k] and gradients[k][name].any()) for name in leaves}


def shared(reached: Reach) -> list[str]:
    """The parameters that two or more tasks reach."""
    return [name for name, tasks in reached.items() if len(tasks) > 1]


def has_shared_parameters(backbone: type[Backbone], params: Params, schema: Schema) -> bool:
    """Whether two tasks share a parameter of such a backbone, found on a small copy of it with random inputs."""
    probe, inputs = small_copy(backbone, params, schema)
    return bool(shared(reach(probe(inputs), dict(probe.named_parameters()))))


def small_copy(backbone: type[Backbone], params: Params, schema: Schema) -> tuple[Backbone, Inputs]:
    """Such a backbone with few ids, in evaluation mode, and random inputs for it; always the same."""
    fields = tuple(replace(field, cardinality=min(field.cardinality, PROBE_IDS)) for field in schema.categorical)
    bags = tuple(replace(bag, cardinality=min(bag.cardinality, PROBE_IDS)) for bag in schema.bags)
    with seeded(0, "probe for shared parameters"):
        probe = backbone(replace(schema, categorical=fields, bags=bags), params).eval()
        ids = [_ids(field, 1) for field in fields]
        categorical = torch.cat(ids, dim=1) if ids else torch.empty(PROBE_ROWS, 0, dtype=torch.int32)
        numerical = torch.randn(PROBE_ROWS, len(schema.numerical))
        full = tuple(Bag(_ids(bag, bag.length), torch.full((PROBE_ROWS,), bag.length)) for bag in bags)
        vectors = tuple(torch.randn(PROBE_ROWS, vector.width) for vector in schema.vectors)
    return probe, Inputs(categorical, numerical, full, vectors)


def _ids(field: Field, length: int) -> Tensor:
    return torch.randint(field.cardinality, (PROBE_ROWS, length), dtype=torch.int32)


def no_shared_parameters(weighting: str, backbone: str, tasks: int) -> str:
    """The reason why a method of task gradients is not applicable where no parameter is shared by two tasks."""
    if tasks < 2:
        return f"{weighting} weighs the gradients of tasks against each other: it needs two tasks, and the log has one"
    return (
        f"{weighting} weighs the gradients of shared parameters, and {backbone} has none: no parameter is reached by "
        "the gradients of two tasks"
    )


class TaskGradients:
    """The gradients of one step, task by task, and what is to be descended.

    Args:
        of_task: for each task the gradients that :func:`by_task` found.
        shared: names of the leaves that are weighed.
        leaves: name -> leaf.
        penalty: gradients of what is descended beside the losses.
        decay: what is added to the gradient of each task where it is shared. It is the weight decay of leaves that no
            optimiser adds it to, as if the L2 term were in the loss of each task.
        of_thirds: the same of the mean losses of each third of the batch; the last is then weighed.
        kind: what a weighting sees of the gradients.
    """

    def __init__(
        self,
        of_task: Sequence[Mapping[str, Tensor]],
        shared: Iterable[str],
        leaves: Mapping[str, Tensor],
        penalty: Mapping[str, Tensor] = MappingProxyType({}),
        decay: Mapping[str, Tensor] = MappingProxyType({}),
        of_thirds: Sequence[thirds.OfTasks] = (),
        kind: Callable[[Jacobian, tuple[Jacobian, Jacobian] | None], SharedGradients] = SharedGradients,
    ) -> None:
        self._of_task = of_task
        self._penalty = penalty
        names = list(shared)
        *samples, weighed = (_jacobian(of_each, names, leaves, decay) for of_each in of_thirds or [of_task])
        self.shared = kind(weighed, (samples[0], samples[1]) if samples else None)

    @classmethod
    def of_logits(
        cls,
        logits: Tensor,
        task_losses: Tensor,
        penalty: Tensor | None,
        leaves: Mapping[str, Tensor],
        reached: Reach,
        decay: Mapping[str, Tensor] = MappingProxyType({}),
        passes: Passes | None = None,
        counts: Tensor | None = None,
        weighed: Iterable[str] | None = None,
        kind: Callable[[Jacobian, tuple[Jacobian, Jacobian] | None], SharedGradients] = SharedGradients,
    ) -> "TaskGradients":
        """The gradients through ``logits`` (B, K), whose graph is spent afterwards.

        Args:
            logits: (B, K) in the autograd graph.
            task_losses: (K,) made of them, each of its own column.
            penalty: a scalar to descend beside the losses, or ``None``.
            leaves: parameter name -> leaf of the graph.
            reached: which tasks reach which of them.
            decay: as of the class.
            passes: how the tasks go backward; ``None``: one after the other.
            counts: (B, K) how much each loss counts, where the thirds of the batch go backward by themselves.
            weighed: names of the leaves that are weighed; ``None``: those that two or more tasks reach.
            kind: as of the class.
        """
        (of_logits,) = torch.autograd.grad(task_losses.sum(), logits, retain_graph=True)
        backward, of_thirds = passes or by_task, list[thirds.OfTasks]()
        if counts is None:
            of_task = backward(logits, of_logits, leaves, reached, penalty is not None)
        else:
            parts = [backward(logits, part, leaves, reached, True) for part in thirds.apart(of_logits)]
            of_task, of_thirds = thirds.together(parts), thirds.means(parts, counts)
        of_penalty = {} if penalty is None else _gradients([penalty], None, leaves, keep=weighed is not None)
        names = shared(reached) if weighed is None else weighed
        return cls(of_task, names, leaves, of_penalty, decay, of_thirds, kind)

    def combined(self, weights: Tensor) -> dict[str, Tensor]:
        """Gradients to descend: (1/K) sum_k w_k g_k where shared, the plain average elsewhere, plus the penalty's."""
        applied = [weight / len(self._of_task) for weight in weights.tolist()]
        return self.directed(
            {name: weighted_sum(applied, gradients) for name, gradients in self.shared.jacobian.items()}
        )

    def directed(self, direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Gradients to descend: ``direction`` where shared, the plain average elsewhere, plus the penalty's."""
        result = dict(direction)
        for own in self._of_task:
            for name, gradient in own.items():
                if name not in self.shared.jacobian:
                    part = gradient / len(self._of_task)
                    result[name] = result[name] + part if name in result else part
        for name, gradient in self._penalty.items():
            result[name] = result[name] + gradient if name in result else gradient
        return result


def by_task(
    columns: Tensor, of_columns: Tensor, leaves: Mapping[str, Tensor], reached: Reach | None = None, keep: bool = False
) -> list[dict[str, Tensor]]:
    """The gradients of each task, one backward pass each, through the leaves that it reaches.

    Args:
        columns: (B, K) or (K,) in the autograd graph: logits or losses.
        of_columns: the gradient of each task's loss with respect to its own column, of the same shape.
        leaves: name -> leaf of the graph.
        reached: which tasks reach which of them; ``None``: any may reach any.
        keep: the graph is needed once more.
    """
    begun = begins(columns, of_columns)
    return one_by_one(begun, [of_task(k, leaves, reached) for k in range(len(begun))], keep)


def one_by_one(
    begun: Sequence[tuple[GradientEdge, Tensor]], leaves: Sequence[Mapping[str, Tensor]], keep: bool = False
) -> list[dict[str, Tensor]]:
    """The gradients of each task, from where :func:`mtlbench.training.begins.begins` begins to its own ``leaves``."""
    last = len(begun) - 1
    return [
        _gradients([edge], gradient, own, keep=keep or k < last)
        for k, ((edge, gradient), own) in enumerate(zip(begun, leaves, strict=True))
    ]


def of_task(task: int, leaves: Mapping[str, Tensor], reached: Reach | None) -> Mapping[str, Tensor]:
    """Those of ``leaves`` that ``task`` reaches."""
    return leaves if reached is None else {name: leaf for name, leaf in leaves.items() if task in reached[name]}


def _gradients(begin: Begin, gradient: Tensor | None, leaves: Mapping[str, Tensor], keep: bool) -> dict[str, Tensor]:
    """The gradients of those leaves that are not frozen and that the backward pass reaches."""
    trained = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    if not trained:
        return {}
    found = torch.autograd.grad(begin, list(trained.values()), gradient, retain_graph=keep, allow_unused=True)
    return {name: gradient for name, gradient in zip(trained, found, strict=True) if gradient is not None}


def _jacobian(
    of_task: Sequence[Mapping[str, Tensor]],
    names: Iterable[str],
    leaves: Mapping[str, Tensor],
    decay: Mapping[str, Tensor],
) -> Jacobian:
    return {
        name: tuple(_of_one_task(own.get(name), leaves[name], decay.get(name)) for own in of_task) for name in names
    }


def _of_one_task(gradient: Tensor | None, leaf: Tensor, decay: Tensor | None) -> Tensor:
    found = torch.zeros_like(leaf) if gradient is None else gradient
    return found if decay is None else found + decay


def weighted_sum(weights: Iterable[float], gradients: Iterable[Tensor]) -> Tensor:
    """sum_k w_k g_k."""
    (first, start), *others = zip(weights, gradients, strict=True)
    total = start * first
    for weight, gradient in others:
        total.add_(gradient, alpha=weight)
    return total
