"""The processes that train one network together, each on its own samples (``torch.distributed``)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch import distributed as dist

from mtlbench.errors import UsageError
from mtlbench.weigher.batch import Batch


class Processes:
    """All processes of the default group; one where there is none."""

    @property
    def count(self) -> int:
        """How many there are."""
        return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1

    def joined(self, batch: Batch) -> Batch:
        """The samples of all processes, in the order of their ranks, outside the graph.

        Raises:
            UsageError: the batch has encoded inputs.
        """
        if batch.inputs is not None:
            raise UsageError("critics weigh in one process alone; train in one")
        tensors = (batch.losses, batch.mask, batch.sample_weights, batch.logits, batch.labels)
        losses, mask, weights, logits, labels = (
            None if values is None else self._gathered(values.detach())[0] for values in tensors
        )
        assert losses is not None
        return Batch(losses, mask, weights, logits, labels)

    def own(self, values: Tensor, batch: Batch) -> Tensor:
        """Of ``values`` of the samples of all processes those of this one's ``batch``."""
        parts = self._gathered(batch.losses.detach())[1]
        return values.split(parts)[dist.get_rank()]

    def factors(self, batch: Batch) -> Tensor:
        """(K,) what turns the mean over processes of each task's own mean into the mean over all samples."""
        own = batch.counts.sum(0)
        total = own.clone()
        dist.all_reduce(total)
        return self.count * own / torch.where(total > 0, total, 1.0)

    def mean(self, gradients: Sequence[Mapping[str, Tensor]], leaves: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
        """The mean over processes of each of ``gradients``; all processes must have the same ``leaves``, in order."""
        device = next(iter(leaves.values())).device
        there = torch.tensor([[name in own for name in leaves] for own in gradients], dtype=torch.int32, device=device)
        dist.all_reduce(there, dist.ReduceOp.MAX)
        averaged = []
        for own, present in zip(gradients, there.tolist(), strict=True):
            names = [name for name, is_there in zip(leaves, present, strict=True) if is_there]
            parts = [own[name] if name in own else torch.zeros_like(leaves[name]) for name in names]
            flat = torch.cat([part.flatten() for part in parts])
            dist.all_reduce(flat)
            sums = flat.div_(self.count).split([part.numel() for part in parts])
            averaged.append({name: total.view_as(leaves[name]) for name, total in zip(names, sums, strict=True)})
        return averaged

    def _gathered(self, values: Tensor) -> tuple[Tensor, list[int]]:
        """``values`` (B, ...) of all processes one below the other, and how many rows each has."""
        rows = torch.tensor([len(values)], device=values.device)
        counts = [torch.zeros_like(rows) for _ in range(self.count)]
        dist.all_gather(counts, rows)
        lengths = [int(count) for count in counts]
        numbers = values.to(torch.uint8) if values.dtype == torch.bool else values
        padded = numbers.new_zeros(max(lengths), *numbers.shape[1:])
        padded[: len(values)] = numbers
        parts = [torch.zeros_like(padded) for _ in lengths]
        dist.all_gather(parts, padded)
        together = torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])
        return together.to(values.dtype), lengths
