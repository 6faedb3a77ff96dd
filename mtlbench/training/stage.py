"""One stage of training, step by step, on batches that seed, stage and epoch determine."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mtlbench.api import Stateful
from mtlbench.training.seeding import derive, reseed, seeded
from mtlbench.training.update import Weights


class Batches:
    """The training split in batches, one permutation per epoch, and the random numbers of each step.

    Both depend on seed, stream and epoch alone. A stream is named as the stage is; stages that are compared share one.
    The data never leaves its tensors: a batch is a slice of the permutation.

    Args:
        rows: in the training split.
        batch_size: rows of a batch. A last batch of a single row is joined to the one before it: batch normalisation
            has no variance there.
        seed: of the cell.
        device: of the data.
    """

    def __init__(self, rows: int, batch_size: int, seed: int, device: torch.device) -> None:
        self.device = device
        self._rows = rows
        self._batch_size = batch_size
        self._seed = seed
        self._step_seed = seed
        self._present = ("", 0, 0)
        self._second_order: tuple[str, int, list[Tensor]] = ("", -1, [])

    def epoch(self, stream: str, epoch: int) -> list[Tensor]:
        """The rows of each batch."""
        generator = torch.Generator().manual_seed(derive(self._seed, "batches", stream, epoch))
        batches = list(torch.randperm(self._rows, generator=generator).to(self.device).split(self._batch_size))
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches

    def seeded(self, stream: str, epoch: int) -> AbstractContextManager[None]:
        """Inside, torch's global generators are the epoch's; afterwards they are as before."""
        return seeded(self._seed, "epoch", stream, epoch)

    def seed_step(self, stream: str, epoch: int, step: int) -> None:
        """Seed the masks of a step: each has its own seed, so that a weighting's random numbers do not shift them."""
        self._present = stream, epoch, step
        self._step_seed = derive(self._seed, "step", stream, epoch, step)
        self.reseed()

    def reseed(self) -> None:
        """Seed the masks of the present step once more."""
        reseed(self.device, self._step_seed)

    def second(self) -> Tensor:
        """The rows of a second batch for the present step: the one of its number in another order of the epoch."""
        stream, epoch, step = self._present
        if self._second_order[:2] != (stream, epoch):
            self._second_order = stream, epoch, self.epoch(f"second {stream}", epoch)
        return self._second_order[2][step - 1]


class Taken(NamedTuple):
    """A step that was taken."""

    rows: int
    """Rows that it read."""
    number: int
    """In its epoch, from 1."""
    steps: int
    """Of the epoch."""


class Stage:
    """A stage of training, and how far it has come; it can be taken up again after it ended.

    Args:
        name: in the budget and in the curve.
        stream: names its batches and masks.
        update: trains on the rows of a batch.
        end_epoch: hears the number of epochs completed.
        state: what carries over from step to step. ``None``: not known, so the stage cannot be resumed.
        pace: hears before each step how many the stage has taken, and how many an epoch has.
        weights: gives a summary of the weights since it was called last. ``None``: the stage has none.
    """

    def __init__(
        self,
        name: str,
        stream: str,
        update: Callable[[Tensor], None],
        end_epoch: Callable[[int], None] | None,
        state: Stateful | None,
        pace: Callable[[int, int], None],
        weights: Callable[[], Weights] | None = None,
    ) -> None:
        self.name = name
        self.stream = stream
        self.epochs = 0
        """Epochs so far, the running one included."""
        self.unvalidated = 0
        """Steps since the last validation."""
        self._update = update
        self._end_epoch = end_epoch
        self._state = state
        self._pace = pace
        self._weights = weights
        self._taken = 0
        self._of_epoch = 0

    @property
    def midway(self) -> bool:
        """Whether an epoch is running."""
        return self._taken > 0

    @property
    def resumable(self) -> bool:
        """Whether all is known that carries over from step to step."""
        return self._state is not None

    def begin_epoch(self) -> None:
        """Go to the next epoch."""
        self.epochs += 1

    def steps(self, batches: Batches) -> Iterator[Taken]:
        """Take the steps of the epoch that are left; gives each when it is taken."""
        epoch = batches.epoch(self.stream, self.epochs)
        self._of_epoch = len(epoch)
        for rows in epoch[self._taken :]:
            batches.seed_step(self.stream, self.epochs, self._taken + 1)
            self._pace((self.epochs - 1) * len(epoch) + self._taken, len(epoch))
            self._update(rows)
            self._taken += 1
            self.unvalidated += 1
            yield Taken(len(rows), self._taken, len(epoch))

    def end_epoch(self) -> None:
        """End the epoch after the steps taken."""
        self._taken = 0
        if self._end_epoch is not None:
            self._end_epoch(self.epochs)

    def weights(self) -> Weights | None:
        """Summary of the weights since the last validation, which is now."""
        self.unvalidated = 0
        return None if self._weights is None else self._weights()

    @property
    def passes(self) -> float | None:
        """Passes over the training split so far, the running one in part; ``None`` between epochs."""
        return self.epochs - 1 + self._taken / self._of_epoch if self.midway else None

    def state_dict(self) -> dict[str, Any]:
        """What the rest of a resumable stage depends on."""
        assert self._state is not None
        state = dict(self._state.state_dict())
        counts = {"epochs": self.epochs, "taken": self._taken, "unvalidated": self.unvalidated}
        return {**{name: torch.tensor(count) for name, count in counts.items()}, "update": state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        assert self._state is not None
        self._state.load_state_dict(state["update"])
        self.epochs, self._taken, self.unvalidated = (int(state[name]) for name in ("epochs", "taken", "unvalidated"))
