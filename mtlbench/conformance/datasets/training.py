"""That backbones train on a dataset."""

from dataclasses import replace

import torch
from torch import Tensor

from mtlbench.api import NoParams, Split, Step, Weighting, ones
from mtlbench.conformance.datasets.world import splits_of
from mtlbench.conformance.rehearsal import Rehearsal
from mtlbench.conformance.rules import NotApplicableError, broken, rule, told
from mtlbench.conformance.subject import Subject, tiny_backbone

ROWS = 128


class Average(Weighting):
    """The plain average of the losses."""

    name, label = "average", "Average"

    def weigh(self, step: Step) -> Tensor:
        """Ones."""
        return ones(step)


@rule("dataset")
def trains_with_every_backbone(subject: Subject) -> None:
    """Every backbone trains two steps on it, or refuses it with a reason."""
    splits = splits_of(subject)
    few = replace(splits, train=_head(splits.train, ROWS))
    refusals = []
    for name, backbone in sorted(subject.catalogue.backbones.items()):
        reason = backbone.cls.applicable(splits.schema)
        if reason is not None:
            refusals.append(reason)
            continue
        method = Average(NoParams())
        try:
            Rehearsal(
                method,
                lambda entry=backbone: tiny_backbone(entry, splits.schema),  # type: ignore[misc]
                few,
                subject.catalogue,
                epochs=1,
                batch_size=ROWS // 2,
            ).run()
        except Exception as error:
            broken(f"backbone {name}: {told(error)}", "check ids, numbers and labels of the log")
    if len(refusals) == len(subject.catalogue.backbones):
        raise NotApplicableError("; ".join(sorted(set(refusals))))


def _head(split: Split, rows: int) -> Split:
    """The first rows; a session cut there ends there."""
    kept = {name: value[:rows] for name, value in vars(split).items() if isinstance(value, Tensor)}
    row = torch.arange(len(kept["labels"]))
    beyond = kept["next_row"] >= len(row)
    kept["next_row"] = torch.where(beyond, row, kept["next_row"])
    kept["done"] = kept["done"] | beyond
    return Split(**kept)
