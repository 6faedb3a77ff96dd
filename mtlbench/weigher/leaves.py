"""The parameters behind some losses: their names, and which of them the tasks share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor

from mtlbench.errors import UsageError

ACCUMULATE = type(torch.zeros(1, requires_grad=True).view(1).grad_fn.next_functions[0][0])  # type: ignore[union-attr]
"""The end of the graph at a leaf."""
SEVERAL = -1
"""In place of the number of a root."""


def leaves_of(roots: Iterable[Any]) -> list[tuple[Tensor, int]]:
    """The leaves behind some nodes of the autograd graph, in an order that the graph alone decides.

    With each comes the number of the one root that reaches it, or ``SEVERAL``. Each step has a graph of its own, so
    nothing is kept from one step to the next. A node is entered once, and once more if a second root reaches it.
    """
    reached_by: dict[Any, int] = {}
    behind: dict[Any, list[Any]] = {}
    ends: list[Any] = []
    for number, root in enumerate(roots):
        left: list[Any] = [root]
        while left:
            node = left.pop()
            before = reached_by.get(node)
            if before is None:
                reached_by[node] = number
                behind[node] = following = [edge[0] for edge in node.next_functions[::-1] if edge[0] is not None]
                if following:
                    left += following
                elif type(node) is ACCUMULATE:
                    ends.append(node)
            elif before not in (number, SEVERAL):  # whatever is behind it was entered from that root too
                several: list[Any] = [node]
                while several:
                    node = several.pop()
                    if reached_by[node] != SEVERAL:
                        reached_by[node] = SEVERAL
                        several += behind[node]
    return [(node.variable, reached_by[node]) for node in ends]


class Found(NamedTuple):
    """The parameters of a step, name -> leaf."""

    every: dict[str, Tensor]
    given: list[str] | None
    """Names of those that the loop gave as shared, without frozen ones; ``None``: it gave none."""
    of_task: list[dict[str, Tensor]]
    """For each task those that its graph reaches, and others that the graphs of several tasks reach."""


class Leaves:
    """Names of parameters, the same in every step, and which tasks reach them."""

    def __init__(self) -> None:
        self._named: dict[int, tuple[str, ref[Tensor]]] = {}
        self._numbers = count()
        self._reached: dict[int, set[str]] = defaultdict(set)

    def __reduce__(self) -> tuple[type["Leaves"], tuple[()]]:
        """A copy starts anew, as after ``state_dict``: the parameters of a copied network are others."""
        return Leaves, ()

    def of(self, roots: Sequence[Any], first: Sequence[Tensor] | None = None) -> Found:
        """The parameters ``first``, and all others behind the ``roots`` of the tasks.

        Raises:
            UsageError: one of ``first`` is no parameter, or there is none in it.
        """
        if first is not None and not first:
            raise UsageError(
                "shared= has no parameter: what model.shared.parameters() gives is used up after one step, so call it "
                "anew in each step, or give a list of it"
            )
        every: dict[str, Tensor] = {}
        for leaf in first or ():
            if not isinstance(leaf, Tensor) or not leaf.is_leaf:
                what = "no leaf" if isinstance(leaf, Tensor) else f"a {type(leaf).__name__}"
                raise UsageError(f"shared= takes parameters, such as model.shared.parameters(); one is {what}")
            if leaf.requires_grad:
                every[self._name(leaf)] = leaf
        given = None if first is None else list(every)
        of_task: list[dict[str, Tensor]] = [{} for _ in roots]
        for leaf, task in leaves_of(roots):
            if leaf.requires_grad:
                name = self._name(leaf)
                every[name] = leaf
                for own in of_task if task == SEVERAL else (of_task[task],):
                    own[name] = leaf
        return Found(every, given, of_task)

    def reached(self, of_task: Sequence[Mapping[str, Tensor]]) -> list[dict[str, Tensor]]:
        """For each task those of its gradients that have been other than 0, now or in a step before.

        Autograd's graph alone does not tell: through one tensor of all losses each task is connected to the networks of
        all others, with gradients of exactly 0.
        """
        open_pairs = [
            (k, name)
            for k, own in enumerate(of_task)
            if not own.keys() <= self._reached[k]
            for name in own
            if name not in self._reached[k]
        ]
        if open_pairs:
            largest = torch._foreach_norm([of_task[k][name] for k, name in open_pairs], torch.inf)
            nonzero = (torch.stack([norm.float() for norm in largest]) != 0).tolist()  # NaN is none
            for (k, name), is_other in zip(open_pairs, nonzero, strict=True):
                if is_other:
                    self._reached[k].add(name)
        return [{name: own[name] for name in own if name in self._reached[k]} for k, own in enumerate(of_task)]

    def _name(self, leaf: Tensor) -> str:
        place = id(leaf)
        known = self._named.get(place)
        if known is None or known[1]() is not leaf:  # an id is given anew when its tensor is gone
            named, number = self._named, next(self._numbers)
            known = named[place] = str(number), ref(leaf, lambda gone: _forget(named, place, gone))
        return known[0]


def _forget(named: dict[int, tuple[str, "ref[Tensor]"]], place: int, gone: "ref[Tensor]") -> None:
    if place in named and named[place][1] is gone:
        del named[place]
