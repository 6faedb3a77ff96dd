"""Gradients of the tasks, one backward pass each, and the parameters that they share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from mtlbench.api import Backbone, Bag, Field, Inputs, Params, Schema, SharedGradients
from mtlbench.training.seeding import seeded

TASK_GRADIENTS = frozenset({"gram", "jacobian"})
"""Needs of a weighting that cost one backward pass per task."""

Reach = Mapping[str, frozenset[int]]
"""Parameter name -> the tasks whose gradients reach it."""

Begin = Sequence[Tensor] | Sequence[GradientEdge]
"""Where a backward pass begins."""

SECOND_DIMENSION = {1, -1, 2**64 - 1}
"""How autograd remembers that a ``cat`` was along the columns; the last is its -1 without a sign."""
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
    fields = tuple(replace(field, cardinality=min(field.cardinality, PROBE_IDS)) for field in schema.categorical)
    bags = tuple(replace(bag, cardinality=min(bag.cardinality, PROBE_IDS)) for bag in schema.bags)
    with seeded(0, "probe for shared parameters"):
        probe = backbone(replace(schema, categorical=fields, bags=bags), params).eval()
        ids = [_ids(field, 1) for field in fields]
        categorical = torch.cat(ids, dim=1) if ids else torch.empty(PROBE_ROWS, 0, dtype=torch.int32)
        numerical = torch.randn(PROBE_ROWS, len(schema.numerical))
        full = tuple(Bag(_ids(bag, bag.length), torch.full((PROBE_ROWS,), bag.length)) for bag in bags)
        vectors = tuple(torch.randn(PROBE_ROWS, vector.width) for vector in schema.vectors)
        logits = probe(Inputs(categorical, numerical, full, vectors))
    return bool(shared(reach(logits, dict(probe.named_parameters()))))


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
    """The gradients of one step: one backward pass per task, through the parameters that the task reaches.

    Args:
        logits: (B, K) in the autograd graph, which is spent afterwards.
        task_losses: (K,) made of them, each of its own column.
        penalty: a scalar to descend beside the losses, or ``None``.
        leaves: parameter name -> leaf of the graph.
        reached: which tasks reach which of them.
        decay: what is added to the gradient of each task where it is shared. It is the weight decay of leaves that no
            optimiser adds it to, as if the L2 term were in the loss of each task.
    """

    def __init__(
        self,
        logits: Tensor,
        task_losses: Tensor,
        penalty: Tensor | None,
        leaves: Mapping[str, Tensor],
        reached: Reach,
        decay: Mapping[str, Tensor] = MappingProxyType({}),
    ) -> None:
        self._tasks = len(task_losses)
        (of_logits,) = torch.autograd.grad(task_losses.sum(), logits, retain_graph=True)
        self._of_task = [
            _gradients(
                *_begin(logits, of_logits, k),
                {name: leaf for name, leaf in leaves.items() if k in reached[name]},
                keep=k < self._tasks - 1 or penalty is not None,
            )
            for k in range(self._tasks)
        ]
        self._penalty = {} if penalty is None else _gradients([penalty], None, leaves, keep=False)
        self.shared = SharedGradients(
            {
                name: tuple(_of_one_task(own.get(name), leaves[name], decay.get(name)) for own in self._of_task)
                for name in shared(reached)
            }
        )

    def combined(self, weights: Tensor) -> dict[str, Tensor]:
        """Gradients to descend: (1/K) sum_k w_k g_k where shared, the plain average elsewhere, plus the penalty's."""
        applied = [weight / self._tasks for weight in weights.tolist()]
        return self.directed({name: _weighted(applied, gradients) for name, gradients in self.shared.jacobian.items()})

    def directed(self, direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Gradients to descend: ``direction`` where shared, the plain average elsewhere, plus the penalty's."""
        result = dict(direction)
        for own in self._of_task:
            for name, gradient in own.items():
                if name not in self.shared.jacobian:
                    result[name] = gradient / self._tasks
        for name, gradient in self._penalty.items():
            result[name] = result[name] + gradient if name in result else gradient
        return result


def _begin(logits: Tensor, of_logits: Tensor, task: int) -> tuple[Begin, Tensor]:
    """Where the backward pass of a task begins, and with what gradient.

    Most backbones end in a ``cat`` of one column per task. Going backward through it would send zeros through the
    networks of all other tasks, so the pass begins behind it, at the task's own column.
    """
    last = logits.grad_fn
    columns = () if last is None or last.name() != "CatBackward0" else last.next_functions
    if len(columns) == logits.shape[1] and getattr(last, "_saved_dim", None) in SECOND_DIMENSION:
        node, number = columns[task]
        if node is not None:
            return [GradientEdge(node, number)], of_logits[:, task : task + 1]
    alone = torch.zeros_like(of_logits)
    alone[:, task] = of_logits[:, task]
    return [logits], alone


def _gradients(begin: Begin, gradient: Tensor | None, leaves: Mapping[str, Tensor], keep: bool) -> dict[str, Tensor]:
    """The gradients of those leaves that are not frozen and that the backward pass reaches."""
    trained = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    if not trained:
        return {}
    found = torch.autograd.grad(begin, list(trained.values()), gradient, retain_graph=keep, allow_unused=True)
    return {name: gradient for name, gradient in zip(trained, found, strict=True) if gradient is not None}


def _of_one_task(gradient: Tensor | None, leaf: Tensor, decay: Tensor | None) -> Tensor:
    found = torch.zeros_like(leaf) if gradient is None else gradient
    return found if decay is None else found + decay


def _weighted(weights: Iterable[float], gradients: Iterable[Tensor]) -> Tensor:
    (first, start), *others = zip(weights, gradients, strict=True)
    total = start * first
    for weight, gradient in others:
        total.add_(gradient, alpha=weight)
    return total
