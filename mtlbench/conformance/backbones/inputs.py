"""Inputs for a backbone under test."""

from dataclasses import replace

import torch

from mtlbench.api import Backbone, Bag, BagField, Field, Inputs, Schema, funnel
from mtlbench.conformance.plugin_under_test import PluginUnderTest, tiny_backbone
from mtlbench.conformance.rules import NotApplicableError
from mtlbench.experiments.applicability import other_kind
from mtlbench.nn.pooling import held
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


def inputs(schema: Schema = SCHEMA, rows: int = ROWS, seed: int = 0) -> Inputs:
    """Random ids and numbers of B rows."""
    generator = torch.Generator().manual_seed(seed)
    ids = [torch.randint(field.cardinality, (rows,), generator=generator) for field in schema.categorical]
    categorical = torch.stack(ids, dim=1).int() if ids else torch.zeros(rows, 0, dtype=torch.int32)
    numerical = torch.randn(rows, len(schema.numerical), generator=generator)
    bags = tuple(_bag(field, rows, generator) for field in schema.bags)
    vectors = tuple(torch.randn(rows, vector.width, generator=generator) for vector in schema.vectors)
    return Inputs(categorical, numerical, bags, vectors)


def _bag(field: BagField, rows: int, generator: torch.Generator) -> Bag:
    ids = torch.randint(field.cardinality, (rows, field.length), generator=generator).int()
    bag = Bag(ids, torch.randint(field.length + 1, (rows,), generator=generator).int())
    return bag._replace(ids=ids * held(bag))
