"""Each step of a loop has a graph of its own: what a weigher found in one step must not be taken for the next."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import mtlbench
from mtlbench import api
from mtlbench.api import SharedGradients
from mtlbench.weigher import joined
from mtlbench.weigher.leaves import SEVERAL, leaves_of

TASKS = 3


class Network(nn.Module):
    """A bottom, a second one that some steps use in its place, and a tower for each task."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.bottom, self.second = nn.Linear(5, 4), nn.Linear(5, 4)
        self.extra = nn.Parameter(torch.ones(4))
        self.towers = nn.ModuleList(nn.Linear(4, 1) for _ in range(TASKS))

    def losses(self, inputs: Tensor, features: Tensor) -> list[Tensor]:
        return [(tower(features).squeeze(1) - k).square().mean() for k, tower in enumerate(self.towers)]


def ordinary(model: Network, inputs: Tensor) -> list[Tensor]:
    return model.losses(inputs, model.bottom(inputs).tanh())


def other_branch(model: Network, inputs: Tensor) -> list[Tensor]:
    return model.losses(inputs, model.second(inputs).sigmoid())


def longer(model: Network, inputs: Tensor) -> list[Tensor]:
    """A parameter more, that two of the tasks read."""
    one = ordinary(model, inputs)[0]
    features = (model.bottom(inputs) * model.extra).tanh()
    return [one, *model.losses(inputs, features)[1:]]


def without_a_task(model: Network, inputs: Tensor) -> list[Tensor]:
    """The loss of the last task does not depend on the network."""
    return [*ordinary(model, inputs)[:-1], torch.tensor(0.7)]


def chained(model: Network, inputs: Tensor) -> list[Tensor]:
    """A task's loss is a part of the next one's."""
    one, other, last = ordinary(model, inputs)
    return [one, one + other, other * last]


def frozen(model: Network, inputs: Tensor) -> list[Tensor]:
    model.bottom.bias.requires_grad_(requires_grad=False)
    try:
        return ordinary(model, inputs)
    finally:
        model.bottom.bias.requires_grad_(requires_grad=True)


def in_one_tensor(model: Network, inputs: Tensor) -> Tensor:
    return torch.stack(ordinary(model, inputs)) * torch.ones(TASKS)


ORDERS = [
    [ordinary, other_branch, longer, without_a_task, frozen, in_one_tensor, ordinary, chained, ordinary, longer],
    [in_one_tensor, frozen, without_a_task, longer, other_branch, ordinary, chained, frozen, other_branch],
]
"""After ``chained``, tasks have reached each other's towers, which counts from then on where a graph cannot tell."""


class Known(api.Weighting):
    """Weights 1, 2, 3, and the inner products that they came with."""

    name, label = "known", "Known"
    needs = frozenset({"gram"})

    def weigh(self, step: api.Step) -> Tensor:
        self.gram = step.gram
        return torch.arange(1.0, 1 + TASKS)


def expected(model: Network, losses: Tensor | list[Tensor]) -> tuple[list[Tensor | None], Tensor]:
    """The gradient of each parameter and the inner products, of one plain backward pass for each task."""
    rows = []
    for loss in losses:
        model.zero_grad()
        if loss.requires_grad:
            loss.backward(retain_graph=True)
        rows.append([p.grad for p in model.parameters()])
    reached = [sum(g is not None and bool(g.any()) for g in column) for column in zip(*rows, strict=True)]
    filled = [
        [torch.zeros_like(p) if g is None else g for p, g in zip(model.parameters(), row, strict=True)] for row in rows
    ]
    found: list[Tensor | None] = []
    for tasks, column in zip(reached, zip(*filled, strict=True), strict=True):
        weights = (1, 2, 3) if tasks > 1 else (1, 1, 1)
        found.append(sum(w * g for w, g in zip(weights, column, strict=True)) / TASKS if tasks else None)
    flat = torch.stack(
        [torch.cat([g.flatten() for g, n in zip(row, reached, strict=True) if n > 1]) for row in filled]
    ).double()
    model.zero_grad()
    return found, flat @ flat.T


