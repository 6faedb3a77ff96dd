"""Forward and backward pass of a first layer over distinct vectors (:mod:`mtlbench.nn.factored`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from mtlbench.nn.factored import Factored

FEW = 8
"""Products with fewer rows than this have another order of summation, so they are made for each task alone."""


class Project(torch.autograd.Function):
    """``W x + b`` of some layers. In the backward pass, layers whose output was not used cost nothing."""

    @staticmethod
    def forward(
        ctx: Any, factored: "Factored", layers: int, values: Tensor, pooled: Tensor | None, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        """Outputs (B, w) of each layer."""
        inner, weights, biases = parameters[: -2 * layers], parameters[-2 * layers : -layers], parameters[-layers:]
        weight, tail = _stacked(weights), _stacked(biases).unsqueeze(1)
        ctx.factored, ctx.widths = factored, [len(bias) for bias in biases]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(values, pooled, weight, *inner)
        width = values.shape[1]
        if inner:
            tail = torch.addmm(F.pad(tail, (inner[0].shape[1], 0)), weight[:, -width:], _joined(inner))
        outputs = []
        for rows in factored.slices(len(weight)):
            products = values.new_empty(len(values), rows.stop - rows.start)
            for vectors, columns, product in zip(
                values.split(factored.counts),
                weight[rows].t().split(width),
                products.split(factored.counts),
                strict=False,  # bags and the numerical part are no fields
            ):
                torch.mm(vectors, columns, out=product)
            output = factored.gather(products).addmm_(factored.numbers, tail[rows].t())
            outputs.append(output if pooled is None else output.addmm_(pooled, _of_bags(weight[rows], factored).t()))
        output = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)
        return output.split(ctx.widths, dim=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Gradients of all inputs, from those of the outputs."""
        if all(gradient is None for gradient in gradients):  # its reader passed nothing on, as for another task
            return (None,) * len(ctx.needs_input_grad)
        of_one = [None if gradient is None else gradient.unsqueeze(0) for gradient in gradients]
        return tuple(None if left is None else left.squeeze(0) for left in Project.stacked(ctx, *of_one))

    @staticmethod
    def stacked(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """The backward pass of S tasks at once, from gradients (S, B, w) to gradients (S, ...)."""
        factored: Factored = ctx.factored
        values, pooled, weight, *inner = ctx.saved_tensors
        used = [gradient.movedim(0, 1) for gradient in gradients if gradient is not None]
        if len(used) < len(gradients):
            weights = weight.split(ctx.widths)
            weight = _stacked([own for own, gradient in zip(weights, gradients, strict=True) if gradient is not None])
        gradient = (used[0] if len(used) == 1 else torch.cat(used, dim=2)).contiguous()
        (batch, tasks, outputs), width = gradient.shape, values.shape[1]
        of_weight = weight.new_empty(tasks, *weight.shape)
        of_values = values.new_empty(tasks, *values.shape)
        for these in factored.groups(tasks, outputs):
            _of_fields(factored, gradient[:, these], values, weight, of_values[these], of_weight[these])
        # Transposed twice: a product whose second factor has few columns takes ten times as long.
        of_tail = [(factored.numbers.t() @ own).t() for own in gradient.unbind(1)]
        of_inner: tuple[Tensor, ...] = ()
        if inner:
            last = slice(-width, None)
            of_joined = torch.stack([weight[:, last].t() @ own for own in of_tail])
            for own, of_own in zip(of_tail, of_weight, strict=True):
                torch.mm(own, _joined(inner).t(), out=of_own[:, last])
            of_inner = of_joined[:, :, :-1], of_joined[:, :, -1]
        of_pooled = None
        if pooled is not None:
            bags = _of_bags(weight, factored)
            of_pooled = (gradient.view(-1, outputs) @ bags).view(batch, tasks, -1).movedim(1, 0)
            of_bags = _of_bags(of_weight.view(tasks * outputs, -1), factored)
            torch.mm(gradient.view(batch, -1).t(), pooled, out=of_bags)
        widths = [0 if gradient is None else w for gradient, w in zip(gradients, ctx.widths, strict=True)]
        of_weights, of_biases = (
            of_weight.split(widths, dim=1),
            torch.stack([own[:, -1] for own in of_tail]).split(widths, dim=1),
        )
        of_layers = [
            None if gradient is None else part
            for parts in (of_weights, of_biases)
            for gradient, part in zip(gradients, parts, strict=True)
        ]
        return None, None, of_values, of_pooled, *of_inner, *of_layers


def _of_fields(
    factored: "Factored", gradient: Tensor, values: Tensor, weight: Tensor, of_values: Tensor, of_weight: Tensor
) -> None:
    """Write the gradients of the vectors (S, U, d) and of the weights of the fields (S, w, T * d) of S tasks.

    Args:
        factored: what was read.
        gradient: (B, S, w) of the outputs.
        values: (U, d) the vectors.
        weight: (w, T * d).
        of_values: written.
        of_weight: written, but for what multiplies bags and numbers.
    """
    tasks, width = len(of_weight), values.shape[1]
    together = values.new_empty(len(values), tasks, width) if tasks > 1 else of_values.movedim(0, 1)
    for rows in factored.slices(len(weight)) if tasks == 1 else [slice(0, len(weight))]:
        products = factored.scatter(gradient[:, :, rows].flatten(1).contiguous())
        for vectors, product, columns, of_columns, of_vectors in zip(
            values.split(factored.counts),
            products.split(factored.counts),
            weight[rows].split(width, dim=1),
            of_weight[:, rows].flatten(0, 1).split(width, dim=1),
            together.split(factored.counts),
            strict=False,  # bags and the numerical part are no fields
        ):
            torch.mm(product.t(), vectors, out=of_columns)
            rows_of = product.unflatten(1, (tasks, -1))
            if len(vectors) < FEW or tasks == 1:
                for own, of_own in zip(rows_of.unbind(1), of_vectors.unbind(1), strict=True):
                    of_own.addmm_(own, columns, beta=min(rows.start, 1))
            else:
                torch.mm(rows_of.flatten(0, 1), columns, out=of_vectors.flatten(0, 1))
    if tasks > 1:
        of_values.copy_(together.movedim(1, 0))


def _of_bags(weight: Tensor, factored: "Factored") -> Tensor:
    """The columns of ``weight`` that multiply the pooled bags."""
    first = len(factored.counts) * factored.values.shape[1]
    assert factored.pooled is not None
    return weight[:, first : first + factored.pooled.shape[1]]


def _stacked(parts: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _joined(inner: Sequence[Tensor]) -> Tensor:
    """The projection of the numerical inputs as a product with them and a one: (d, D + 1)."""
    weight, bias = inner
    return torch.cat([weight, bias.unsqueeze(1)], dim=1)
