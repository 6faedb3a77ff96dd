"""A linear layer that takes vectors or, in their place, each distinct vector once."""

from torch import Tensor, nn

from mtlbench.nn.factored import Factored


class Linear(nn.Linear):
    """torch's linear layer, (B, inputs) to (B, outputs), also of what ``FieldEmbedding.inputs`` gives."""

    def forward(self, x: Tensor | Factored) -> Tensor:
        """Outputs (B, outputs)."""
        return super().forward(x) if isinstance(x, Tensor) else x.project(self.weight, self.bias)
