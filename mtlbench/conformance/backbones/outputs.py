"""The logits that a backbone gives for an input."""

from dataclasses import replace

import torch

from mtlbench.api import BagField, Inputs, Schema, Task, VectorField
from mtlbench.conformance.backbones.inputs import ROWS, SCHEMA, build, inputs, with_tasks
from mtlbench.conformance.mixed import KINDS
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import broken, rule
from mtlbench.conformance.showing import show
from mtlbench.nn.pooling import held

VECTORS = (VectorField("text", 5),)
BAGS = (BagField("tags", 6, 3), BagField("viewed", 5, 4, "attention", "item"))
LARGEST = 1e4
"""A standardised number of the size that one row in a long-tailed column has."""


@rule("backbone")
def one_task(plugin: PluginUnderTest) -> None:
    """A single task has one finite logit per row, or is refused with a reason."""
    _gives_logits(plugin, with_tasks(1))


@rule("backbone")
def two_tasks(plugin: PluginUnderTest) -> None:
    """Two tasks have two finite logits per row."""
    _gives_logits(plugin, SCHEMA)


@rule("backbone")
def five_tasks(plugin: PluginUnderTest) -> None:
    """Five tasks have five finite logits per row."""
    _gives_logits(plugin, with_tasks(5))


@rule("backbone")
def parallel_tasks(plugin: PluginUnderTest) -> None:
    """Tasks that form no funnel have logits, or are refused with a reason."""
    _gives_logits(plugin, replace(SCHEMA, tasks=(Task("click"), Task("conversion"))))


@rule("backbone")
def mixed_kinds(plugin: PluginUnderTest) -> None:
    """Tasks that are not binary have logits, or are refused with a reason."""
    _gives_logits(plugin, replace(SCHEMA, tasks=tuple(Task(kind, kind) for kind in KINDS)))


@rule("backbone")
def no_numerical_inputs(plugin: PluginUnderTest) -> None:
    """A dataset of categorical fields alone has logits, or is refused with a reason."""
    _gives_logits(plugin, replace(SCHEMA, numerical=()))


@rule("backbone")
def no_categorical_inputs(plugin: PluginUnderTest) -> None:
    """A dataset of numerical columns alone has logits, or is refused with a reason."""
    _gives_logits(plugin, replace(SCHEMA, categorical=()))


@rule("backbone")
def bags(plugin: PluginUnderTest) -> None:
    """Bags of ids have logits, empty bags too, and what stands after the ids of a bag changes none."""
    schema = replace(SCHEMA, bags=BAGS)
    _gives_logits(plugin, schema)
    backbone, given = build(plugin, schema), inputs(schema)
    filled = [bag._replace(ids=torch.where(held(bag), bag.ids, 1)) for bag in given.bags]
    with torch.no_grad():
        before, after = backbone(given), backbone(replace(given, bags=tuple(filled)))
    if not torch.equal(before, after):
        broken(
            f"logits {show(after[0])} with other ids in the places after those of a bag, {show(before[0])} without",
            "read as many ids as the bag's lengths say, as mtlbench.nn.FieldEmbedding does",
        )


@rule("backbone")
def vectors(plugin: PluginUnderTest) -> None:
    """Columns of vectors have logits, and the logits depend on them."""
    schema = replace(SCHEMA, vectors=VECTORS)
    _gives_logits(plugin, schema)
    backbone, given = build(plugin, schema), inputs(schema)
    with torch.no_grad():
        before, after = backbone(given), backbone(replace(given, vectors=tuple(-one for one in given.vectors)))
    if torch.equal(before, after):
        broken(
            f"logits {show(after[0])} with other vectors are the same as without",
            "read inputs.vectors, as mtlbench.nn.FieldEmbedding does",
        )


@rule("backbone")
def large_inputs(plugin: PluginUnderTest) -> None:
    """Numerical inputs of 1e4 give finite logits and gradients."""
    backbone = build(plugin)
    given = inputs()
    logits = backbone(replace(given, numerical=given.numerical * LARGEST))
    if not logits.isfinite().all():
        broken(f"logits {show(logits)}", "compute products and quotients of probabilities as sums of logarithms")
    logits.sum().backward()
    for name, parameter in backbone.named_parameters():
        if parameter.grad is not None and not parameter.grad.isfinite().all():
            broken(f"the gradient of {name} is {show(parameter.grad)}", "keep exponentials in range")


@rule("backbone")
def rows_are_independent(plugin: PluginUnderTest) -> None:
    """In evaluation the logits of a row do not depend on the other rows of the batch."""
    backbone = build(plugin)
    given = inputs()
    with torch.no_grad():
        together = backbone(given)
        for row in range(0, ROWS, 16):
            alone = backbone(given[row : row + 1])
            if not torch.allclose(alone[0], together[row], rtol=1e-4, atol=1e-5):
                broken(
                    f"row {row} alone has the logits {show(alone[0])}, among {ROWS} rows {show(together[row])}",
                    "do not compute statistics over the batch in evaluation mode, and put no rows together",
                )


def _gives_logits(plugin: PluginUnderTest, schema: Schema) -> None:
    logits = build(plugin, schema)(inputs(schema))
    expected = (ROWS, len(schema.tasks))
    if tuple(logits.shape) != expected:
        broken(f"logits of shape {tuple(logits.shape)}; expected {expected}", "give one logit per row and schema task")
    if not logits.isfinite().all():
        broken(f"logits {show(logits)}", "give finite logits, not probabilities of 0 or 1")
    if logits.dtype != torch.float32:
        broken(f"logits of {logits.dtype}; expected torch.float32", "do not change the dtype of inputs or parameters")
    unknown = build(plugin, schema)(Inputs.of([torch.zeros_like(tensor[:1]) for tensor in inputs(schema).tensors()]))
    if not unknown.isfinite().all():
        broken(f"a row of unknown ids and mean numbers has the logits {show(unknown)}", "index 0 is the unknown id")
