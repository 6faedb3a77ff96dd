"""The parameters behind some losses: their names, and which of them the tasks share."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from mtlbench.errors import UsageError

ACCUMULATE = type(torch.zeros(1, requires_grad=True).view(1).grad_fn.next_functions[0][0])  # type: ignore[union-attr]
"""The end of the graph at a leaf."""


def leaves_of(root: Tensor) -> list[Tensor]:
    """The leaves of the autograd graph of ``root``, in an order that the graph alone decides."""
    found: list[Tensor] = []
    seen, left = set(), [root.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if type(node) is ACCUMULATE:
            found.append(node.variable)  # type: ignore[attr-defined]
        else:
            left += [following for following, _ in node.next_functions[::-1]]
    return found


class Leaves:
    """Names of parameters, the same in every step, and which tasks reach them."""

    def __init__(self) -> None:
        self._named: dict[int, tuple[str, Tensor]] = {}  # with the tensor, so that its id stays its own
        self._reached: set[tuple[int, str]] = set()

    def __reduce__(self) -> tuple[type["Leaves"], tuple[()]]:
        """A copy starts anew, as after ``state_dict``: the parameters of a copied network are others."""
        return Leaves, ()

    def of(self, losses: Tensor, first: Iterable[Tensor] = ()) -> dict[str, Tensor]:
        """Name -> leaf, of ``first`` and of all others that the ``losses`` reach.

        Raises:
            UsageError: one of ``first`` is no parameter.
        """
        leaves = {}
        for leaf in [*first, *leaves_of(losses)]:
            if not isinstance(leaf, Tensor) or not leaf.is_leaf:
                what = "no leaf" if isinstance(leaf, Tensor) else f"a {type(leaf).__name__}"
                raise UsageError(f"shared= takes parameters, such as model.shared.parameters(); one is {what}")
            if leaf.requires_grad:
                name, _ = self._named.setdefault(id(leaf), (str(len(self._named)), leaf))
                leaves[name] = leaf
        return leaves

    def reached(self, of_task: Sequence[Mapping[str, Tensor]]) -> list[dict[str, Tensor]]:
        """For each task those of its gradients that have been other than 0, now or in a step before.

        Autograd's graph alone does not tell: through one tensor of all losses each task is connected to the networks of
        all others, with gradients of exactly 0.
        """
        open_pairs = [(k, name) for k, own in enumerate(of_task) for name in own if (k, name) not in self._reached]
        if open_pairs:
            largest = torch._foreach_norm([of_task[k][name] for k, name in open_pairs], torch.inf)
            nonzero = (torch.stack([norm.float() for norm in largest]) != 0).tolist()  # NaN is none
            self._reached.update(pair for pair, is_other in zip(open_pairs, nonzero, strict=True) if is_other)
        return [{name: own[name] for name in own if (k, name) in self._reached} for k, own in enumerate(of_task)]
