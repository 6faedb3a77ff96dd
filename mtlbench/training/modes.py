"""What a pass that is no training leaves as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """``network`` in evaluation mode while the block runs, and then in the mode it was in."""
    training = network.training
    network.eval()
    yield
    network.train(training)


@contextmanager
def buffers_kept(network: nn.Module) -> Iterator[None]:
    """The buffers of ``network``, such as the running statistics of batch normalisation, are then as they were."""
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    yield
    for buffer, value in before:
        buffer.copy_(value)
