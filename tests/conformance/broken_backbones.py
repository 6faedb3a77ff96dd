"""A sound backbone, and one for each rule of the kit that breaks this rule and no other."""

from dataclasses import replace

import torch
from breaking import registry
from torch import nn

from mtlbench import api
from mtlbench.nn import FieldEmbedding


class Sound(api.Backbone):
    r"""A logistic regression per task on one shared embedding.

    .. math:: p_k = \sigma(w_k \cdot e(x) + b_k)

    D. Cox, "The regression analysis of binary sequences", 1958, https://doi.org/10.1111/j.2517-6161.1958.tb00292.x.
    """

    name, label = "sound", "Sound"

    def __init__(self, schema, params):
        super().__init__()
        self.schema = schema
        self.embedding = FieldEmbedding(schema, params.embedding)
        self.logits = nn.Linear(self.embedding.width, len(schema.tasks))

    def forward(self, inputs):
        return self.logits(self.embedding(inputs))


BROKEN, breaks = registry(Sound)


@breaks("documented")
class NoFormula(Sound):
    """Says where it is from, https://example.org, and not what it does."""


@breaks("parameters-are-described")
class Undescribed(Sound):
    class Params(api.Sizes):
        depth: int = 3


@breaks("one-task")
class DividesByOthers(Sound):
    def forward(self, inputs):
        others = len(self.schema.tasks) - 1
        return super().forward(inputs) * others / others


@breaks("two-tasks")
class Doubles(Sound):
    def forward(self, inputs):
        logits = super().forward(inputs)
        return logits.double() if len(self.schema.tasks) == 2 else logits


@breaks("five-tasks")
class FourAtMost(Sound):
    def forward(self, inputs):
        return super().forward(inputs)[:, :4]


@breaks("parallel-tasks")
class FunnelAssumed(Sound):
    def __init__(self, schema, params):
        super().__init__(schema, params)
        assert schema.chain


@breaks("mixed-kinds")
class BinaryAssumed(Sound):
    def __init__(self, schema, params):
        super().__init__(schema, params)
        assert all(task.kind == "binary" for task in schema.tasks)


@breaks("no-numerical-inputs")
class NumbersAssumed(Sound):
    def forward(self, inputs):
        return super().forward(inputs) + 1e-9 * inputs.numerical[:, :1]


@breaks("no-categorical-inputs")
class IdsAssumed(Sound):
    def forward(self, inputs):
        return super().forward(inputs) + 1e-9 * inputs.categorical[:, :1]


@breaks("bags")
class ReadsEveryPlace(Sound):
    def forward(self, inputs):
        return super().forward(inputs) + 1e-3 * sum(bag.ids.sum(1, keepdim=True) for bag in inputs.bags)


@breaks("vectors")
class LeavesVectorsOut(Sound):
    def forward(self, inputs):
        return super().forward(replace(inputs, vectors=tuple(map(torch.zeros_like, inputs.vectors))))


@breaks("large-inputs")
class Exponentiates(Sound):
    def forward(self, inputs):
        logits = super().forward(inputs)
        return (logits.exp() * (1 + (-logits).exp())).log()


@breaks("rows-are-independent")
class ComparesRows(Sound):
    def forward(self, inputs):
        logits = super().forward(inputs)
        return logits - logits.mean(0) / 2


@breaks("initialised-by-the-seed")
class FixedStart(Sound):
    def __init__(self, schema, params):
        with torch.random.fork_rng():
            torch.manual_seed(7)
            super().__init__(schema, params)


@breaks("gradient-reaches-every-parameter")
class Unused(Sound):
    def __init__(self, schema, params):
        super().__init__(schema, params)
        self.spare = nn.Linear(3, 3)


@breaks("representation")
class GoesAroundIt(Sound):
    def forward(self, inputs):
        embedded = self.embedding(inputs)
        return self.logits((self.represent(embedded) + embedded) / 2)


@breaks("state-round-trip")
class LosesATensor(Sound):
    def __init__(self, schema, params):
        super().__init__(schema, params)
        self.scale = torch.rand(len(schema.tasks))

    def forward(self, inputs):
        return super().forward(inputs) * self.scale


@breaks("forward-has-no-side-effects")
class AlwaysDrops(Sound):
    def __init__(self, schema, params):
        super().__init__(schema, params)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, inputs):
        self.calls += 1
        return super().forward(inputs)


@breaks("trains-with-every-weighting")
class FailsInTraining(Sound):
    def forward(self, inputs):
        assert not (self.training and len(inputs) == 16)
        return super().forward(inputs)


@breaks("not-a-duplicate")
class SharedBottomAgain(Sound):
    def __new__(cls, schema, params):
        from mtlbench_plugins.backbones.shared_bottom import SharedBottom

        return SharedBottom(schema, params)
