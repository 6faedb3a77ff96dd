"""Inputs for a backbone under test."""

from dataclasses import replace

import torch
from torch import Tensor

from mtlbench.api import Backbone, Field, Schema, funnel
from mtlbench.conformance.plugin_under_test import PluginUnderTest, tiny_backbone
from mtlbench.conformance.rules import NotApplicableError
from mtlbench.experiments.applicability import other_kind
from mtlbench.training.seeding import seeded

ROWS = 64
SCHEMA = Schema((Field("user", 9), Field("item", 5)), ("price", "age"), funnel("click", "conversion"), sessions=True)


def with_tasks(tasks: int, schema: Schema = SCHEMA) -> Schema:
    """The schema with another number of tasks."""
    return replace(schema, tasks=funnel(*(f"task{k}" for k in range(tasks))))


def build(plugin: PluginUnderTest, schema: Schema = SCHEMA, seed: int = 0) -> Backbone:
    """The backbone under test in evaluation mode, its initial parameters those of ``seed``.

    Raises:
        NotApplicableError: it refuses the schema, with its reason.
    """
    reason = other_kind(plugin.cls, schema) or plugin.cls.applicable(schema)
    if reason is not None:
        raise NotApplicableError(reason)
    with seeded(seed, "initial parameters"):
        return tiny_backbone(plugin.entry, schema).eval()


def inputs(schema: Schema = SCHEMA, rows: int = ROWS, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random ids (B, F) and numbers (B, D)."""
    generator = torch.Generator().manual_seed(seed)
    ids = [torch.randint(field.cardinality, (rows,), generator=generator) for field in schema.categorical]
    categorical = torch.stack(ids, dim=1).int() if ids else torch.zeros(rows, 0, dtype=torch.int32)
    return categorical, torch.randn(rows, len(schema.numerical), generator=generator)
