"""Adam, lazy Adam and Adagrad of an embedding table (:mod:`mtlbench.training.embeddings.base`)."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from mtlbench.errors import UsageError, did_you_mean
from mtlbench.nn.ordering import stable_order
from mtlbench.training.embeddings.base import EmbeddingOptimiser, write_rows
from mtlbench.training.embeddings.catch_up import CatchUp

CATCH_UP_ELEMENTS = 1 << 22
"""Elements of the table that ``catch_up_all`` holds copies of at a time: bounds them to some 100 MB."""

Betas = tuple[float, float]
BETAS, EPS = (0.9, 0.999), 1e-8


def fused_adam(betas: Betas = BETAS, eps: float = EPS, weight_decay: float = 0.0) -> Callable[..., None]:
    """torch's fused update by Adam, a function of parameters, gradients, moments 1 and 2, ``[]``, steps, and ``lr``."""
    fixed = partial(adam, fused=True, amsgrad=False, maximize=False, weight_decay=weight_decay)
    return partial(fixed, beta1=betas[0], beta2=betas[1], eps=eps)


class _Moments(EmbeddingOptimiser):
    """State of both kinds of Adam: two moments (R, d). Those of rows never read are 0 and mostly take no memory."""

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
    momentum. :mod:`mtlbench.training.embeddings.catch_up` sums the steps missed; they are applied when the row is next
    read and by :meth:`catch_up_all`. With the default betas the result is within 1e-6 * lr of dense Adam's in float64.
    In float32 the difference is rounding, of the size of dense float32 Adam's own: 7e-7 in 3000 steps of lr 1e-3.

    There is no weight decay: it would move every row in every step, and drive rows that are never read to zero.
    """

    name = "adam"

    def __init__(self, weight: nn.Parameter, lr: float = 1e-3, betas: Betas = BETAS, eps: float = EPS) -> None:
        super().__init__(weight, lr, betas, eps)
        self._catch_up = CatchUp(betas, eps, weight.detach())
        self._fused = fused_adam(betas, eps)
        self._last = torch.zeros(len(weight), dtype=torch.int32, device=weight.device)

    def _state(self) -> dict[str, Tensor]:
        return {**super()._state(), "last": self._last}

    def portable_state(self) -> dict[str, Tensor]:
        """As torch's dense Adam has it."""
        step = torch.tensor(float(self.steps))
        return {"step": step, "exp_avg": self._moment1, "exp_avg_sq": self._moment2}

    def load_portable_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy it back. Rows with a moment are up to date; the others were never read."""
        moment1, moment2, steps = state["exp_avg"], state["exp_avg_sq"], state["step"].to(torch.int32)
        read = moment2.any(dim=1) | moment1.any(dim=1)
        last = torch.where(read, steps.to(read.device), 0).to(torch.int32)
        self.load_state_dict({"steps": steps, "moment1": moment1, "moment2": moment2, "last": last})

    def exact_state(self) -> dict[str, Tensor]:
        """With the table of the catch-up: its last bits depend on the steps at which it grew."""
        return {**super().exact_state(), **self._catch_up.state_dict()}

    def load_exact_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy it back."""
        names = self._catch_up.state_dict().keys()
        self._catch_up.load_state_dict(state)
        super().load_exact_state({name: value for name, value in state.items() if name not in names})

    def _arrange(self, rows: Tensor) -> Tensor:
        return rows[stable_order(self._last[rows], self.steps + 1)]

    def _read(self, values: Tensor) -> None:
        moment1, moment2 = self._gather("moment1", self._moment1), self._gather("moment2", self._moment2)
        self._catch_up.advance(values, moment1, moment2, self._gather("last", self._last), self.steps, self.lr)

    def _update(self, values: Tensor, gradient: Tensor) -> None:
        moment1, moment2 = (self._buffers[name][: len(values)] for name in ("moment1", "moment2"))
        past = torch.full((), self.steps - 1, dtype=torch.float32, device=values.device)
        self._fused([values], [gradient], [moment1], [moment2], [], [past], lr=self.lr)
        write_rows(self._moment1, self._index, moment1)
        write_rows(self._moment2, self._index, moment2)
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
                write_rows(table, behind, rows)
            self._last.index_fill_(0, behind, self.steps)


class EmbeddingSparseAdam(_Moments):
    """Lazy Adam, as torch.optim.SparseAdam computes it: weights and moments of rows that are not read stand still.

    This is another algorithm than Adam, not a faster way to compute it. A row moves in the steps that read it alone;
    under Adam its momentum would move it for some ten steps more. So rare rows move far less at equal learning rate.

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
        write_rows(self._moment1, self._index, moment1)
        write_rows(self._moment2, self._index, moment2)


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
        write_rows(self._sum, self._index, total)


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
