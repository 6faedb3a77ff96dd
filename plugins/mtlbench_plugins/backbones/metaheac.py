"""MetaHeac: experts and critics chosen by hybrid gates on task and sample."""

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlbench import api
from mtlbench.nn import Experts, FieldEmbedding, Gate, Tower, mixtures


class MetaHeac(api.Backbone):
    r"""Hybrid experts and critics, both mixed by gates that see the task and the sample.

    Y. Zhu et al., "Learning to expand audience via meta hybrid experts and critics for recommendation and advertising",
    KDD 2021, https://arxiv.org/abs/2105.14688. With u_k a learnt embedding of task k and m(x) the mean of the field
    embeddings:

    .. math:: s_k = \sum_e g_e([u_k; m(x)]) \, f_e(x), \qquad
              \mathrm{logit}_k = \sum_c g'_c([u_k; m(x)]) \, t_c(s_k)

    The experts f and the critics t (towers) are shared by all tasks; g and g' are softmax gates.

    Deviations: public code averages the gated critics after the gate, which bounds its output by 1/critics. The gate
    already sums to 1, so here they are summed. In public code each critic ends in a sigmoid; here the gate mixes the
    logits of the critics, and the sigmoid comes last. The paper's meta-learning (MAML over many look-alike tasks) is
    left out: with a few tasks and one training set there is no distribution of tasks to learn from.
    """

    name, label = "metaheac", "MetaHeac"

    class Params(api.ExpertSizes):
        """Parameters of ``metaheac``."""

        critics: int = Field(5, ge=1, le=64, description="critics (towers) that the critic gate mixes")

    def __init__(self, schema: api.Schema, params: Params) -> None:
        super().__init__()
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.tasks = nn.Embedding(len(schema.tasks), params.embedding)
        self.experts = Experts(params.experts, self.embedding.width, params.bottom, params.dropout, params.norm)
        self.expert_gate = Gate(2 * params.embedding, params.experts)
        self.critics = nn.ModuleList(
            Tower(self.experts.width, params.tower, params.dropout, params.norm) for _ in range(params.critics)
        )
        self.critic_gate = Gate(2 * params.embedding, params.critics)

    def forward(self, inputs: api.Inputs) -> Tensor:
        """Logits (B, K)."""
        embedded = self.embedding.factored(inputs, readers=self.experts)
        outputs = [self.represent(output) for output in self.experts(embedded)]
        sample = self.represent(self.embedding.mean(embedded))
        contexts = [torch.cat([task.expand(len(sample), -1), sample], dim=1) for task in self.tasks.weight]
        mixed = mixtures([self.expert_gate(context) for context in contexts], outputs)
        return torch.cat([self._logit(*of_task) for of_task in zip(contexts, mixed, strict=True)], dim=1)

    def _logit(self, context: Tensor, features: Tensor) -> Tensor:
        opinions = torch.cat([critic(features) for critic in self.critics], dim=1)
        return (self.critic_gate(context) * opinions).sum(1, keepdim=True)
