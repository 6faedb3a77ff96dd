"""Where in the graph the backward pass of each task begins."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge


def begins(columns: Tensor, of_columns: Tensor) -> list[tuple[GradientEdge, Tensor]]:
    """For each task the place where its pass begins, and the gradient there.

    Args:
        columns: (B, K) or (K,) in the autograd graph: logits or losses.
        of_columns: the gradient of each task's loss with respect to its own column, of the same shape.
    """
    edges = _edges_of_columns(columns)
    return [_begin(columns, of_columns, k, edges) for k in range(columns.shape[-1])]


def _edges_of_columns(columns: Tensor) -> Sequence[tuple[Any, int]] | None:
    """Where in the graph each column of (B, K) or (K,) ``columns`` comes from, if they were put side by side.

    Most backbones end in a ``cat`` of one column per task, and a list of losses is stacked. Going backward through it
    would send zeros through the networks of all other tasks, so a pass begins behind it, at the task's own column.
    """
    last, side_by_side = columns.grad_fn, {columns.dim() - 1, -1, 2**64 - 1}  # the last is its -1 without a sign
    if last is None or last.name() not in {"CatBackward0", "StackBackward0"}:
        return None
    edges = last.next_functions
    if len(edges) == columns.shape[-1] and getattr(last, "_saved_dim", None) in side_by_side:
        return edges
    return None


def _begin(
    columns: Tensor, of_columns: Tensor, task: int, edges: Sequence[tuple[Any, int]] | None
) -> tuple[GradientEdge, Tensor]:
    """Where the backward pass of a task begins, and with what gradient."""
    if edges is not None and edges[task][0] is not None:
        node, number = edges[task]
        stacked = columns.grad_fn is not None and columns.grad_fn.name() == "StackBackward0"
        return GradientEdge(node, number), of_columns[..., task] if stacked else of_columns[..., task : task + 1]
    alone = torch.zeros_like(of_columns)
    alone[..., task] = of_columns[..., task]
    return get_gradient_edge(columns), alone
