"""How work on a device is recorded, so that it can be done again without its Python code."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Work = Callable[[], Sequence[Tensor]]
"""Makes tensors of tensors that stay where they are in memory."""

WARM_UPS = 3
"""Times that work is done before it is recorded: libraries begin by choosing kernels, which a graph cannot hold."""


class Recorded(NamedTuple):
    """Work that can be done again without its Python code."""

    replay: Callable[[], None]
    """Does it again, and writes what it makes over ``outputs``."""
    outputs: list[Tensor]


Recorder = Callable[[Sequence[Work]], list[Recorded]]
"""Records pieces of work that follow each other, in the order in which they are always replayed."""


def cuda_graphs(works: Sequence[Work]) -> list[Recorded]:
    """Each of ``works`` as a CUDA graph.

    They are recorded twice, the first time with another generator. In some versions of torch a recording that fails
    leaves its generator unusable, and what is recorded reads the generator that it was recorded with.

    Raises:
        RuntimeError: one of them cannot be recorded.
    """
    torch.cuda.synchronize()
    with torch.cuda.stream(torch.cuda.Stream()):
        for _ in range(WARM_UPS):
            for work in works:
                work()
    torch.cuda.synchronize()
    generator = torch.cuda.default_generators[torch.cuda.current_device()]
    own = generator.graphsafe_get_state()
    generator.graphsafe_set_state(generator.clone_state())
    try:
        _captured(works)
    finally:
        generator.graphsafe_set_state(own)
    return _captured(works)


def _captured(works: Sequence[Work]) -> list[Recorded]:
    pool, recorded = torch.cuda.graph_pool_handle(), []
    with torch.cuda.stream(torch.cuda.current_stream()):  # which a recording that fails would leave another one
        for work in works:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                outputs = [output.detach() for output in work()]
            recorded.append(Recorded(graph.replay, outputs))
    return recorded


RECORDERS: dict[str, Recorder] = {"cuda": cuda_graphs}
"""By the type of a device. On others a step is not launched kernel by kernel, and nothing is won."""
