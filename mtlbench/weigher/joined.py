"""The task gradients of a step, of which the shared ones lie side by side, so that few calls of torch weigh them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, reduce
from math import isfinite

import torch
from torch import Tensor

from mtlbench.api import Jacobian, SharedGradients, TrainingError
from mtlbench.errors import UsageError
from mtlbench.text import shown
from mtlbench.training.gradients import weighted_sum

PIECE = 2**20
"""Numbers of a task from which on another piece begins. Beside one piece, nothing is in memory twice."""
AT_ONCE = 2**16
"""Numbers of a task that are in float64 at one time."""


class Scaling:
    """What a gradient is multiplied by.

    Args:
        scale: of the loop, for its accumulation of gradients.
        factor: of its reduction.
        precision: of automatic mixed precision, (); it must not change the weights. ``None``: there is none.

    Raises:
        UsageError: the scale is no finite number.
    """

    def __init__(self, scale: float, factor: int, precision: Tensor | None) -> None:
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not isfinite(scale):
            raise UsageError(f"scale = {shown(scale)}: give a finite number, such as 1 / n where n steps accumulate")
        self.factor = scale * factor
        self.precision = precision
        self.whole: Tensor | float = self.factor if precision is None else self.factor * precision


class Piece:
    """The gradients of some parameters, one behind the other.

    Args:
        of_task: for each task gradients by name. Those of the parameters are taken out of it.
        leaves: the parameters, name -> leaf.
    """

    def __init__(self, of_task: Sequence[dict[str, Tensor]], leaves: Mapping[str, Tensor]) -> None:
        self._shapes = {name: leaf.shape for name, leaf in leaves.items()}
        taken = [own.pop(name, None) for own in of_task for name in leaves]
        like = list(leaves.values()) * len(of_task)
        parts = [
            (torch.zeros_like(leaf) if gradient is None else gradient).flatten()
            for gradient, leaf in zip(taken, like, strict=True)
        ]
        self.rows = torch.cat(parts).view(len(of_task), -1)
        """(K, n)."""

    def by_name(self, values: Tensor) -> dict[str, Tensor]:
        """``values`` (..., n) as one tensor for each parameter."""
        parts = values.split([shape.numel() for shape in self._shapes.values()], dim=-1)
        leading = values.shape[:-1]
        return {
            name: part.view(leading + shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }


class JoinedShared(SharedGradients):
    """The shared gradients of K tasks, in pieces.

    Args:
        pieces: of all shared parameters.
        precision: what they were multiplied by, (); ``None``: by nothing.
    """

    def __init__(self, pieces: Sequence[Piece], precision: Tensor | None) -> None:
        self._pieces = pieces
        self._precision = precision
        self._samples = None

    @cached_property
    def jacobian(self) -> Jacobian:  # type: ignore[override]
        """Name of a parameter -> the gradient of each task.

        Raises:
            TrainingError: a number is not finite.
        """
        found: dict[str, tuple[Tensor, ...]] = {}
        for piece in self._pieces:
            if not isfinite(piece.rows.sum(dtype=torch.float64).item()):
                raise TrainingError(
                    "the gradients of the tasks are not all finite numbers: lower the learning rate, and look for a "
                    "root or a logarithm of 0 in a loss"
                )
            rows = piece.rows if self._precision is None else piece.rows / self._precision
            found.update({name: part.unbind() for name, part in piece.by_name(rows).items()})
        return found

    def inner_products(self) -> Tensor:
        """(K, K) in float64, which no setting of lower precision concerns."""
        total: Tensor | None = None
        for piece in self._pieces:
            for part in piece.rows.split(AT_ONCE, dim=1):
                wide = part.double()
                total = wide @ wide.t() if total is None else total.addmm_(wide, wide.t())
        assert total is not None
        return total if self._precision is None else total / self._precision.double().square()


class JoinedGradients:
    """The gradients of one step, task by task, and what is to be descended.

    Args:
        of_task: for each task its gradients, times the ``precision`` of ``scaling``; they are taken over.
        shared: names of the leaves that are weighed.
        leaves: name -> leaf.
        scaling: of what is descended.
    """

    def __init__(
        self,
        of_task: Sequence[dict[str, Tensor]],
        shared: Sequence[str],
        leaves: Mapping[str, Tensor],
        scaling: Scaling,
    ) -> None:
        self._scaling = scaling
        self._each = scaling.factor / len(of_task)
        self._pieces = [Piece(of_task, {name: leaves[name] for name in names}) for names in _grouped(shared, leaves)]
        self._others = of_task
        self.shared: SharedGradients = JoinedShared(self._pieces, scaling.precision)

    def combined(self, weights: Tensor) -> dict[str, Tensor]:
        """(1/K) sum_k w_k g_k where shared, the plain average elsewhere, both scaled; new tensors."""
        applied = [weight * self._each for weight in weights.tolist()]
        found: dict[str, Tensor] = {}
        for piece in self._pieces:
            found.update(piece.by_name(weighted_sum(applied, piece.rows)))
        return {**found, **self._average()}

    def directed(self, direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``direction`` where shared, the plain average elsewhere, both scaled; new tensors."""
        return {**self.scaled(direction), **self._average()}

    def scaled(self, direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``direction`` scaled; new tensors."""
        return _multiplied(direction, self._scaling.whole)

    def _average(self) -> dict[str, Tensor]:
        """Of the parameters that are not weighed."""
        total: dict[str, Tensor] = {}
        for own in self._others:
            for name, gradient in own.items():
                total[name] = total[name] + gradient if name in total else gradient
        return _multiplied(total, self._each)


def _grouped(names: Sequence[str], leaves: Mapping[str, Tensor]) -> Iterator[list[str]]:
    """``names`` in groups that make a piece each."""
    group: list[str] = []
    numbers = 0
    for name in names:
        if numbers >= PIECE:
            yield group
            group, numbers = [], 0
        group.append(name)
        numbers += leaves[name].numel()
    yield group


def _multiplied(gradients: Mapping[str, Tensor], factor: Tensor | float) -> dict[str, Tensor]:
    """New tensors; by a tensor, because torch is twice as fast with it as with a number."""
    if not gradients:
        return {}
    values = list(gradients.values())
    if not isinstance(factor, Tensor):
        exact = reduce(torch.promote_types, {value.dtype for value in values}, torch.float32)
        factor = values[0].new_full((), factor, dtype=exact)
    return dict(zip(gradients, torch._foreach_mul(values, factor), strict=True))
