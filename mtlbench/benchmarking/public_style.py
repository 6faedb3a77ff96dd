"""The reference: the same mathematics, trained as public code of this field trains it.

This is our own code, written after the habits of public repositories such as MTReclib
(https://github.com/easezyc/Multitask-Recommendation-Library): one dense embedding table, torch's layers and dropout,
the loss of each task by itself, torch's default Adam, and a DataLoader that fetches row by row. Its networks are not a
second implementation. They are the backbone plugins themselves, with the layers of :mod:`mtlbench.nn` that compute
something in an unusual way replaced by torch's, so that any backbone has a reference, whoever wrote it, and the two
compute the same by construction.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mtlbench.api import Bag, Inputs, Split
from mtlbench.nn import FieldEmbedding, ReLUDropout
from mtlbench.nn.embedding import of_columns
from mtlbench.nn.pooling import Sum, held

Network = TypeVar("Network", bound=nn.Module)
LEARNING_RATE = 1e-3


class PublicEmbedding(nn.Embedding):
    """One table for all fields, read place by place, with a dense gradient.

    Args:
        source: the embedding whose parameters to copy.
    """

    columns: Tensor | None
    offsets: Tensor

    def __init__(self, source: FieldEmbedding) -> None:
        rows, width = source.weight.shape
        super().__init__(rows, width, _weight=source.weight.detach().clone())
        self.numerical = copy.deepcopy(source.numerical)
        self.pools, self.vectors = copy.deepcopy(source.pools), copy.deepcopy(source.vectors)
        self.register_buffer("columns", source.columns, persistent=False)
        self.register_buffer("offsets", source.offsets.long(), persistent=False)
        self.bag_starts = source.bag_starts
        self.tokens, self.width = source.tokens, source.width

    def forward(self, inputs: Inputs) -> Tensor:  # type: ignore[override]
        """Vectors (B, T * d) of B rows."""
        inputs = of_columns(inputs, self.columns)
        fields = inputs.categorical + self.offsets
        vectors = [super().forward(fields)]
        for pool, start, bag in zip(self.pools, self.bag_starts, inputs.bags, strict=True):
            vectors.append(self._pooled(pool, bag._replace(ids=bag.ids + start), fields).unsqueeze(1))
        vectors += [project(one).unsqueeze(1) for project, one in zip(self.vectors, inputs.vectors, strict=True)]
        if self.numerical is not None:
            vectors.append(self.numerical(inputs.numerical).unsqueeze(1))
        return torch.cat(vectors, dim=1).view(len(inputs), -1)

    def _pooled(self, pool: nn.Module, bag: Bag, fields: Tensor) -> Tensor:
        """The vector (B, d) of a bag of rows of the table."""
        if not isinstance(pool, Sum):
            attended: Tensor = pool(self.weight, bag.ids, bag, fields)
            return attended
        begin = bag.lengths.cumsum(0) - bag.lengths
        return F.embedding_bag(bag.ids[held(bag)], self.weight, begin, mode="mean" if pool.mean else "sum")

    def factored(self, inputs: Inputs, readers: Iterable[nn.Module] = ()) -> Tensor:
        """As :meth:`forward`: every reader reads for itself."""
        return self(inputs)

    def mean(self, embedded: Tensor) -> Tensor:
        """Mean (B, d) over the T vectors of ``embedded``."""
        return embedded.view(len(embedded), self.tokens, -1).mean(1)


def in_public_style(original: Network) -> Network:
    """A copy of ``original``, of the same parameters under the same names, made of torch's own layers."""
    network = copy.deepcopy(original)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, FieldEmbedding):
                setattr(parent, name, PublicEmbedding(child))
            elif isinstance(child, ReLUDropout):
                setattr(parent, name, nn.Sequential(nn.ReLU(), nn.Dropout(child.p)))
    return network


class PublicRows(Dataset[tuple[np.ndarray, ...]]):
    """The rows of a split, fetched one by one."""

    def __init__(self, split: Split) -> None:
        categorical, *others = split.inputs.tensors()
        self._columns = [tensor.numpy() for tensor in (categorical.long(), *others, split.labels)]

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, row: int) -> tuple[np.ndarray, ...]:
        return tuple(column[row] for column in self._columns)


def public_loader(split: Split, batch_size: int, shuffle: bool) -> Iterable[Sequence[Tensor]]:
    """Batches of the tensors of inputs, and labels, put together in this process: workers would use more cores."""
    loader: Iterable[Sequence[Tensor]] = DataLoader(PublicRows(split), batch_size=batch_size, shuffle=shuffle)
    return loader


class Average:
    """What a step of the loop does between inputs and ``.grad``: here by the plain average of the losses."""

    def logits(self, network: nn.Module, inputs: Inputs) -> Sequence[Tensor]:
        """Of each task (B,)."""
        logits: Tensor = network(inputs)
        return logits.unbind(1)

    def backward(self, losses: Sequence[Tensor]) -> None:
        """From the loss of each task to ``.grad`` of the parameters."""
        (torch.stack([*losses]).sum() / len(losses)).backward()


def public_step(network: nn.Module, method: Average | None = None) -> Callable[[Inputs, Tensor], float]:
    """What the loop does with a batch of inputs and labels; returns the average of the losses.

    Args:
        network: is trained.
        method: of another library (:mod:`mtlbench.benchmarking.peers`); ``None``: the plain average.
    """
    adam = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    criterion, by = nn.BCELoss(), method or Average()

    def step(inputs: Inputs, labels: Tensor) -> float:
        probabilities = [torch.sigmoid(logits) for logits in by.logits(network, inputs)]
        losses = [criterion(one, labels[:, k]) for k, one in enumerate(probabilities)]
        network.zero_grad()
        by.backward(losses)
        adam.step()
        return sum(loss.item() for loss in losses) / len(losses)

    return step


def public_losses(
    network: nn.Module, split: Split, batch_size: int, device: str = "cpu", method: Average | None = None
) -> Iterator[float]:
    """Train ``network`` on ``device`` for ever, epoch by epoch, and give the average loss of each step."""
    step = public_step(network.train(), method)
    loader = public_loader(split, batch_size, shuffle=True)
    for _ in count():
        for batch in loader:
            *inputs, labels = (part.to(device) for part in batch)
            yield step(Inputs.of(inputs), labels)
