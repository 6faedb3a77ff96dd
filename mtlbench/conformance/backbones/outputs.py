"""The logits that a backbone gives for an input."""

from dataclasses import replace

import torch

from mtlbench.api import Schema, Task
from mtlbench.conformance.backbones.inputs import ROWS, SCHEMA, build, inputs, with_tasks
from mtlbench.conformance.mixed import KINDS
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import broken, rule
from mtlbench.conformance.showing import show

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
def large_inputs(plugin: PluginUnderTest) -> None:
    """Numerical inputs of 1e4 give finite logits and gradients."""
    backbone = build(plugin)
    categorical, numerical = inputs()
    logits = backbone(categorical, numerical * LARGEST)
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
    categorical, numerical = inputs()
    with torch.no_grad():
        together = backbone(categorical, numerical)
        for row in range(0, ROWS, 16):
            alone = backbone(categorical[row : row + 1], numerical[row : row + 1])
            if not torch.allclose(alone[0], together[row], rtol=1e-4, atol=1e-5):
                broken(
                    f"row {row} alone has the logits {show(alone[0])}, among {ROWS} rows {show(together[row])}",
                    "do not compute statistics over the batch in evaluation mode, and put no rows together",
                )


def _gives_logits(plugin: PluginUnderTest, schema: Schema) -> None:
    logits = build(plugin, schema)(*inputs(schema))
    expected = (ROWS, len(schema.tasks))
    if tuple(logits.shape) != expected:
        broken(f"logits of shape {tuple(logits.shape)}; expected {expected}", "give one logit per row and schema task")
    if not logits.isfinite().all():
        broken(f"logits {show(logits)}", "give finite logits, not probabilities of 0 or 1")
    if logits.dtype != torch.float32:
        broken(f"logits of {logits.dtype}; expected torch.float32", "do not change the dtype of inputs or parameters")
    ids = torch.zeros(1, len(schema.categorical), dtype=torch.int32)
    unknown = build(plugin, schema)(ids, torch.zeros(1, len(schema.numerical)))
    if not unknown.isfinite().all():
        broken(f"a row of unknown ids and mean numbers has the logits {show(unknown)}", "index 0 is the unknown id")
