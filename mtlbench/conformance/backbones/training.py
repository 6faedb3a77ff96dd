"""A backbone trains with every weighting, and is not another backbone."""

import torch

from mtlbench.conformance.backbones.inputs import SCHEMA, build
from mtlbench.conformance.backbones.parameters import trained
from mtlbench.conformance.pairs import train_pair
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, rule


@rule("backbone")
def trains_with_every_weighting(plugin: PluginUnderTest) -> None:
    """With every weighting the network trains two steps, or the pair is refused with a reason."""
    weightings = sorted(plugin.catalogue.weightings.values(), key=lambda entry: entry.name)
    reasons = [train_pair(plugin, plugin.entry, weighting) for weighting in weightings]
    if None not in reasons:
        raise NotApplicableError("; ".join(sorted({reason for reason in reasons if reason})))


@rule("backbone")
def not_a_duplicate(plugin: PluginUnderTest) -> None:
    """From the same seed it is not, after training, the network of another backbone."""
    own = trained(build(plugin), seed=0)
    for other in plugin.catalogue.backbones.values():
        if other.cls is plugin.cls or other.cls.applicable(SCHEMA) is not None:
            continue
        try:
            theirs = trained(build(PluginUnderTest(other, plugin.catalogue, plugin.data_dir)), seed=0)
        except Exception:  # another plugin's fault, which its own tests tell
            continue
        if torch.allclose(own.float(), theirs.float(), rtol=1e-5, atol=1e-7):
            broken(f"its logits are those of {other.name} ({other.origin})", f"use {other.name}, or change the network")
