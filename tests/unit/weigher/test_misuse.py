"""Loops that a weigher cannot serve, or only with care: nothing is wrong in silence."""

import gc
import weakref

import pytest
import torch
from torch import Tensor, nn

import mtlbench
from mtlbench import api

TASKS = 3


class Network(nn.Module):
    """Two shared layers, of which the second may be left out, and a head for each task."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 16)
        self.heads = nn.ModuleList(nn.Linear(16, 1) for _ in range(TASKS))

    def forward(self, x: Tensor, second: bool = True) -> list[Tensor]:
        state = self.first(x).tanh()
        state = self.second(state).tanh() if second else state
        return [head(state).square().mean() * (k + 1) for k, head in enumerate(self.heads)]


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return Network()


X = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))


def test_parameters_that_were_used_up_are_refused(network: Network):
    weigher, once = mtlbench.Weigher("mgda", TASKS), network.first.parameters()
    weigher.backward(network(X), shared=once)
    with pytest.raises(api.UsageError, match=r"shared= has no parameter: .* call it anew in each step"):
        weigher.backward(network(X), shared=once)


@pytest.mark.parametrize("name", ["moco", "db-mtl", "adatask", "excess-mtl", "graddrop", "mgda"])
def test_a_layer_may_be_absent_from_a_step_or_frozen(network: Network, name: str):
    weigher = mtlbench.Weigher(name, TASKS)
    weigher.backward(network(X))
    network.zero_grad()
    weigher.backward(network(X, second=False))
    assert network.second.weight.grad is None
    assert network.first.weight.grad is not None
    network.second.requires_grad_(False)
    weigher.backward(network(X), shared=[*network.first.parameters(), *network.second.parameters()])
    assert network.second.weight.grad is None


@pytest.mark.parametrize("name", ["excess-mtl", "moco", "db-mtl", "adatask", "mgda", "nash-mtl"])
def test_a_gradient_that_is_nan_is_named_and_leaves_the_weighting_as_it_was(network: Network, name: str):
    weigher, other = mtlbench.Weigher(name, TASKS), mtlbench.Weigher(name, TASKS)
    broken = network(X)
    broken[1] = broken[1] + (network.first.weight * 0).abs().sqrt().sum()
    with pytest.raises(api.TrainingError, match=r"not all finite|inner products of the task gradients are"):
        weigher.backward(broken)
    torch.testing.assert_close(weigher.backward(network(X)), other.backward(network(X)), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_parameters_of_half_precision_have_finite_gradients_under_adatask(network: Network, dtype: torch.dtype):
    network.to(dtype)
    mtlbench.Weigher("adatask", TASKS).backward(network(X.to(dtype)))
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_numbers_that_would_spoil_gradients_are_refused(network: Network):
    losses = torch.stack([loss + torch.zeros(4) for loss in network(X)], dim=1)
    weigher = mtlbench.Weigher("constant", TASKS)
    for given, reason in (
        ({"scale": float("nan")}, "scale = nan: give a finite number"),
        ({"scale": "a"}, "scale = 'a': give a finite number"),
        ({"sample_weights": torch.tensor([1.0, 1, 1, torch.nan])}, "negative or not finite"),
        ({"sample_weights": torch.tensor([1.0, 1, 1, -1])}, "negative or not finite"),
        ({"observed": torch.full((4, TASKS), 0.3)}, "give bool"),
    ):
        with pytest.raises(api.UsageError, match=reason):
            weigher.backward(losses, **given)
    with pytest.raises(api.UsageError, match="losses have no row"):
        weigher.backward(losses[:0])
    with torch.no_grad(), pytest.raises(api.UsageError, match=r"leave torch\.no_grad\(\)"):
        weigher.backward(network(X))


def test_batches_that_have_gradients_are_not_kept(network: Network):
    weigher, inputs = mtlbench.Weigher("mgda", TASKS), X.clone().requires_grad_()
    weigher.backward(network(inputs), shared=[*network.first.parameters()])
    gone = weakref.ref(inputs)
    del inputs
    gc.collect()
    assert gone() is None
