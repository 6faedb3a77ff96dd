"""A linear layer whose input is vectors, or each distinct vector once."""

from collections.abc import Iterable

from torch import Tensor, nn

from mtlbench.nn.factored import Factored


class Linear(nn.Linear):
    """torch's linear layer, (B, inputs) to (B, outputs). It also takes what ``FieldEmbedding.inputs`` gives."""

    def forward(self, x: Tensor | Factored) -> Tensor:
        """Outputs (B, outputs)."""
        return super().forward(x) if isinstance(x, Tensor) else x.project(self)


def first_layers(modules: Iterable[nn.Module]) -> list[Linear]:
    """The linear layers by which ``modules`` read their common input."""
    found = []
    for module in modules:
        if isinstance(module, Linear):
            found.append(module)
        else:
            inner = list(module.children())
            found += first_layers(inner[:1] if isinstance(module, nn.Sequential) else inner)
    return found
