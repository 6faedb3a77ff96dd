"""Training under a weighting reaches every parameter, and works with every backbone."""

import torch

from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.pairs import train_pair
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, in_one_line, rule
from mtlbench.conformance.training_run import new_training_run


@rule("weighting")
def reaches_every_parameter(plugin: PluginUnderTest) -> None:
    """Every parameter of the network learns."""
    fixture = Fixture()
    run = new_training_run(plugin, fixture, epochs=3, batch_size=fixture.rows // 2).train()
    after = run.parameters()
    stuck = [name for name, before in run.initial.items() if torch.equal(after[name], before)]
    if stuck:
        broken(
            f"{', '.join(stuck)} did not move in 6 steps",
            "give no task a weight of 0 for good; a direction must have a part for every shared parameter",
        )


@rule("weighting")
def large_vocabulary(plugin: PluginUnderTest) -> None:
    """A table larger than a batch reads has, in each step, gradients of the rows read alone, and trains."""
    fixture = Fixture(ids=400)
    try:
        new_training_run(plugin, fixture, epochs=1, batch_size=fixture.rows // 2).train()
    except (RuntimeError, ValueError, IndexError, KeyError) as error:
        broken(
            in_one_line(error),
            'do not mix gradients of two steps: their rows differ; a method that must declares "parameters" in `needs`',
        )


@rule("weighting")
def trains_with_every_backbone(plugin: PluginUnderTest) -> None:
    """With every backbone the method trains two steps, or the pair is refused with a reason."""
    reasons = [
        train_pair(plugin, backbone, plugin.entry)
        for backbone in sorted(plugin.catalogue.backbones.values(), key=lambda entry: entry.name)
    ]
    if None not in reasons:
        raise NotApplicableError("; ".join(sorted({reason for reason in reasons if reason})))
