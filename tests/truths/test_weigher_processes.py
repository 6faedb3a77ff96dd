"""Two processes that train one network get the gradients that one process gets on the joined batch."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from mtlbench import Weigher

METHODS = ("mgda", "pcgrad", "graddrop", "adatask", "uncertainty", "famo", "rlw", "focal")
ROWS = (10, 6)
"""Of each process: the last batch of an epoch may be shorter in one."""
TASKS, STEPS, RATE = 3, 3, 0.05


class Network(nn.Module):
    """A bottom and three towers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.bottom = nn.Linear(5, 4)
        self.towers = nn.ModuleList(nn.Linear(4, 1) for _ in range(TASKS))

    def forward(self, inputs: Tensor) -> Tensor:
        features = self.bottom(inputs).tanh()
        return torch.cat([tower(features) for tower in self.towers], dim=1)


def batch(step: int) -> tuple[Tensor, Tensor]:
    """Inputs, and labels of which a fourth was not observed; the first process has none of the last task in step 1."""
    generator = torch.Generator().manual_seed(step)
    inputs = torch.randn(sum(ROWS), 5, generator=generator)
    labels = torch.randint(2, (sum(ROWS), TASKS), generator=generator).float()
    labels[torch.rand(labels.shape, generator=generator) < 0.25] = torch.nan
    if step == 1:
        labels[: ROWS[0], -1] = torch.nan
    return inputs, labels


def train(name: str, rows: slice, wrapped: bool) -> dict[str, Any]:
    """What a loop on these rows of each batch ends with."""
    network, weigher = Network(), Weigher(name, TASKS, seed=0)
    model = DistributedDataParallel(network) if wrapped else network
    # Of adatask the direction is what the shared parameters move by; of all others too, under plain descent.
    optimiser = torch.optim.SGD(network.parameters(), RATE)

    def losses(inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = model(inputs)
        return F.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none"), logits

    weights = []
    for step in range(STEPS):
        inputs, labels = (values[rows] for values in batch(step))
        optimiser.zero_grad()
        if isinstance(model, DistributedDataParallel):
            with model.no_sync():
                of_samples, logits = losses(inputs, labels)
        else:
            of_samples, logits = losses(inputs, labels)
        weights.append(weigher.backward(of_samples, network.bottom.parameters(), logits=logits, labels=labels))
        optimiser.step()
        if weigher.reads_losses_after_step:
            with torch.no_grad():
                weigher.after_step(losses(inputs, labels)[0])
    return {"weights": weights, **{name: value.detach() for name, value in network.named_parameters()}}


def work(rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", f"file://{folder / 'meeting'}", world_size=2, rank=rank)
    start = sum(ROWS[:rank])
    rows = slice(start, start + ROWS[rank])
    found = {name: train(name, rows, wrapped=name != "rlw") for name in METHODS}
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_train_as_one_does_on_the_joined_batch(tmp_path: Path):
    torch.multiprocessing.spawn(work, (tmp_path,), nprocs=2)  # type: ignore[attr-defined]
    both = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    for name in METHODS:
        expected = train(name, slice(None), wrapped=False)
        for found in both:
            for one, other in zip(found[name].pop("weights"), expected["weights"], strict=True):
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
            for parameter, value in found[name].items():
                torch.testing.assert_close(value, expected[parameter], rtol=1e-4, atol=1e-6)