@pytest.mark.parametrize("order", ORDERS, ids=["from a list", "from one tensor"])
def test_each_step_follows_its_own_graph(order: list[Callable]):
    model, kept = Network(), mtlbench.Weigher(Known, TASKS)
    for number, step in enumerate(order):
        inputs = torch.randn(16, 5, generator=torch.Generator().manual_seed(number))
        gradients, gram = expected(model, step(model, inputs))
        kept.backward(step(model, inputs))
        torch.testing.assert_close(kept.weighting.gram, gram, rtol=1e-5, atol=1e-7)
        for (name, parameter), gradient in zip(model.named_parameters(), gradients, strict=True):
            assert (parameter.grad is None) == (gradient is None), f"{step.__name__}: {name}"
            if gradient is not None:
                torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)


def test_a_leaf_is_of_one_root_or_of_several():
    one, two, three, common = (torch.ones(2, requires_grad=True) for _ in range(4))
    middle = common * 2
    roots = [(one * middle).sum(), (two * middle * middle).sum(), (three * common).sum(), (three * 3).sum()]
    found = {id(leaf): root for leaf, root in leaves_of([root.grad_fn for root in roots])}
    assert found == {id(one): 0, id(common): SEVERAL, id(two): 1, id(three): SEVERAL}
    alone = {id(leaf): root for leaf, root in leaves_of([root.grad_fn for root in roots[:3]])}
    assert alone == {id(one): 0, id(common): SEVERAL, id(two): 1, id(three): 2}


@pytest.mark.parametrize("name", ["upgrad", "graddrop", "metabalance"])
@pytest.mark.parametrize("settings", [{}, {"scale": 0.25}, {"scaler": True}])
def test_pieces_change_nothing(name: str, settings: dict, monkeypatch: pytest.MonkeyPatch):
    gradients = []
    for piece, at_once in ((2**20, 2**16), (1, 3)):
        monkeypatch.setattr(joined, "PIECE", piece)
        monkeypatch.setattr(joined, "AT_ONCE", at_once)
        model = Network()
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0) if "scaler" in settings else None
        mtlbench.Weigher(name, TASKS, seed=0).backward(
            ordinary(model, torch.randn(16, 5, generator=torch.Generator().manual_seed(0))),
            scaler=scaler,
            scale=settings.get("scale", 1.0),
        )
        scaling = 8.0 if scaler else settings.get("scale", 1.0)
        gradients.append([p.grad / scaling for p in model.parameters() if p.grad is not None])
    plain = Network()
    mtlbench.Weigher(name, TASKS, seed=0).backward(
        ordinary(plain, torch.randn(16, 5, generator=torch.Generator().manual_seed(0)))
    )
    gradients.append([p.grad for p in plain.parameters() if p.grad is not None])
    for one, other, without in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
        torch.testing.assert_close(one, without, rtol=1e-4, atol=1e-6)


def test_gradients_of_a_step_share_no_memory_with_each_other_or_with_the_losses():
    parameters = [nn.Parameter(torch.ones(())) for _ in range(3)]
    common = nn.Parameter(torch.ones(2))
    losses = [parameters[0] + parameters[1] + common.sum(), parameters[2] + 2 * common.sum()]
    mtlbench.Weigher("upgrad", 2).backward(losses)
    for parameter in [*parameters, common]:
        parameter.grad.mul_(2)  # as weight decay or clipping in place
    assert [parameter.grad.item() for parameter in parameters] == [1, 1, 1]
    assert common.grad.tolist() == [3, 3]


def test_inner_products_are_of_double_precision_also_within_autocast():
    torch.manual_seed(0)
    leaves = {name: torch.empty(shape) for name, shape in {"a": (70_000,), "b": (3, 5)}.items()}
    of_task = [{name: 1 + torch.rand_like(leaf) for name, leaf in leaves.items()} for _ in range(3)]
    flat = torch.stack([torch.cat([g.flatten() for g in own.values()]) for own in of_task]).double()
    with torch.autocast("cpu"):
        shared: SharedGradients = joined.JoinedShared([joined.Piece(of_task, leaves)], None)
        found = shared.gram
    torch.testing.assert_close(found, flat @ flat.T, rtol=1e-12, atol=0)
    assert [tuple(part.shape) for part in shared.jacobian["b"]] == [(3, 5)] * 3
    assert of_task == [{}, {}, {}]


def test_one_gradient_that_is_no_finite_number_is_found_among_many():
    for value in (torch.nan, torch.inf, -torch.inf):
        of_task = [{"a": torch.ones(3)}, {"a": torch.tensor([1.0, value, 1.0])}]
        with pytest.raises(api.TrainingError, match="diverged"):
            _ = joined.JoinedShared([joined.Piece(of_task, {"a": torch.empty(3)})], None).gram
