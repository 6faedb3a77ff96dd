"""PEPNet: gates that read who the user is scale the embeddings and every layer."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import FieldEmbedding, Hidden
from mtlbench.nn.mlp import Norm


class PEPNet(api.Backbone):
    r"""Each task is a network of its own over one embedding, and gates from prior inputs scale each of its layers.

    J. Chang et al., "PEPNet: parameter and embedding personalized network for infusing with personalized prior
    information", KDD 2023, https://arxiv.org/abs/2302.01115. A gate neural unit gives factors from 0 to 2, and sg stops
    the gradient:

    .. math:: \mathrm{GNU}(x) = 2\,\sigma\big(W' \mathrm{ReLU}(W x + b) + b'\big), \qquad
              o = \mathrm{GNU}_e([\,d,\ \mathrm{sg}(e)\,]) \odot e

    .. math:: h_0 = o, \qquad
              h_l = \mathrm{ReLU}(W_{k,l} h_{l-1} + b_{k,l}) \odot \mathrm{GNU}_{k,l}([\,u,\ \mathrm{sg}(o)\,]), \qquad
              p_k = \sigma(w_k h_L + b_k)

    e is the embedding of all inputs, d that of the ``domain`` and u that of the ``priors``, both from tables of their
    own. The first gate is the paper's EPNet, for logs of several domains. It is there only where ``domain`` names
    inputs; else o = e. The others are its PPNet. The layers of a task have the widths of bottom and tower together, so
    the shared parameters are the embeddings and EPNet alone.

    The paper's priors are ids, such as those of user and item. Here they are the categorical inputs that describe the
    user; where a dataset names none of these, they are all categorical inputs.

    Public code differs in details. As in TorchEasyRec a gate comes after the activation, and its hidden layer is as
    wide as the layer; the embeddings of d and u are learnt. EPNet's hidden layer has the last width of the bottom. A
    batch is not computed by its distinct embeddings, so a first layer costs more than in other backbones.
    """

    name, label = "pepnet", "PEPNet"

    class Params(api.Sizes):
        """Parameters of ``pepnet``."""

        priors: tuple[str, ...] = Field(
            (), description="categorical inputs that the gates of layers read; none: those of the user, or all"
        )
        domain: tuple[str, ...] = Field(
            (), description="categorical inputs that the gate of the embedding reads; none: no such gate"
        )

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        priors = _known(params.priors, schema) or _of_user(schema)
        domain = _known(params.domain, schema)
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.priors = FieldEmbedding(schema, params.embedding, priors)
        self.domain = FieldEmbedding(schema, params.embedding, domain) if domain else None
        width = self.embedding.width
        self.epnet = None if self.domain is None else GateUnit(self.domain.width + width, params.bottom[-1], width)
        widths = (*params.bottom, *params.tower)
        self.networks = nn.ModuleList(
            GatedNetwork(width, self.priors.width + width, widths, params.dropout, params.norm) for _ in schema.tasks
        )

    @classmethod
    def applicable(cls, schema: api.Schema) -> str | None:
        """The gates need ids."""
        return None if schema.categorical else "PEPNet's gates read ids, and the dataset has no categorical input"

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.embedding(inputs)
        if self.epnet is not None and self.domain is not None:
            embedded = embedded * self.epnet(torch.cat([self.domain(inputs), embedded.detach()], dim=1))
        embedded = self.represent(embedded)
        seen = torch.cat([self.represent(self.priors(inputs)), embedded.detach()], dim=1)
        return torch.cat([network(embedded, seen) for network in self.networks], dim=1)


class GatedNetwork(nn.Module):
    """The network of a task, each layer scaled by a gate: (B, inputs) and what gates see, (B, seen), to (B, 1)."""

    def __init__(self, inputs: int, seen: int, widths: Sequence[int], dropout: float, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Hidden(a, b, dropout, norm) for a, b in pairwise([inputs, *widths]))
        self.gates = nn.ModuleList(GateUnit(seen, width, width) for width in widths)
        self.logit = nn.Linear(widths[-1], 1)

    def forward(self, state: Tensor, seen: Tensor) -> Tensor:
        """Logit (B, 1)."""
        for layer, gate in zip(self.layers, self.gates, strict=True):
            state = layer(state) * gate(seen)
        logit: Tensor = self.logit(state)
        return logit


class GateUnit(nn.Module):
    """The gate neural unit: (B, inputs) to factors (B, outputs) between 0 and 2, through one hidden layer."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.factors = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Factors (B, outputs)."""
        factors: Tensor = 2 * self.factors(self.hidden(x).relu()).sigmoid()
        return factors


def _of_user(schema: api.Schema) -> list[str]:
    """The categorical inputs that describe the user; all where there are none."""
    names = [field.name for field in schema.categorical]
    return [name for name in names if name in schema.user_inputs] or names


def _known(names: Sequence[str], schema: api.Schema) -> Sequence[str]:
    """``names``, if all are categorical inputs."""
    known = [field.name for field in schema.categorical]
    for name in names:
        if name not in known:
            raise api.UsageError(
                f"pepnet: {name!r} is no categorical input of the dataset: {api.did_you_mean(name, known)}"
            )
    return names
