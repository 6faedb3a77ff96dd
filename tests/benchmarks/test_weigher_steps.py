"""Cost of a step of a loop of one's own under a weigher, beside the same step with TorchJD.

Run with ``pytest tests/benchmarks/test_weigher_steps.py -m '' -n 0 --benchmark-only -s``. The two take turns on one
thread. Each step goes forward, weighs, goes backward and takes Adam's step; the sizes are those of a small and of a
middling network, with 2 and 6 tasks. TorchJD goes back through the shared part with all tasks at once, and we go task
by task: at the larger size both do the same arithmetic, and at the smaller one the calls of Python and torch are most
of the time.
"""

from collections.abc import Callable, Iterator

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from side_by_side import side_by_side
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from mtlbench import Weigher

aggregation = pytest.importorskip("torchjd.aggregation", reason="beside torchjd: pip install 'mtlbench[oracle]'")
autojac = pytest.importorskip("torchjd.autojac")

AGGREGATORS = {"upgrad": "UPGrad", "pcgrad": "PCGrad", "mgda": "MGDA", "imtl-g": "IMTLG", "aligned-mtl": "AlignedMTL"}
INPUTS = 128
WARM_UP, ROUNDS = 10, 200


class Network(nn.Module):
    """Two shared layers and two of each task."""

    def __init__(self, tasks: int, width: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        layers = nn.Linear(INPUTS, width), nn.ReLU(), nn.Linear(width, width // 2), nn.ReLU()
        self.shared = nn.Sequential(*layers)
        towers = (nn.Sequential(nn.Linear(width // 2, 64), nn.ReLU(), nn.Linear(64, 1)) for _ in range(tasks))
        self.towers = nn.ModuleList(towers)


def step(network: Network, labels: Tensor, backward: Callable[[list[Tensor], Tensor], None]) -> Callable[[], None]:
    """A training step on random inputs."""
    inputs, optimiser = torch.randn(len(labels), INPUTS), torch.optim.Adam(network.parameters())

    def run() -> None:
        features = network.shared(inputs)
        losses = [
            binary_cross_entropy_with_logits(tower(features).squeeze(1), labels[:, k])
            for k, tower in enumerate(network.towers)
        ]
        optimiser.zero_grad()
        backward(losses, features)
        optimiser.step()

    return run


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.benchmark(group="a step of a loop of one's own")
@pytest.mark.parametrize("tasks", [2, 6])
@pytest.mark.parametrize(("rows", "width"), [(128, 32), (512, 256)], ids=["small", "middling"])
@pytest.mark.parametrize("name", AGGREGATORS)
def test_step(benchmark: BenchmarkFixture, one_thread: None, name: str, rows: int, width: int, tasks: int) -> None:
    labels = (torch.rand(rows, tasks) < 0.3).float()
    own, other = Network(tasks, width), Network(tasks, width)
    weigher, aggregator = Weigher(name, tasks), getattr(aggregation, AGGREGATORS[name])()

    def weigh(losses: list[Tensor]) -> None:
        weigher.backward(losses, own.shared.parameters())

    def theirs(losses: list[Tensor], features: Tensor) -> None:
        autojac.mtl_backward(losses, features=features)
        autojac.jac_to_grad(other.shared.parameters(), aggregator)

    ours = step(own, labels, lambda losses, _: weigh(losses))
    reference = step(other, labels, theirs)
    for _ in range(WARM_UP):
        ours()
        reference()
    ratio = side_by_side(benchmark, ours, reference, ROUNDS)
    benchmark.extra_info.update(name=name, tasks=tasks, rows=rows, width=width)
    print(f"\n{name}, {tasks} tasks, {rows} rows, width {width}: TorchJD's step takes {ratio:.2f} times ours")
