"""Small data and a small network, on which it is known what a weighting must do."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from mtlbench.api import Backbone, Field, Inputs, Schema, Split, Splits, Task, funnel
from mtlbench.nn import FieldEmbedding

FEATURES = 3
"""Numerical inputs that the network learns from. One more input per task sets the size of the task's loss."""

WIDTH = 6
SURE = 200.0
"""A logit at which the cross-entropy and its gradient are exactly 0 in float32."""
STEEP = 1e10
"""Factor on the logits of a task, which makes its loss and its gradient huge."""

Loss = Literal["usual", "zero", "huge", "nan"]


@dataclass(frozen=True)
class Fixture:
    """A dataset of ``rows`` rows per split and ``tasks`` tasks, and a network for it."""

    tasks: int = 3
    rows: int = 48
    losses: tuple[Loss, ...] = ()
    """Size of each task's loss; empty: all usual."""
    identical: bool = False
    """Whether all tasks have the same labels and the same part of the network."""
    order: tuple[int, ...] = ()
    """Order of the tasks, by their index; empty: 0, 1, ...."""
    parallel: bool = False
    """Whether the tasks are no funnel."""
    sessions: bool = True
    ids: int = 9
    """Cardinality of the first categorical field."""

    @property
    def schema(self) -> Schema:
        """Two categorical fields, the features, and one input per task that sets its loss."""
        names = tuple(f"task{k}" for k in self._order())
        numerical = tuple(f"feature{i}" for i in range(FEATURES)) + tuple(f"logit_of_{name}" for name in names)
        fields = (Field("user", self.ids), Field("item", 5))
        tasks = tuple(map(Task, names)) if self.parallel else funnel(*names)
        return Schema(fields, numerical, tasks, self.sessions, user_inputs=("user",))

    def splits(self) -> Splits:
        """Train, validation and test, drawn from one distribution."""
        train, validation, test = (self._split(part) for part in range(3))
        return Splits(self.schema, train, validation, test, fingerprint="conformance", facts={})

    def network(self) -> "FixtureNetwork":
        """A network whose initial parameters come from torch's global generator."""
        steep = torch.tensor([STEEP if self._loss(k) == "huge" else 1.0 for k in self._order()])
        return FixtureNetwork(self.schema, steep, self._order(), self.identical)

    def permuted(self, order: tuple[int, ...]) -> "Fixture":
        """The same fixture with its tasks in another order."""
        return replace(self, order=order)

    def _order(self) -> tuple[int, ...]:
        return self.order or tuple(range(self.tasks))

    def _loss(self, task: int) -> Loss:
        return self.losses[task] if self.losses else "usual"

    def _split(self, part: int) -> Split:
        generator = torch.Generator().manual_seed(part)
        categorical = torch.stack(
            [torch.randint(f.cardinality, (self.rows,), generator=generator) for f in self.schema.categorical], dim=1
        ).int()
        features = torch.randn(self.rows, FEATURES, generator=generator)
        labels = self._labels(features, generator)
        logits = torch.zeros(self.rows, self.tasks)
        for k in range(self.tasks):
            if self._loss(k) == "zero":
                logits[:, k] = SURE * (2 * labels[:, k] - 1)
            elif self._loss(k) == "nan":
                logits[::3, k] = torch.nan
        starts = torch.rand(self.rows, generator=generator) < 0.4
        starts[0] = True
        if not self.sessions:
            starts[:] = True
        row, session = torch.arange(self.rows), starts.cumsum(0) - 1
        done = torch.cat([session[1:] != session[:-1], torch.tensor([True])])
        order = list(self._order())
        return Split(
            categorical=categorical,
            numerical=torch.cat([features, logits[:, order]], dim=1),
            labels=labels[:, order],
            timestamp=row * 1000,
            session=session,
            user=categorical[:, 0].long(),
            position=row - torch.nonzero(starts).squeeze(1)[session],
            next_row=torch.where(done, row, row + 1),
            done=done,
        )

    def _labels(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """A funnel that keeps most rows at each stage, so that the last task has both classes."""
        stage = torch.ones(len(features), dtype=torch.bool)
        columns = []
        for k in range(self.tasks):
            passed = torch.rand(len(features), generator=generator) < (1.5 + features[:, k % FEATURES]).sigmoid()
            stage = stage if self.identical and k else stage & passed
            columns.append(stage.float())
        return torch.stack(columns, dim=1)


class FixtureNetwork(Backbone):
    """A small shared trunk and one linear head per task; every parameter but the heads is shared.

    When the tasks are permuted, each head keeps the parameters of its task.
    """

    name, label = "fixture", "the kit's network"
    steep: Tensor

    def __init__(self, schema: Schema, steep: Tensor, order: tuple[int, ...], identical: bool) -> None:
        super().__init__()
        self.trunk = FieldEmbedding(replace(schema, numerical=schema.numerical[:FEATURES]), WIDTH)
        heads = torch.randn(len(order), WIDTH) / WIDTH**0.5
        self.heads = nn.ParameterList(heads[0 if identical else k].clone() for k in order)
        self.biases = nn.ParameterList(torch.zeros(1) for _ in order)
        self.register_buffer("steep", steep, persistent=False)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, K)."""
        features = replace(inputs, numerical=inputs.numerical[:, :FEATURES])
        hidden = self.represent(self.trunk.mean(self.trunk(features)).tanh())
        logits = torch.stack([hidden @ head + bias for head, bias in zip(self.heads, self.biases, strict=True)], dim=1)
        return logits * self.steep + inputs.numerical[:, FEATURES:]


def shared_parameters(network: Backbone) -> list[Tensor]:
    """The parameters of a :class:`FixtureNetwork` that all tasks reach."""
    return [value for name, value in network.named_parameters() if name.startswith("trunk")]
