"""Tiny backbones and inputs for them, for tests of what a backbone computes."""

import torch
from small_splits import small_schema

from mtlbench.api import Backbone, Inputs, Schema

TASKS = ("click", "conversion", "return")


def build(backbone: type[Backbone], schema: Schema | None = None, seed: int = 0, **params: object) -> Backbone:
    torch.manual_seed(seed)
    sizes = {"embedding": 6, "bottom": (12, 8), "tower": (5,), **params}
    return backbone(schema or small_schema(), backbone.Params(**sizes))


def inputs(schema: Schema | None = None, rows: int = 40) -> Inputs:
    schema = schema or small_schema()
    generator = torch.Generator().manual_seed(4)
    columns = [
        torch.randint(field.cardinality, (rows, 1), generator=generator, dtype=torch.int32)
        for field in schema.categorical
    ]
    categorical = torch.cat([torch.empty(rows, 0, dtype=torch.int32), *columns], dim=1)
    return Inputs(categorical, torch.randn(rows, len(schema.numerical), generator=generator))


def reached(backbone: Backbone, task: int) -> set[str]:
    """The parameters that the logit of ``task`` has a gradient in, on random inputs."""
    backbone.zero_grad()
    backbone(inputs())[:, task].sum().backward()
    return {name for name, value in backbone.named_parameters() if value.grad is not None and value.grad.any()}
