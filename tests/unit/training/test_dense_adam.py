"""Adam of parameters that are updated whole: the bits of torch.optim.Adam."""

import copy

import pytest
import torch
from torch import nn

from mtlbench.training.adam import DenseAdam
from mtlbench.training.embeddings.algorithms import BETAS, EPS


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_it_has_the_bits_of_torchs_adam_with_and_without_gradients(decay: float):
    torch.manual_seed(0)
    network = nn.ModuleDict({"table": nn.Embedding(9, 3), "layer": nn.Linear(5, 7), "late": nn.Linear(3, 1)})
    theirs = copy.deepcopy(network)
    ours = DenseAdam(dict(network.named_parameters()), ["table.weight"], decay)
    layers = [*theirs["layer"].parameters(), *theirs["late"].parameters()]
    groups = [{"params": layers, "weight_decay": decay}, {"params": theirs["table"].parameters()}]
    adam = torch.optim.Adam(groups, 1e-3, BETAS, EPS, fused=True)
    for number in range(20):
        rate = 1e-3 / (1 + number)
        for group in adam.param_groups:
            group["lr"] = rate
        ours.zero_grad()
        for (name, one), other in zip(network.named_parameters(), theirs.parameters(), strict=True):
            assert one.grad is None
            present = not name.startswith("late") or number in {3, 4, 9}
            other.grad = torch.randn_like(other) if present else None
            one.grad = None if other.grad is None else other.grad.clone()
        ours.step(rate)
        adam.step()
        assert len(ours.state) == (3 if number < 3 else 5)
    for (name, one), other in zip(network.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)
        assert ours.state[name].keys() == adam.state[other].keys()
        assert all(torch.equal(ours.state[name][key], value) for key, value in adam.state[other].items())
