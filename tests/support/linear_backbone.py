"""The smallest backbone with a shared part: one embedding sum, one linear logit per task."""

import torch
from torch import Tensor, nn

from mtlbench import api


class LinearBackbone(api.Backbone):
    """Logits linear in the sum of field embeddings and the numerical inputs."""

    name, label = "linear", "Linear"

    def __init__(self, schema: api.Schema, params: object = None) -> None:
        super().__init__()
        self.fields = nn.ModuleList(nn.Embedding(field.cardinality, 4) for field in schema.categorical)
        self.numerical = nn.Linear(len(schema.numerical), 4)
        self.dropout = nn.Dropout(0.1)
        self.logits = nn.Linear(4, len(schema.tasks))

    def forward(self, inputs: api.Inputs) -> Tensor:
        looked_up = [field(inputs.categorical[:, f]) for f, field in enumerate(self.fields)]
        state = self.dropout(torch.stack([*looked_up, self.numerical(inputs.numerical)]).sum(0).tanh())
        return self.logits(self.represent(state))
