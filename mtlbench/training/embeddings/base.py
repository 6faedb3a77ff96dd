"""The base of optimisers of an embedding table, whose step costs what the batch reads, not what the table holds.

A training step with an :class:`EmbeddingOptimiser`::

    rows = optimiser.prepare(index)                       # index (B, F): the rows of the table that the batch reads
    embedded = F.embedding(rows.position, rows.values)    # in place of F.embedding(index, weight)
    loss.backward()                                       # rows.values is a leaf: per-task gradients are (U, d) too
    optimiser.step()

The rows are valid until the next ``prepare``. Before the table is read in any other way (evaluation, copying the
weights): ``optimiser.catch_up_all()``.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mtlbench.errors import UsageError
from mtlbench.nn.embedding import Rows
from mtlbench.nn.ordering import stable_order


class EmbeddingOptimiser(ABC):
    """Updates the rows of one embedding table that a batch reads.

    Distinct rows are found without a sort. Each place of the index writes its own number into the slot of the row that
    it reads; of several places of one row the number of one stays, and this place represents the row. On a CPU
    (``distinct``) U is the number of distinct rows. On a GPU U is the number of places: the other places of a row hold
    copies of it, which take the same update. Then no size depends on the data, and the host never waits for the device.

    Args:
        weight: the table (R, d), float32 or float64. Its ``grad`` is neither read nor written.
        lr: learning rate.

    Raises:
        UsageError: the table has another shape or type.
    """

    name: ClassVar[str]

    def __init__(self, weight: nn.Parameter, lr: float) -> None:
        if weight.dim() != 2 or weight.dtype not in {torch.float32, torch.float64}:
            raise UsageError(
                f"embedding table of shape {tuple(weight.shape)} and type {weight.dtype}: expected (rows, width) and "
                "float32 or float64; for lower precision keep the table in float32 and autocast the layers after it"
            )
        self.weight = weight
        self.steps = 0
        self.distinct = weight.device.type == "cpu"
        self._lr = lr
        self._slot = torch.zeros(len(weight), dtype=torch.int32, device=weight.device)
        self._buffers: dict[str, Tensor] = {}
        self._index = torch.empty(0, dtype=torch.int64, device=weight.device)
        self._rows: Rows | None = None

    @property
    def lr(self) -> float:
        """Learning rate. When it changes, all rows first catch up on their missed steps, at the old rate."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        if value != self._lr:
            self.catch_up_all()
            self._lr = value

    @torch.no_grad()
    def prepare(self, index: Tensor, fields: Tensor | None = None) -> Rows:
        """The rows ``index`` (any shape, int32 or int64) as they are after the steps taken so far; writes no table.

        With ``fields``, the first row of each field, ascending from 0, distinct rows come field by field.
        """
        reads = index.reshape(-1).long()
        place = torch.arange(len(reads), dtype=torch.int32, device=reads.device)
        self._slot.index_copy_(0, reads, place)
        position = self._slot.index_select(0, reads)
        self._index, counts = reads, None
        if self.distinct:
            self._index = self._arrange(reads[position == place])
            if fields is not None:
                field = torch.bucketize(self._index, fields[1:], right=True)
                self._index = self._index[stable_order(field, len(fields))]
                counts = field.bincount(minlength=len(fields)).tolist()
            self._slot.index_copy_(0, self._index, place[: len(self._index)])
            position = self._slot.index_select(0, reads)
        values = self._gather("weight", self.weight)
        self._read(values)
        self._rows = Rows(values.detach().requires_grad_(), position.view(index.shape), counts)
        return self._rows

    @torch.no_grad()
    def step(self) -> None:
        """Update the rows last prepared, down ``values.grad``.

        Raises:
            RuntimeError: no rows are prepared, or they have no gradient.
        """
        if self._rows is None or self._rows.values.grad is None:
            raise RuntimeError("step() needs prepare(index) and then a backward pass through the rows it returned")
        values, gradient = self._rows.values.detach(), self._rows.values.grad
        if not self.distinct:
            gradient = gradient.index_select(0, self._rows.position.reshape(-1))
        self.steps += 1
        self._update(values, gradient)
        write_rows(self.weight, self._index, values)
        self._rows = None

    def catch_up_all(self) -> None:  # noqa: B027 (rows of a lazy optimiser are never behind)
        """Bring the whole table to where it is after the steps taken so far."""

    def state_dict(self) -> dict[str, Tensor]:
        """The optimiser's own tensors, not copied. The table of that moment must be saved beside them."""
        return {"steps": torch.tensor(self.steps), **self._state()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Copy back what :meth:`state_dict` gave; the table of that moment must be loaded too.

        Raises:
            UsageError: the state is another optimiser's or another table's.
        """
        expected = {name: tuple(value.shape) for name, value in self.state_dict().items()}
        found = {name: tuple(value.shape) for name, value in state.items()}
        if found != expected:
            raise UsageError(
                f"state of embedding optimiser {self.name!r}: expected tensors of shape {expected}, found {found}; was "
                "it saved by another optimiser or for another table?"
            )
        for name, value in self._state().items():
            value.copy_(state[name])
        self.steps = int(state["steps"])
        self._rows = None

    def portable_state(self) -> dict[str, Tensor]:
        """The state in the form of torch's dense optimiser of the algorithm; its own form where torch has none."""
        return self.state_dict()

    def load_portable_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy back what :meth:`portable_state` gave."""
        self.load_state_dict(state)

    def exact_state(self) -> dict[str, Tensor]:
        """:meth:`state_dict`, and all else that later steps depend on, so that they are the same bit for bit."""
        return {**self.state_dict(), "lr": torch.tensor(self._lr, dtype=torch.float64)}

    def load_exact_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy back what :meth:`exact_state` gave."""
        self._lr = state["lr"].item()  # rows are behind at this rate, so none may catch up at another
        self.load_state_dict({name: value for name, value in state.items() if name != "lr"})

    @abstractmethod
    def _state(self) -> dict[str, Tensor]:
        """The tensors of the optimiser by name."""

    @abstractmethod
    def _update(self, values: Tensor, gradient: Tensor) -> None:
        """Update ``values`` (U, d) and the state of their rows, in the step numbered ``self.steps`` from 1."""

    def _arrange(self, rows: Tensor) -> Tensor:
        """Distinct rows in the order that suits the optimiser."""
        return rows

    def _read(self, values: Tensor) -> None:  # noqa: B027
        """Bring ``values``, as the table has them, to the present."""

    def _gather(self, name: str, table: Tensor) -> Tensor:
        """The prepared rows of ``table``, in a buffer kept under ``name``: fresh memory costs page faults."""
        size = len(self._index)
        if name not in self._buffers or len(self._buffers[name]) < size:
            self._buffers[name] = table.new_empty((size + size // 8, *table.shape[1:]))
        return torch.index_select(table.detach(), 0, self._index, out=self._buffers[name][:size])


def write_rows(table: Tensor, index: Tensor, rows: Tensor) -> None:
    """Put ``rows`` (U, ...) into ``table`` at ``index`` (U,)."""
    if table.device.type == "cpu":  # numpy copies whole rows; index_copy_ goes number by number, up to 3 times slower
        table.detach().numpy()[index.numpy()] = rows.numpy()
    else:
        table.index_copy_(0, index, rows)
