"""STEM: embedding tables of each task, beside shared ones."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import MLP, Experts, Factored, FieldEmbedding, Linear, Tower, mix
from mtlbench.nn.mlp import Norm


class STEM(api.Backbone):
    r"""Each task has embeddings and experts of its own, and reads those of other tasks without changing them.

    L. Su et al., "STEM: unleashing the power of embeddings for multi-task recommendation", AAAI 2024,
    https://arxiv.org/abs/2308.13537. With e_1, ..., e_K and e_s the embeddings of K + 1 sets of tables, F_k the
    experts of task k on e_k, F_s the shared experts on e_s, and sg the stop of the gradient:

    .. math:: h_k = g_k \cdot [\,\bar F_1, \dots, \bar F_K,\ F_s\,], \qquad
              \bar F_j = \begin{cases} F_k & j = k \\ \mathrm{sg}(F_j) & j \ne k \end{cases}, \qquad
              g_k = \mathrm{softmax}\big(m_k(e_k + e_s)\big), \qquad p_k = \sigma\big(t_k(h_k)\big)

    The loss of a task has no gradient in the tables and experts of another. So the shared parameters, of which
    weightings compare gradients, are e_s and F_s alone. The tables take K + 1 times the memory.

    The gates m_k are networks with the hidden widths of the towers, as in the authors' code. That code also has a gate
    for the shared branch, whose output is not read where there is one layer; it is left out. With more layers the
    shared branch would carry the gradient of each task into the tables of all others, so there is one layer only, the
    authors' default. Their default numbers of experts are other ones; the searched ranges are the authors'.
    """

    name, label = "stem", "STEM"

    class Params(api.Sizes):
        """Parameters of ``stem``."""

        specific: Annotated[int, api.search.Choice(1, 2, 4)] = Field(
            1, ge=1, le=64, description="experts of each task, on its own embeddings"
        )
        shared: Annotated[int, api.search.Choice(1, 2, 4, 8)] = Field(
            4, ge=1, le=64, description="shared experts, on the shared embeddings"
        )

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        tasks, sizes = len(schema.tasks), (params.dropout, params.norm)
        self.own = nn.ModuleList(Branch(schema, params, params.specific) for _ in range(tasks))
        self.shared = Branch(schema, params, params.shared)
        inputs, choices = self.shared.embedding.width, tasks * params.specific + params.shared
        self.gates = nn.ModuleList(SumGate(inputs, params.tower, choices, *sizes) for _ in range(tasks))
        self.towers = nn.ModuleList(Tower(params.bottom[-1], params.tower, *sizes) for _ in range(tasks))

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        shared, outputs = self.shared(inputs, self.gates)
        of_shared, shared = [self.represent(output) for output in outputs], self.represent(shared)
        branches = [branch(inputs, [gate]) for branch, gate in zip(self.own, self.gates, strict=True)]
        logits = []
        for task, (gate, tower) in enumerate(zip(self.gates, self.towers, strict=True)):
            read = [
                output if other == task else output.detach()
                for other, (_, outputs) in enumerate(branches)
                for output in outputs
            ]
            logits.append(tower(mix(gate(branches[task][0], shared), [*read, *of_shared])))
        return torch.cat(logits, dim=1)


class Branch(nn.Module):
    """A set of tables and the ``count`` experts on it."""

    def __init__(self, schema: api.Schema, sizes: api.Sizes, count: int) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, sizes.embedding)
        self.experts = Experts(count, self.embedding.width, sizes.bottom, sizes.dropout, sizes.norm)

    def forward(self, inputs: api.Inputs, readers: Iterable[nn.Module]) -> tuple[Tensor | Factored, list[Tensor]]:
        """The embedding, which ``readers`` read too, and the output (B, width) of each expert."""
        embedded = self.embedding.factored(inputs, readers=(self.experts, *readers))
        return embedded, self.experts(embedded)


class SumGate(nn.Sequential):
    """Softmax of a network that reads the sum of two embeddings, (B, inputs) each, to (B, choices).

    Its first layer reads them one by one, W (a + b) + c = (W a + c) + (W b + c) - c, so that each may be given as its
    distinct vectors.
    """

    def __init__(self, inputs: int, widths: Sequence[int], choices: int, dropout: float, norm: Norm) -> None:
        hidden = MLP(inputs, widths, dropout, norm)
        layers = [layer for one in hidden.children() for layer in one.children()]
        super().__init__(*layers, Linear(hidden.width, choices))

    def forward(self, one: Tensor | Factored, other: Tensor | Factored) -> Tensor:  # type: ignore[override]
        """Shares (B, choices), positive, summing to 1."""
        first, *others = self
        state = first(one) + first(other) - first.bias
        for layer in others:
            state = layer(state)
        shares: Tensor = state.softmax(dim=1)
        return shares
