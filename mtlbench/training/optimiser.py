"""The optimiser of a backbone: Adam, computed at the cost of what a batch reads."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mtlbench.api import Inputs
from mtlbench.errors import TrainingError
from mtlbench.nn import FieldEmbedding
from mtlbench.training.adam import DenseAdam
from mtlbench.training.embeddings.algorithms import EmbeddingAdam
from mtlbench.training.embeddings.algorithms import embedding_optimiser as create
from mtlbench.training.embeddings.base import EmbeddingOptimiser

State = dict[str, dict[str, Tensor]]
"""Parameter name -> ``step``, ``exp_avg`` and ``exp_avg_sq``, whichever way Adam updates the parameter. A table that
another algorithm updates has that algorithm's own tensors."""

GPU_DENSE_ELEMENTS = 1 << 27
"""Numbers in the largest table that a GPU updates whole: at a million rows of 128 that takes two thirds of the time of
a row-wise step, at four million nearly twice that time (H200)."""


class BackboneOptimiser:
    """Adam over all parameters of a backbone.

    D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, https://arxiv.org/abs/1412.6980,
    with beta = (0.9, 0.999) and eps = 1e-8.

    Tables of :class:`mtlbench.nn.FieldEmbedding` that are larger than what a batch reads are updated by
    :class:`mtlbench.training.embeddings.algorithms.EmbeddingAdam`: dense Adam's result to float tolerance, at a cost
    that does not grow with the vocabulary. All other parameters are updated by torch's fused Adam
    (:mod:`mtlbench.training.adam`). On a GPU so are tables of up to ``GPU_DENSE_ELEMENTS`` numbers: it moves them
    faster than a host launches a row-wise update.

    Args:
        backbone: parameters to update.
        learning_rate: Adam's learning rate.
        weight_decay: lambda, of the L2 term lambda / 2 |theta|^2 in the loss. Its gradient lambda * theta is added to
            that of the loss before any optimiser sees it, as torch.optim.Adam does (coupled; decoupled decay, AdamW,
            is another method: of values as small as are usual here it would do nothing). Theta are all parameters,
            biases included, but of a :class:`mtlbench.nn.FieldEmbedding` only those rows of the table that the step
            reads: a term over all rows would drive rare ids to zero, because Adam makes steps of one size from
            gradients of any, and would cost a pass over the table in each step.
        reads: most rows that a batch reads from a table. Larger tables are updated row by row. ``None``: every table
            is updated whole, that is, densely.
        embedding_optimiser: algorithm for the tables; one other than ``adam`` is used for all, small or large.

    Raises:
        TrainingError: dense tables with an algorithm that has no dense update.
    """

    def __init__(
        self,
        backbone: nn.Module,
        learning_rate: float,
        weight_decay: float = 0.0,
        *,
        reads: int | None = None,
        embedding_optimiser: str = EmbeddingAdam.name,
    ) -> None:
        exact = embedding_optimiser == EmbeddingAdam.name
        if not exact and reads is None:
            raise TrainingError(
                f"embedding optimiser {embedding_optimiser!r} updates only the rows read, but the weighting reads all "
                "parameters; use --embedding-optimiser adam"
            )
        fewest, smallest = (reads or 0, GPU_DENSE_ELEMENTS) if exact else (0, 0)
        embeddings = {
            f"{name}.weight".removeprefix("."): module
            for name, module in backbone.named_modules()
            if isinstance(module, FieldEmbedding)
        }
        self._tables: dict[str, tuple[FieldEmbedding, EmbeddingOptimiser]] = {
            name: (module, create(embedding_optimiser, module.weight, learning_rate))
            for name, module in embeddings.items()
            if reads is not None
            and module.weight.requires_grad
            and len(module.weight) > fewest
            and (module.weight.numel() > smallest or not module.weight.is_cuda)
        }
        self._dense = {name: p for name, p in backbone.named_parameters() if name not in self._tables}
        self._learning_rate = learning_rate
        self._weight_decay = weight_decay
        self._read: dict[str, tuple[FieldEmbedding, Tensor]] = {
            name: (module, module.weight.detach().new_zeros(len(module.weight), 1))
            for name, module in embeddings.items()
            if name in self._dense and weight_decay > 0
        }
        """The tables updated whole, each with a column that is 1 in the rows read, else 0; none without decay."""
        self._adam = DenseAdam(self._dense, self._read, weight_decay)

    @property
    def learning_rate(self) -> float:
        """Of the next step. It is set between steps; rows of large tables first catch up at the rate before."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = value
        for _, optimiser in self._tables.values():
            optimiser.lr = value

    def prepare(self, inputs: Inputs) -> None:
        """Before a forward pass in the autograd graph: fetch the rows that ``inputs`` read."""
        for table, optimiser in self._tables.values():
            table.rows = optimiser.prepare(table.index(inputs), table.starts)
        for table, read in self._read.values():
            read.zero_().index_fill_(0, table.index(inputs).long().flatten(), 1)

    def leaves(self) -> dict[str, Tensor]:
        """Parameter name -> leaf of the pass last prepared: the parameter, or the rows read of a large table."""
        rows = {name: table.rows.values for name, (table, _) in self._tables.items() if table.rows is not None}
        return {**self._dense, **rows}

    def descend(self, loss: Tensor) -> None:
        """Take one step down the gradient of the scalar ``loss`` of the pass last prepared."""
        self._adam.zero_grad()
        loss.backward()
        self._step()

    def apply(self, gradients: Mapping[str, Tensor], final: Mapping[str, Tensor] | None = None) -> None:
        """Take one step down ``gradients``, by the names of :meth:`leaves`; a leaf without one stays as it is.

        Those in ``final`` move by that direction times the learning rate, without Adam and without weight decay; they
        must be dense.

        Raises:
            TrainingError: one in ``final`` is not dense.
        """
        final = final or {}
        if not final.keys() <= self._dense.keys():
            raise TrainingError(
                "the weighting moves embedding tables itself, which must be dense for that; declare "
                '`needs = frozenset({"jacobian", "parameters"})` in its class'
            )
        for name, leaf in self.leaves().items():
            leaf.grad = gradients.get(name)
        self._step()
        with torch.no_grad():
            for name, direction in final.items():
                self._dense[name].sub_(direction, alpha=self._learning_rate)

    def decay(self, name: str, leaf: Tensor) -> Tensor:
        """The gradient of the L2 term for ``leaf``, one of :meth:`leaves`: 0 in rows of a table that are not read."""
        term = leaf.detach() * self._weight_decay
        return term.mul_(self._read[name][1]) if name in self._read else term

    def _step(self) -> None:
        if self._weight_decay > 0:  # of all other leaves it is in torch's Adam
            for name, leaf in self.leaves().items():
                if leaf.grad is not None and (name in self._read or name in self._tables):
                    leaf.grad = leaf.grad + self.decay(name, leaf)
        self._adam.step(self._learning_rate)
        for table, optimiser in self._tables.values():
            optimiser.step()
            table.rows = None

    def settle(self) -> None:
        """Bring all rows up to date: before parameters are read in any other way than through :meth:`prepare`."""
        for table, optimiser in self._tables.values():
            table.rows = None
            optimiser.catch_up_all()

    def state_dict(self) -> State:
        """A copy of the optimiser's state, after every row of every table is brought up to date."""
        self.settle()
        state = dict(self._adam.state)
        state |= {name: optimiser.portable_state() for name, (_, optimiser) in self._tables.items()}
        return {name: {key: value.clone() for key, value in moments.items()} for name, moments in state.items()}

    def load_state_dict(self, state: State) -> None:
        """Take back what :meth:`state_dict` gave, copied; the parameters of that moment must be loaded too."""
        self._adam.state.clear()
        for name, parameter in self._dense.items():
            if name in state:
                moments = state[name].items()
                self._adam.state[name] = {key: value.to(parameter.device, copy=True) for key, value in moments}
        for name, (table, optimiser) in self._tables.items():
            table.rows = None
            optimiser.load_portable_state(state[name])

    def exact_state(self) -> dict[str, State]:
        """The optimiser's own tensors, not copied. No row is brought up to date, so no later step changes by a bit."""
        tables = {name: table.exact_state() for name, (_, table) in self._tables.items()}
        return {"dense": dict(self._adam.state), "tables": tables}

    def load_exact_state(self, state: dict[str, State]) -> None:
        """Take back what :meth:`exact_state` gave; the parameters of that moment must be loaded too."""
        self._adam.state.clear()
        for name, moments in state["dense"].items():
            self._adam.state[name] = dict(moments)
        for name, (table, optimiser) in self._tables.items():
            table.rows = None
            optimiser.load_exact_state(state["tables"][name])
