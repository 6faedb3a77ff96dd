"""Small data with a task of each kind, one of which was observed on some rows alone."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mtlbench.api import Schema, Task
from mtlbench.conformance.fixture import Fixture

KINDS = ("binary", "nonnegative", "real")


@dataclass(frozen=True)
class Mixed(Fixture):
    """A fixture of three tasks; the nonnegative one has a label where the binary one is 1, and is 0 on some of them."""

    @property
    def schema(self) -> Schema:
        """The fixture's, with a kind for each task; the nonnegative one is within the binary one."""
        schema = super().schema
        happens, amount, number = (Task(task.name, kind) for task, kind in zip(schema.tasks, KINDS, strict=True))
        return replace(schema, tasks=(happens, replace(amount, after=happens.name, within=True), number))

    def _labels(self, features: Tensor, generator: torch.Generator) -> Tensor:
        happened = super()._labels(features, generator)
        amount = torch.where(happened[:, 0] == 1, happened[:, 1] * (3 + features[:, 0]).exp(), torch.nan)
        noise = torch.randn(len(features), generator=generator)
        return torch.stack([happened[:, 0], amount, 100 + 7 * features[:, 1] + noise], dim=1)
