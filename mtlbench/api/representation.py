"""The shared representation of a backbone: what every task reads of the part that they share."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mtlbench.api.step import Jacobian, SharedGradients, summed


class Representation:
    """The shared representation in one forward pass, cut out of the autograd graph.

    The graph above it ends at :attr:`leaves`, which the tasks read. The graph below it ends at the tensors that have
    the same values. So a backward pass from the losses stops here, and another one can go on from here.
    """

    def __init__(self) -> None:
        self.leaves: dict[str, Tensor] = {}
        """By name the tensors that the tasks read, of at least single precision."""
        self._below: dict[str, Tensor] = {}

    def cut(self, shared: Any) -> Tensor:
        """Cut the graph at ``shared``, a tensor or what has one as ``dense()``; gives what the tasks read."""
        tensor: Tensor = shared if isinstance(shared, Tensor) else shared.dense()
        name = f"representation {len(self.leaves) + 1}"
        precision = torch.promote_types(tensor.dtype, torch.float32)
        self._below[name], self.leaves[name] = tensor, tensor.detach().to(precision).requires_grad_()
        return self.leaves[name].to(tensor.dtype)

    def gradients(
        self, arrived: Mapping[str, Tensor], parameters: Mapping[str, Tensor], keep: bool = False
    ) -> dict[str, Tensor]:
        """The gradients of those ``parameters`` that lie below, from those of the :attr:`leaves`: one backward pass.

        Args:
            arrived: the gradients of the leaves, by name.
            parameters: name -> leaf of the graph below.
            keep: the graph is needed once more.
        """
        trained = {name: leaf for name, leaf in parameters.items() if leaf.requires_grad}
        ends = [name for name, tensor in self._below.items() if tensor.requires_grad and name in arrived]
        if not ends or not trained:
            return {}
        tensors = [self._below[name] for name in ends]
        carried = [arrived[name].to(tensor.dtype) for name, tensor in zip(ends, tensors, strict=True)]
        found = torch.autograd.grad(tensors, list(trained.values()), carried, retain_graph=keep, allow_unused=True)
        return {name: gradient for name, gradient in zip(trained, found, strict=True) if gradient is not None}


class RepresentationGradients(SharedGradients):
    """The gradients of K tasks with respect to the shared representation, by the names of its parts.

    Args:
        jacobian: by name K tensors (B, ...).
        samples: none: rows of other samples have no inner products here.
        sample_weights: (B,) of the step. In inner products a row of weight c counts as c rows of weight 1 do, so the
            products of its numbers, which are c^2 times as large, are divided by c. c is relative to the mean weight
            of the batch, so that the scale of the weights changes nothing.
    """

    def __init__(self, jacobian: Jacobian, samples: None = None, *, sample_weights: Tensor | None = None) -> None:
        super().__init__(jacobian, samples)
        self._sample_weights = sample_weights

    def inner_products(self) -> Tensor:
        """(K, K) float64, as one product of matrices for each part; not checked."""
        parts = [torch.stack(gradients).flatten(2) for gradients in self.jacobian.values()]
        if (counts := self._sample_weights) is not None:
            relative = counts / counts[counts > 0].mean()
            factors = torch.where(counts > 0, relative, torch.inf).rsqrt().unsqueeze(1)
            parts = [part * factors for part in parts]
        rows = [part.flatten(1) for part in parts]
        products = torch.stack([own @ own.t() for own in rows])
        return summed((products + products.mT) / 2)
