"""Tiny backbones and inputs for them, for tests of what a backbone computes."""

from collections.abc import Mapping

import torch
from small_splits import small_schema
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import Backbone, Inputs, Params, Schema, Step
from mtlbench.nn import FieldEmbedding

TASKS = ("click", "conversion", "return")


class Embedded(Backbone):
    """One table that is larger than a batch reads, batch normalisation and dropout."""

    name, label = "embedded", "Embedded"

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, 4)
        self.rest = torch.nn.Sequential(
            torch.nn.BatchNorm1d(self.embedding.width),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(self.embedding.width, len(schema.tasks)),
        )

    def forward(self, inputs: Inputs) -> Tensor:
        return self.rest(self.embedding(inputs))


def build(backbone: type[Backbone], schema: Schema | None = None, seed: int = 0, **params: object) -> Backbone:
    torch.manual_seed(seed)
    sizes = {"embedding": 6, "bottom": (12, 8), "tower": (5,), **params}
    return backbone(schema or small_schema(), params_of(backbone, sizes))


def params_of(backbone: type[Backbone], sizes: Mapping[str, object]) -> Params:
    """Parameters of these ``sizes``; with dropout 0 nothing else is drawn in training either."""
    fixed = {"drawn": False} if sizes.get("dropout") == 0 and "drawn" in backbone.Params.model_fields else {}
    return backbone.Params(**{**fixed, **sizes})


def inputs(schema: Schema | None = None, rows: int = 40) -> Inputs:
    schema = schema or small_schema()
    generator = torch.Generator().manual_seed(4)
    columns = [
        torch.randint(field.cardinality, (rows, 1), generator=generator, dtype=torch.int32)
        for field in schema.categorical
    ]
    categorical = torch.cat([torch.empty(rows, 0, dtype=torch.int32), *columns], dim=1)
    return Inputs(categorical, torch.randn(rows, len(schema.numerical), generator=generator))


def step_of(logits: Tensor, labels: Tensor | None = None, **changes: object) -> Step:
    """A step of training that gave ``logits`` (B, K)."""
    labels = torch.zeros_like(logits) if labels is None else labels
    losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    nothing = Inputs(torch.empty(len(logits), 0, dtype=torch.int32), torch.empty(len(logits), 0))
    return Step(torch.arange(len(logits)), nothing, labels, logits, losses, 0, **changes)


def reached(backbone: Backbone, task: int) -> set[str]:
    """The parameters that the logit of ``task`` has a gradient in, on random inputs."""
    backbone.zero_grad()
    backbone(inputs())[:, task].sum().backward()
    return {name for name, value in backbone.named_parameters() if value.grad is not None and value.grad.any()}
