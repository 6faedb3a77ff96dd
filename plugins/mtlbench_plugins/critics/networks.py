"""Critic networks: the value of predicting an action in a state, for each task."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mtlbench.api import BagField, Field, Inputs, Schema, Sizes
from mtlbench.nn import Bottom, Tower


class State(nn.Module):
    """The bottom of a critic, over the inputs that its state holds.

    Args:
        schema: all inputs of the dataset.
        sizes: embedding, bottom, dropout and norm.
        hidden: names of inputs left out of the state.
    """

    categorical: Tensor
    numerical: Tensor

    def __init__(self, schema: Schema, sizes: Sizes, hidden: Sequence[str] = ()) -> None:
        super().__init__()
        seen = [place for place, field in enumerate(schema.categorical) if field.name not in hidden]
        numbers = [place for place, name in enumerate(schema.numerical) if name not in hidden]
        fields: tuple[Field, ...] = tuple(schema.categorical[place] for place in seen)
        names = tuple(schema.numerical[place] for place in numbers)
        bags = [place for place, bag in enumerate(schema.bags) if bag.name not in hidden]
        vectors = [place for place, vector in enumerate(schema.vectors) if vector.name not in hidden]
        kept = (
            (schema.categorical, seen),
            (schema.numerical, numbers),
            (schema.bags, bags),
            (schema.vectors, vectors),
        )
        self._everything = all(len(own) == len(every) for every, own in kept)
        self._bags, self._vectors = bags, vectors
        self.register_buffer("categorical", torch.tensor(seen, dtype=torch.int64), persistent=False)
        self.register_buffer("numerical", torch.tensor(numbers, dtype=torch.int64), persistent=False)
        visible = replace(
            schema,
            categorical=fields,
            numerical=names,
            bags=_without(schema, bags, hidden),
            vectors=tuple(schema.vectors[place] for place in vectors),
        )
        self.bottom = Bottom(visible, sizes)
        self.width = self.bottom.width

    def forward(self, inputs: Inputs) -> Tensor:
        """Features (B, width) of B rows."""
        if not self._everything:
            bags = tuple(inputs.bags[place] for place in self._bags)
            vectors = tuple(inputs.vectors[place] for place in self._vectors)
            ids, numbers = inputs.categorical[:, self.categorical], inputs.numerical[:, self.numerical]
            inputs = Inputs(ids, numbers, bags, vectors)
        features: Tensor = self.bottom(inputs)
        return features


def _without(schema: Schema, places: Sequence[int], hidden: Sequence[str]) -> tuple[BagField, ...]:
    """The bags at ``places``; one whose field is hidden has embeddings of its own, and no attention to that field."""
    alone: dict[str, Any] = {"of": None, "pooling": "mean"}
    bags = [schema.bags[place] for place in places]
    return tuple(replace(bag, **alone) if bag.of in hidden else bag for bag in bags)


class Value(nn.Module):
    r"""Q(s, a) of one task from the features of the state; it is never positive, because no reward is.

    .. math:: Q(s, a) = -\mathrm{ReLU}\big(\mathrm{tower}([\,\mathrm{bottom}(s),\ \mathrm{ReLU}(w a + b)\,])\big)

    The action is one probability. It passes a linear layer as wide as an embedding (1 x 128 in the paper), and is then
    joined to the features of the state. The last bias of the tower starts at log 2, the loss of a coin flip, and not
    near 0: a tower that is negative everywhere has no gradient through the ReLU and would never learn.
    """

    def __init__(self, width: int, sizes: Sizes) -> None:
        super().__init__()
        self.action = nn.Sequential(nn.Linear(1, sizes.embedding), nn.ReLU())
        self.tower = Tower(width + sizes.embedding, sizes.tower, sizes.dropout, sizes.norm)
        with torch.no_grad():
            self.tower.logit.bias.fill_(math.log(2))

    def forward(self, state: Tensor, action: Tensor) -> Tensor:
        """Values (B,), at most 0, of actions (B,) in states with features (B, width)."""
        features = torch.cat([state, self.action(action.unsqueeze(1))], dim=1)
        return -self.tower(features).squeeze(1).relu()


class Critics(nn.Module):
    """One critic per task, over one bottom for all, as the paper draws them, or each over its own.

    Args:
        schema: inputs and tasks.
        sizes: embedding, bottom, tower, dropout and norm.
        shared: one bottom for all tasks.
        hidden: names of inputs that the state leaves out.
    """

    def __init__(self, schema: Schema, sizes: Sizes, shared: bool = True, hidden: Sequence[str] = ()) -> None:
        super().__init__()
        count = 1 if shared else len(schema.tasks)
        self.states = nn.ModuleList(State(schema, sizes, hidden) for _ in range(count))
        self.values = nn.ModuleList(Value(sizes.bottom[-1], sizes) for _ in schema.tasks)

    def forward(self, inputs: Inputs, action: Tensor) -> Tensor:
        """Values (B, K), at most 0, of actions (B, K)."""
        states = [state(inputs) for state in self.states] * (len(self.values) // len(self.states))
        values = [value(state, action[:, k]) for k, (value, state) in enumerate(zip(self.values, states, strict=True))]
        return torch.stack(values, dim=1)
