"""Batches as slices of one permutation: the data never leaves its tensors."""

import torch
from torch import Tensor

from mtlbench.training.seeding import derive


def permuted_batches(
    rows: int, batch_size: int, seed: int, stage: str, epoch: int, device: torch.device
) -> list[Tensor]:
    """All of ``range(rows)`` in batches of ``batch_size``, in an order that depends on seed, stage and epoch alone.

    A last batch of a single row is joined to the one before it: batch normalisation has no variance there.
    """
    generator = torch.Generator().manual_seed(derive(seed, "batches", stage, epoch))
    batches = list(torch.randperm(rows, generator=generator).to(device).split(batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches
