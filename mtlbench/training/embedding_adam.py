"""Optimisers of an embedding table whose step costs what the batch reads, not what the table holds.

A training step with an :class:`EmbeddingOptimiser`::

    rows = optimiser.prepare(index)                       # index (B, F): the rows of the table that the batch reads
    embedded = F.embedding(rows.position, rows.values)    # in place of F.embedding(index, weight)
    loss.backward()                                       # rows.values is a leaf: per-task gradients are (U, d) too
    optimiser.step()

The rows are valid until the next ``prepare``. Before the table is read in any other way (evaluation, copying the
weights): ``optimiser.catch_up_all()``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from mtlbench.errors import UsageError, did_you_mean
from mtlbench.nn.embedding import Rows
from mtlbench.nn.ordering import stable_order
from mtlbench.training.catch_up import CatchUp

CATCH_UP_ELEMENTS = 1 << 22
"""Elements of the table that ``catch_up_all`` holds copies of at a time: bounds them to some 100 MB."""

Betas = tuple[float, float]
BETAS, EPS = (0.9, 0.999), 1e-8


class EmbeddingOptimiser(ABC):
    """Updates the rows of one embedding table that a batch reads.

    Distinct rows are found without a sort: every place writes its number into the row's slot, one of them stays, and
    that place stands for the row. With ``distinct``, set on a CPU, U is the number of distinct rows. Without, U is the
    number of places, and those that do not stand for their row hold copies of it that take the same update: then no
    size depends on the data, and the host never waits for the device.

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
        """Learning rate. Setting it first catches up all rows, whose missed steps were due at the old one."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
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
        _write(self.weight, self._index, values)
        self._rows = None

    def catch_up_all(self) -> None:  # noqa: B027 (rows of a lazy optimiser are never behind)
        """Bring the whole table to where it is after the steps taken so far."""

    def state_dict(self) -> dict[str, Tensor]:
        """The optimiser's own tensors, not copied. The table, as it is at that moment, is the model's to save."""
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

    def exact_state(self) -> dict[str, Tensor]:
        """:meth:`state_dict`, and whatever else the last bit of a later step depends on."""
        return self.state_dict()

    def load_exact_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy back what :meth:`exact_state` gave."""
        self.load_state_dict(state)

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


class _Moments(EmbeddingOptimiser):
    """State of both kinds of Adam: two moments (R, d), zero and so mostly without memory behind them until read."""

    def __init__(self, weight: nn.Parameter, lr: float = 1e-3, betas: Betas = BETAS, eps: float = EPS) -> None:
        super().__init__(weight, lr)
        self._betas, self._eps = betas, eps
        self._moment1, self._moment2 = torch.zeros_like(weight.detach()), torch.zeros_like(weight.detach())

    def _state(self) -> dict[str, Tensor]:
        return {"moment1": self._moment1, "moment2": self._moment2}


class EmbeddingAdam(_Moments):
    """Adam's dense update, that of torch.optim.Adam with weight decay 0, at the cost of the rows read.

    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, https://arxiv.org/abs/1412.6980.
    Rows read in a step take torch's own fused Adam update. A row that is not read still moves, by its decaying
    momentum; :mod:`mtlbench.training.catch_up` sums the steps missed, which are applied when the row is next read and
    by :meth:`catch_up_all`. With the default betas the result is within 1e-6 * lr of dense Adam's in float64. In
    float32 the difference is rounding, of the size of dense float32 Adam's own: 7e-7 in 3000 steps of lr 1e-3.

    There is no weight decay: it would move every row at every step, and drives rows that are never read to zero.
    """

    name = "adam"

    def __init__(self, weight: nn.Parameter, lr: float = 1e-3, betas: Betas = BETAS, eps: float = EPS) -> None:
        super().__init__(weight, lr, betas, eps)
        self._catch_up = CatchUp(betas, eps, weight.detach())
        off = partial(adam, fused=True, amsgrad=False, maximize=False, weight_decay=0.0)
        self._fused: Callable[..., None] = partial(off, beta1=betas[0], beta2=betas[1], eps=eps)
        self._last = torch.zeros(len(weight), dtype=torch.int32, device=weight.device)

    def _state(self) -> dict[str, Tensor]:
        return {**super()._state(), "last": self._last}

    def exact_state(self) -> dict[str, Tensor]:
        """With the table of the catch-up, whose last bits depend on how it grew."""
        return {**self.state_dict(), **self._catch_up.state_dict()}

    def load_exact_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy it back."""
        names = self._catch_up.state_dict().keys()
        self._catch_up.load_state_dict(state)
        self.load_state_dict({name: value for name, value in state.items() if name not in names})

    def _arrange(self, rows: Tensor) -> Tensor:
        return rows[stable_order(self._last[rows], self.steps + 1)]

    def _read(self, values: Tensor) -> None:
        moment1, moment2 = self._gather("moment1", self._moment1), self._gather("moment2", self._moment2)
        self._catch_up.advance(values, moment1, moment2, self._gather("last", self._last), self.steps, self.lr)

    def _update(self, values: Tensor, gradient: Tensor) -> None:
        moment1, moment2 = (self._buffers[name][: len(values)] for name in ("moment1", "moment2"))
        past = torch.full((), self.steps - 1, dtype=torch.float32, device=values.device)
        self._fused([values], [gradient], [moment1], [moment2], [], [past], lr=self.lr)
        _write(self._moment1, self._index, moment1)
        _write(self._moment2, self._index, moment2)
        self._last.index_fill_(0, self._index, self.steps)

    @torch.no_grad()
    def catch_up_all(self) -> None:
        """Bring the whole table to where dense Adam has it; a row that was never read costs one comparison."""
        tables = (self.weight.detach(), self._moment1, self._moment2)
        size = max(1, CATCH_UP_ELEMENTS // self.weight.shape[1])
        for begin in range(0, len(self.weight), size):
            last = self._last[begin : begin + size]
            behind = self._arrange(((last > 0) & (last < self.steps)).nonzero().squeeze(1) + begin)
            weight, moment1, moment2 = (table.index_select(0, behind) for table in tables)
            self._catch_up.advance(weight, moment1, moment2, self._last[behind], self.steps, self.lr)
            for table, rows in zip(tables, (weight, moment1, moment2), strict=True):
                _write(table, behind, rows)
            self._last.index_fill_(0, behind, self.steps)


class EmbeddingSparseAdam(_Moments):
    """Lazy Adam, as torch.optim.SparseAdam computes it: weights and moments of rows that are not read stand still.

    Another algorithm than Adam, not a faster way to compute it. A row that is rarely read makes one step per read,
    where Adam's momentum would carry it on for some ten steps more: rare rows move far less at equal learning rate.

    In step t: m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
    w <- w - lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps), with eps outside the bias correction.
    """

    name = "sparse-adam"

    def _update(self, values: Tensor, gradient: Tensor) -> None:
        beta1, beta2 = self._betas
        moment1 = self._gather("moment1", self._moment1).lerp_(gradient, 1 - beta1)
        moment2 = self._gather("moment2", self._moment2).mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        scale = self.lr * (1 - beta2**self.steps) ** 0.5 / (1 - beta1**self.steps)
        values.addcdiv_(moment1, moment2.sqrt().add_(self._eps), value=-scale)
        _write(self._moment1, self._index, moment1)
        _write(self._moment2, self._index, moment2)


class RowwiseAdagrad(EmbeddingOptimiser):
    """Adagrad with one accumulator per row: no momentum, and state of one number per row.

    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods", JMLR 2011, https://jmlr.org/papers/v12/duchi11a.html,
    with the row's mean in place of each number's own: s <- s + mean(g^2);  w <- w - lr * g / (sqrt(s) + eps).
    Learning rates are not Adam's: 0.01 and more are usual.
    """

    name = "rowwise-adagrad"

    def __init__(self, weight: nn.Parameter, lr: float = 1e-2, eps: float = 1e-10) -> None:
        super().__init__(weight, lr)
        self._eps = eps
        self._sum = weight.detach().new_zeros(len(weight))

    def _state(self) -> dict[str, Tensor]:
        return {"sum": self._sum}

    def _update(self, values: Tensor, gradient: Tensor) -> None:
        total = self._gather("sum", self._sum).add_(gradient.square().mean(1))
        values.addcdiv_(gradient, total.sqrt().add_(self._eps).unsqueeze(1), value=-self.lr)
        _write(self._sum, self._index, total)


def _write(table: Tensor, index: Tensor, rows: Tensor) -> None:
    if table.device.type == "cpu":  # numpy copies whole rows; index_copy_ goes number by number, up to 3 times slower
        table.detach().numpy()[index.numpy()] = rows.numpy()
    else:
        table.index_copy_(0, index, rows)


EMBEDDING_OPTIMISERS: dict[str, type[EmbeddingAdam | EmbeddingSparseAdam | RowwiseAdagrad]] = {
    kind.name: kind for kind in (EmbeddingAdam, EmbeddingSparseAdam, RowwiseAdagrad)
}


def embedding_optimiser(name: str, weight: nn.Parameter, lr: float) -> EmbeddingOptimiser:
    """The optimiser called ``name``, ``adam``, ``sparse-adam`` or ``rowwise-adagrad``, with its default settings.

    Raises:
        UsageError: there is no optimiser of that name.
    """
    if name not in EMBEDDING_OPTIMISERS:
        hint = did_you_mean(name, list(EMBEDDING_OPTIMISERS))
        raise UsageError(f"unknown embedding optimiser {name!r}: {hint}")
    return EMBEDDING_OPTIMISERS[name](weight, lr)
