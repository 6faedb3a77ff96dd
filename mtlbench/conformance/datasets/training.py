"""Backbones train on a dataset."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import NoParams, Split, Step, Weighting, ones
from mtlbench.conformance.datasets.log import splits_of
from mtlbench.conformance.plugin_under_test import PluginUnderTest, tiny_backbone
from mtlbench.conformance.rules import NotApplicableError, broken, in_one_line, rule
from mtlbench.conformance.training_run import TrainingRun
from mtlbench.experiments.applicability import other_kind

ROWS = 128


class Average(Weighting):
    """The plain average of the losses."""

    name, label = "average", "Average"

    def weigh(self, step: Step) -> Tensor:
        """Ones."""
        return ones(step)


@rule("dataset")
def trains_with_every_backbone(plugin: PluginUnderTest) -> None:
    """Every backbone trains two steps on it, or refuses it with a reason."""
    splits = splits_of(plugin)
    few = replace(splits, train=_head(splits.train, ROWS))
    refusals = []
    for name, backbone in sorted(plugin.catalogue.backbones.items()):
        reason = other_kind(backbone.cls, splits.schema) or backbone.cls.applicable(splits.schema)
        if reason is not None:
            refusals.append(reason)
            continue
        method = Average(NoParams())
        try:
            TrainingRun(
                method,
                lambda entry=backbone: tiny_backbone(entry, splits.schema),  # type: ignore[misc]
                few,
                plugin.catalogue,
                epochs=1,
                batch_size=ROWS // 2,
            ).train()
        except Exception as error:
            broken(f"backbone {name}: {in_one_line(error)}", "check ids, numbers and labels of the log")
    if len(refusals) == len(plugin.catalogue.backbones):
        raise NotApplicableError("; ".join(sorted(set(refusals))))


def _head(split: Split, rows: int) -> Split:
    """The first rows; a session cut there ends there."""
    kept: dict[str, Any] = {name: value[:rows] for name, value in vars(split).items() if isinstance(value, Tensor)}
    kept |= vars(split.inputs[:rows])
    row = torch.arange(len(kept["labels"]))
    beyond = kept["next_row"] >= len(row)
    kept["next_row"] = torch.where(beyond, row, kept["next_row"])
    kept["done"] = kept["done"] | beyond
    return Split(**kept)
