"""The backward passes of K tasks as one: what several tasks reach is entered once, with their gradients side by side.

A pass of its own for each task multiplies with the same matrices K times, and calls every small operation K times. Here
one walk goes back through the graph. A node that one task reaches is computed for it. At a node that several tasks
reach, their gradients lie side by side, sample by sample, and a product of matrices is made for all of them at once. A
sum of gradients has the same order as in autograd's own passes, so each task gets the gradients that its own pass
gives.

Nodes are known by name: the linear layer, ReLU, and transposition. A ``torch.autograd.Function`` may bring a static
method ``stacked(ctx, *gradients)`` beside its ``backward``; it gets gradients (K, ...), or ``None``, and returns such.
All other nodes are called task by task. A Function that has an output for each task says ``takes_none = True``: its
``backward`` then gets ``None`` for the outputs of the others, as autograd gives it after
``ctx.set_materialize_grads(False)``, and zeros otherwise. Hooks are not called.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from mtlbench.training.cotangents import Cotangent, apart, side_by_side, stack, total


@torch.no_grad()
def gradients(begun: Sequence[tuple[GradientEdge, Tensor]], leaves: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """The gradients of K tasks for those of ``leaves`` that they reach, K dictionaries by name.

    The graph is not spent.

    Raises:
        RuntimeError: the graph was not made in one thread, so that the order of its nodes is not known.
    """
    names = {id(leaf): name for name, leaf in leaves.items()}
    at_leaves: dict[str, list[Cotangent]] = {}
    arrivals: dict[Any, dict[int, list[Cotangent]]] = {}
    queue: list[tuple[int, int, Any]] = []
    entered: set[Any] = set()

    def arrive(node: Any, output: int, arrived: Cotangent) -> None:
        if hasattr(node, "variable"):
            if id(node.variable) in names:
                at_leaves.setdefault(names[id(node.variable)], []).append(arrived)
            return
        if node in entered:
            raise RuntimeError(f"{node.name()} got a gradient after it was entered")
        if node not in arrivals:
            arrivals[node] = {}
            # In the order of autograd's engine, so that sums have its order: the last node made is entered first.
            heappush(queue, (-node._sequence_nr(), len(arrivals) + len(entered), node))
        arrivals[node].setdefault(output, []).append(arrived)

    for task, (edge, gradient) in enumerate(begun):
        arrive(edge.node, edge.output_nr, Cotangent((task,), [gradient]))
    while queue:
        node = heappop(queue)[2]
        entered.add(node)
        outputs = {output: total(parts) for output, parts in arrivals.pop(node).items()}
        for following, output, left in _through(node, outputs):
            arrive(following, output, _shaped(left, following._input_metadata[output]))
    found: list[dict[str, Tensor]] = [{} for _ in begun]
    for name in leaves:
        if name in at_leaves and leaves[name].requires_grad:
            for task, gradient in total(at_leaves[name]).by_task.items():
                found[task][name] = gradient
    return found


def _shaped(left: Cotangent, like: Any) -> Cotangent:
    """``left`` in the shape and type of the tensor whose gradient it is: summed where that was repeated."""
    shape, values = tuple(like.shape), left.together if left.stacked else None
    if values is not None:
        return left if values.shape[1:] == shape and values.dtype == like.dtype else _shaped(left.split(), like)
    if all(value.shape == shape and value.dtype == like.dtype for value in left.by_task.values()):
        return left
    return Cotangent(left.tasks, [value.sum_to_size(shape).to(like.dtype) for value in left.by_task.values()])


def _through(node: Any, outputs: Mapping[int, Cotangent]) -> Iterator[tuple[Any, int, Cotangent]]:
    """What ``node`` makes of the gradients of its outputs: a following node, the number of its output, a gradient."""
    tasks = tuple(sorted({task for arrived in outputs.values() for task in arrived.tasks}))
    numbers = range(len(node._input_metadata))
    rule = getattr(getattr(node, "_forward_cls", None), "stacked", None) or RULES.get(node.name())
    lefts: Iterable[Cotangent | None]
    if rule is not None and (len(tasks) > 1 or node.name() not in RULES):
        complete = [_of_all(tasks, outputs[number]) if number in outputs else None for number in numbers]
        lefts = [None if left is None else Cotangent(tasks, left) for left in rule(node, *complete)]
    else:
        by_task = [outputs[number].by_task if number in outputs else {} for number in numbers]
        calls = [_called(node, [own.get(task) for own in by_task]) for task in tasks]
        lefts = [_of_some(tasks, of_input) for of_input in zip(*calls, strict=True)]
    if hasattr(node, "needs_input_grad"):  # a Function gives something for every argument, and has edges for tensors
        lefts = [left for left, needed in zip(lefts, node.needs_input_grad, strict=True) if needed]
        edges = [edge for edge in node.next_functions if edge[0] is not None]
    else:
        edges = node.next_functions
    for (following, output), left in zip(edges, lefts, strict=True):
        if following is not None and left is not None:
            yield following, output, left


def _of_all(tasks: tuple[int, ...], arrived: Cotangent) -> Tensor:
    """Gradients (S, ...) of all ``tasks``: 0 for those that did not come here."""
    if arrived.tasks == tasks:
        return arrived.together
    nothing = torch.zeros_like(next(iter(arrived.by_task.values())))
    return stack([arrived.by_task.get(task, nothing) for task in tasks])


def _of_some(tasks: tuple[int, ...], lefts: Sequence[Tensor | None]) -> Cotangent | None:
    present = {task: left for task, left in zip(tasks, lefts, strict=True) if left is not None}
    return Cotangent(tuple(present), list(present.values())) if present else None


def _called(node: Any, gradients: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    """What autograd makes of the ``gradients`` of one task."""
    if not hasattr(node, "apply"):
        lefts = node(*gradients)
    elif getattr(node._forward_cls, "takes_none", False):
        lefts = node.apply(*gradients)
    else:  # a Function expects zeros where nothing came
        lefts = node.apply(*map(_or_zeros, gradients, node._input_metadata))
    return lefts if isinstance(lefts, tuple | list) else (lefts,)


def _or_zeros(gradient: Tensor | None, like: Any) -> Tensor:
    return torch.zeros(tuple(like.shape), dtype=like.dtype, device=like.device) if gradient is None else gradient


def _linear(node: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """b + x W' of samples x (B, i)."""
    of_bias, of_samples, of_weight = (edge[0] is not None for edge in node.next_functions)
    rows = side_by_side(gradient)
    tasks, batch, width = gradient.shape
    bias = torch.stack([own.sum(0) for own in gradient]) if of_bias else None
    samples = (
        apart((rows.view(batch * tasks, width) @ node._saved_mat2.t()).view(batch, -1), tasks) if of_samples else None
    )
    weight = (rows.t() @ node._saved_mat1).view(tasks, width, -1).mT if of_weight else None
    return bias, samples, weight


def _relu(node: Any, gradient: Tensor) -> tuple[Tensor]:
    return (torch.ops.aten.threshold_backward(gradient, node._saved_result, 0),)


def _transposed(node: Any, gradient: Tensor) -> tuple[Tensor]:
    return (gradient.mT,)


RULES: dict[str, Callable[..., Sequence[Tensor | None]]] = {
    "AddmmBackward0": _linear,
    "ReluBackward0": _relu,
    "TBackward0": _transposed,
}
"""Nodes of autograd's own that are computed for several tasks at once."""
