"""The passes of a step of task gradients, one forward and one backward for each task, recorded once and replayed."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from mtlbench.api import Inputs
from mtlbench.training.gradients import Passes, Reach, by_task
from mtlbench.training.graphs import EagerPass, reading, reads_of, tables_of, unnoticed
from mtlbench.training.recorders import Recorder

ALIKE = 0.02
"""Largest relative difference of two results that count as the same but for rounding, also in bfloat16."""


class _Replay:
    """The passes on batches of one shape, recorded on a first batch.

    Args:
        eager: the forward pass.
        inputs: of the batch, for which the optimiser is prepared.
        leaves: gives name -> leaf of the pass last prepared.
        reached: which tasks reach which of them.
        tasks: K.
        record: records.
    """

    def __init__(
        self,
        eager: EagerPass,
        inputs: Inputs,
        leaves: Callable[[], Mapping[str, Tensor]],
        reached: Reach,
        tasks: int,
        record: Recorder,
    ) -> None:
        self._tables = tables_of(eager.backbone)
        self._given = given = [
            tensor.detach().clone().requires_grad_(tensor.requires_grad) for tensor in self._tensors(inputs)
        ]
        device, of_inputs, tables = given[0].device, len(inputs.tensors()), self._tables
        self._of_logits = of_logits = torch.zeros(len(inputs), tasks, device=device)
        self._names: list[list[str]] = []
        names, passed = self._names, list[tuple[Tensor, Mapping[str, Tensor]]]()

        def forward() -> list[Tensor]:
            with reading(tables, given[of_inputs:]):
                logits = eager(Inputs.of(given[:of_inputs]))
                passed.append((logits, leaves()))
            return [logits]

        def backward() -> list[Tensor]:
            logits, of_pass = passed.pop()  # none may live on: a leaf's node in its graph belongs to one stream
            found = by_task(logits, of_logits, of_pass, reached)
            names[:] = [list(of_task) for of_task in found]
            return [gradient for of_task in found for gradient in of_task.values()]

        with unnoticed(eager.backbone, device):
            self._forward, self._backward = record([forward, backward])

    def fits(self, inputs: Inputs) -> bool:
        """Whether the batch, for which the optimiser is prepared, has the shape of the one recorded."""
        return [tensor.shape for tensor in self._tensors(inputs)] == [tensor.shape for tensor in self._given]

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, K), values alone."""
        with torch.no_grad():
            torch._foreach_copy_(self._given, self._tensors(inputs))
        self._forward.replay()
        return self._forward.outputs[0].clone()

    def backward(self, of_logits: Tensor) -> list[dict[str, Tensor]]:
        """The gradients of each task, given those of the last logits (B, K). They are copies, which may be kept."""
        self._of_logits.copy_(of_logits)
        self._backward.replay()
        copies = [torch.empty_like(output) for output in self._backward.outputs]
        torch._foreach_copy_(copies, self._backward.outputs)
        left = iter(copies)
        return [{name: next(left) for name in names} for names in self._names]

    def _tensors(self, inputs: Inputs) -> list[Tensor]:
        return [*inputs.tensors(), *reads_of(self._tables)]


class ReplayedTasks:
    """The passes of each step: recorded at the first batch, compared at the second, replayed at all others.

    The first two batches, and those of another shape, go through the plain passes. If the passes cannot be recorded
    here, or do not give what the plain ones give, all batches do, and a warning says so once.

    Args:
        eager: the forward pass. Its backbone is in training mode whenever this is called.
        rows: B of the batches to replay.
        leaves: gives name -> leaf of the pass last prepared.
        reached: which tasks reach which of them.
        tasks: K.
        plain: the backward passes of the tasks where nothing is replayed.
        record: records.
    """

    def __init__(
        self,
        eager: EagerPass,
        rows: int,
        leaves: Callable[[], Mapping[str, Tensor]],
        reached: Reach,
        tasks: int,
        plain: Passes,
        record: Recorder,
    ) -> None:
        self._eager = eager
        self._rows = rows
        self._of_recording = leaves, reached, tasks, record
        self._plain = plain
        self._replay: _Replay | None = None
        self._trusted: bool | None = None
        """Whether it gives what the plain passes give; ``None`` until that is known."""
        self._logits: Tensor | None = None
        """What the replay made of the present batch, where that was replayed."""

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, K), in the autograd graph as far as :meth:`backward` needs it."""
        self._logits = None
        if self._trusted is False or len(inputs) != self._rows:
            return self._eager(inputs)
        if self._replay is None:
            self._record(inputs)
            return self._eager(inputs)
        if not self._replay.fits(inputs):
            return self._eager(inputs)
        if self._trusted:
            self._logits = self._replay.forward(inputs)
            return self._logits.requires_grad_()
        with unnoticed(self._eager.backbone, inputs.categorical.device):
            self._logits = self._replay.forward(inputs)
        return self._eager(inputs)

    def backward(
        self, columns: Tensor, of_columns: Tensor, leaves: Mapping[str, Tensor], reached: Reach | None, keep: bool
    ) -> Sequence[Mapping[str, Tensor]]:
        """The gradients of each task, as :func:`mtlbench.training.gradients.by_task` gives them."""
        if self._logits is None or self._replay is None:
            return self._plain(columns, of_columns, leaves, reached, keep)
        found = self._replay.backward(of_columns)
        if self._trusted:
            return found
        expected = self._plain(columns, of_columns, leaves, reached, keep)
        self._trusted = _close(self._logits, columns.detach()) and all(map(_alike, found, expected))
        if not self._trusted:
            self._give_up("they gave other results than the plain ones")
        return expected

    def _record(self, inputs: Inputs) -> None:
        try:
            self._replay = _Replay(self._eager, inputs, *self._of_recording)
        except RuntimeError as error:
            self._give_up(str(error))

    def _give_up(self, reason: str) -> None:
        self._trusted, self._replay = False, None
        warnings.warn(
            f"the passes of {self._eager.backbone.label} for each task are not replayed here ({reason}): its steps go "
            "on kernel by kernel, which gives the same results and takes longer",
            RuntimeWarning,
            stacklevel=2,
        )


def _alike(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> bool:
    if found.keys() != expected.keys():
        return False
    of_all = math.sqrt(sum(gradient.norm().item() ** 2 for gradient in expected.values()))
    return all(_close(found[name], gradient, ALIKE**2 * of_all) for name, gradient in expected.items())


def _close(found: Tensor, expected: Tensor, least: float = 0.0) -> bool:
    """Whether they differ by rounding alone, or by no more than ``least``."""
    return bool((found - expected).norm() <= ALIKE * expected.norm() + least)
