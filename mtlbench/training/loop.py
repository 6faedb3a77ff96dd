"""The loop over epochs and batches of one stage of training."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from mtlbench.api import Stateful
from mtlbench.training.budget import Allowance, Meter, Spend
from mtlbench.training.curve import Weights
from mtlbench.training.seeding import derive, generators, reseed, seeded

Progress = Callable[[str, int, int, int, int, float], None]
"""Hears stage, epoch, epochs, steps done, steps in all, rows per second."""

Update = Callable[[Tensor], None]
"""Trains on the rows of one batch."""

Checkpointing = Callable[[list[Tensor]], None]
"""Saves the running loop, if it is time to, given the states of the global generators outside of the epoch."""


@dataclass
class Loop:
    """A stage as what happens in a batch and after an epoch; it can be taken up again after it ended."""

    update: Update
    stage: str
    stream: str
    """Names the batches and masks: those of the stage of this name."""
    end_epoch: Callable[[int], None] | None = None
    weights: Callable[[], Weights | None] = lambda: None
    """Summary of the weights of the last epoch, where its loss was a weighted sum of task losses."""
    state: Stateful | None = None
    """What carries over from step to step; ``None``: nobody knows, so the loop cannot be resumed in its midst."""
    done: int = 0
    """Epochs so far, the running one included."""
    steps: int = 0
    """Steps of the running epoch so far; 0 between epochs."""


class Runner:
    """Runs epochs: every row once, in batches and under masks that seed, stream and epoch determine.

    Args:
        batches: the rows of the training split in batches, by stream and epoch.
        epochs: most epochs of a stage, for the progress.
        seed: of the cell.
        device: whose generator is seeded.
        meter: knows when an allowance is used up.
        progress: hears how far a stage has come.
    """

    def __init__(
        self,
        batches: Callable[[str, int], list[Tensor]],
        epochs: int,
        seed: int,
        device: torch.device,
        meter: Meter,
        progress: Progress | None,
    ) -> None:
        self._batches = batches
        self._epochs = epochs
        self._seed = seed
        self._device = device
        self._meter = meter
        self._progress = progress
        self._step_seed = seed

    def reseed(self) -> None:
        """Give torch's generator back the seed of the present step, for the same dropout masks once more."""
        reseed(self._device, self._step_seed)

    def epoch(
        self, loop: Loop, spend: Spend, allowance: Allowance | None = None, checkpoint: Checkpointing | None = None
    ) -> None:
        """One more epoch of ``loop``, or the rest of one, cut short when the allowance is used up.

        ``checkpoint`` is called after each step that another one follows, with the global generators' states outside.
        """
        if loop.steps == 0:
            loop.done += 1
        outside = generators(self._device)
        with seeded(self._seed, "epoch", loop.stream, loop.done):
            self._steps(loop, spend, allowance, checkpoint and partial(checkpoint, outside))
        loop.steps = 0
        if loop.end_epoch is not None:
            loop.end_epoch(loop.done)

    def _steps(
        self, loop: Loop, spend: Spend, allowance: Allowance | None, checkpoint: Callable[[], None] | None
    ) -> None:
        batches = self._batches(loop.stream, loop.done)
        epochs = max(self._epochs, loop.done)
        began, rows_done = time.perf_counter(), 0
        for done, rows in enumerate(batches[loop.steps :], start=loop.steps + 1):
            # Each step has its own seed, so that random numbers drawn by a weighting do not shift the dropout masks.
            self._step_seed = derive(self._seed, "step", loop.stream, loop.done, done)
            self.reseed()
            loop.update(rows)
            loop.steps = done
            spend.add(len(rows))
            rows_done += len(rows)
            if self._progress is not None:
                rate = rows_done / (time.perf_counter() - began)
                steps = (loop.done - 1) * len(batches) + done
                self._progress(loop.stage, loop.done, epochs, steps, epochs * len(batches), rate)
            if allowance is not None and self._meter.used(allowance):
                break
            if checkpoint is not None:
                checkpoint()
