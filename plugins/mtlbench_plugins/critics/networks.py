"""Critic networks: the value of predicting an action in a state, for each task."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mtlbench.api import BagField, Inputs, Schema, Sizes
from mtlbench.nn import MLP, Bottom, FieldEmbedding, Tower


class Visible(nn.Module):
    """The inputs that a critic's state holds.

    Args:
        schema: all inputs of the dataset.
        hidden: names of inputs left out of the state.

    Attributes:
        schema: what is left.
    """

    categorical: Tensor
    numerical: Tensor

    def __init__(self, schema: Schema, hidden: Sequence[str] = ()) -> None:
        super().__init__()
        seen = [place for place, field in enumerate(schema.categorical) if field.name not in hidden]
        numbers = [place for place, name in enumerate(schema.numerical) if name not in hidden]
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
        self.schema = replace(
            schema,
            categorical=tuple(schema.categorical[place] for place in seen),
            numerical=tuple(schema.numerical[place] for place in numbers),
            bags=_without(schema, bags, hidden),
            vectors=tuple(schema.vectors[place] for place in vectors),
        )

    def forward(self, inputs: Inputs) -> Inputs:
        """Those of ``inputs`` that are left."""
        if self._everything:
            return inputs
        bags = tuple(inputs.bags[place] for place in self._bags)
        vectors = tuple(inputs.vectors[place] for place in self._vectors)
        return Inputs(inputs.categorical[:, self.categorical], inputs.numerical[:, self.numerical], bags, vectors)


class State(nn.Module):
    """The bottom of a critic, over the inputs that its state holds; the action joins the features behind it.

    Args:
        visible: the inputs.
        sizes: embedding, bottom, dropout and norm.

    Attributes:
        embedding: of the inputs.
        width: of what :meth:`join` gives.
    """

    def __init__(self, visible: Visible, sizes: Sizes) -> None:
        super().__init__()
        self.visible = visible
        self.bottom = Bottom(visible.schema, sizes)
        self.width = self.bottom.width + sizes.embedding

    @property
    def embedding(self) -> FieldEmbedding:
        """Of the inputs."""
        return self.bottom.embedding

    def forward(self, inputs: Inputs) -> Tensor:
        """What does not depend on the action: the features (B, bottom) of B rows."""
        features: Tensor = self.bottom(self.visible(inputs))
        return features

    def join(self, state: Tensor, action: Tensor) -> Tensor:
        """Features (B, width) of the output of ``forward`` and the embedded action (B, embedding)."""
        return torch.cat([state, action], dim=1)


class JointState(nn.Module):
    """The bottom of a critic, over the inputs that its state holds and the action, which is one more embedding.

    Args and attributes are those of :class:`State`.
    """

    def __init__(self, visible: Visible, sizes: Sizes) -> None:
        super().__init__()
        self.visible = visible
        self.embedding = FieldEmbedding(visible.schema, sizes.embedding)
        self.mlp = MLP(self.embedding.width + sizes.embedding, sizes.bottom, sizes.dropout, sizes.norm)
        self.width = self.mlp.width

    def forward(self, inputs: Inputs) -> Tensor:
        """What does not depend on the action: the embedded inputs of B rows."""
        embedded: Tensor = self.embedding(self.visible(inputs))
        return embedded

    def join(self, state: Tensor, action: Tensor) -> Tensor:
        """Features (B, width) of the output of ``forward`` and the embedded action (B, embedding)."""
        features: Tensor = self.mlp(torch.cat([state, action], dim=1))
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
    joined to the features of the state; by a :class:`JointState`, without the inner ReLU and before the bottom. The
    last bias of the tower starts at log 2, the loss of a coin flip, and not near 0: a tower that is negative everywhere
    has no gradient through the ReLU and would never learn.

    Args:
        width: of the features of state and action.
        sizes: embedding, tower, dropout and norm.
        rectified: the embedded action passes a ReLU.
    """

    def __init__(self, width: int, sizes: Sizes, rectified: bool = True) -> None:
        super().__init__()
        self.action = nn.Sequential(nn.Linear(1, sizes.embedding), *([nn.ReLU()] if rectified else []))
        self.tower = Tower(width, sizes.tower, sizes.dropout, sizes.norm)
        with torch.no_grad():
            self.tower.logit.bias.fill_(math.log(2))

    def forward(self, state: State | JointState, seen: Tensor, action: Tensor) -> Tensor:
        """Values (B,), at most 0, of actions (B,) where ``state`` has seen ``seen``."""
        features = state.join(seen, self.action(action.unsqueeze(1)))
        return -self.tower(features).squeeze(1).relu()


class Critics(nn.Module):
    """One critic per task, over one bottom for all, as the paper draws them, or each over its own.

    Args:
        schema: inputs and tasks.
        sizes: embedding, bottom, tower, dropout and norm.
        shared: one bottom for all tasks.
        hidden: names of inputs that the state leaves out.
        joint: the action passes the bottom. A bottom for all tasks then takes the action of each task in turn.

    Attributes:
        visible: the inputs of a state.
    """

    def __init__(
        self, schema: Schema, sizes: Sizes, shared: bool = True, hidden: Sequence[str] = (), joint: bool = False
    ) -> None:
        super().__init__()
        count = 1 if shared else len(schema.tasks)
        kind = JointState if joint else State
        states = [kind(Visible(schema, hidden), sizes) for _ in range(count)]
        self.visible = states[0].visible.schema
        self.states = nn.ModuleList(states)
        self.values = nn.ModuleList(Value(states[0].width, sizes, rectified=not joint) for _ in schema.tasks)

    def forward(self, inputs: Inputs, action: Tensor) -> Tensor:
        """Values (B, K), at most 0, of actions (B, K)."""
        repeats = len(self.values) // len(self.states)
        states = [*self.states] * repeats
        seen = [state(inputs) for state in self.states] * repeats
        values = [
            value(state, features, action[:, k])
            for k, (value, state, features) in enumerate(zip(self.values, states, seen, strict=True))
        ]
        return torch.stack(values, dim=1)
