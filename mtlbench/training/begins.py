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
    if edges is None:
        edges = [(None, 0)] * columns.shape[-1]
    stacked = columns.grad_fn is not None and columns.grad_fn.name() == "StackBackward0"
    parts = of_columns.unbind(-1) if stacked else of_columns.split(1, dim=-1)
    return [
        _alone(columns, of_columns, task) if node is None else (GradientEdge(node, number), part)
        for task, ((node, number), part) in enumerate(zip(edges, parts, strict=True))
    ]


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


def _alone(columns: Tensor, of_columns: Tensor, task: int) -> tuple[GradientEdge, Tensor]:
    """The pass of a task that begins at all columns, with gradients of 0 at those of the others."""
    alone = torch.zeros_like(of_columns)
    alone[..., task] = of_columns[..., task]
    return get_gradient_edge(columns), alone
