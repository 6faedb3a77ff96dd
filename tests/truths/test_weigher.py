"""A weigher in a plain loop applies what the harness applies: the same weights, and the same directions."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from small_splits import small_schema, small_splits
from torch import Tensor, nn
from torch.nn import functional as F

from mtlbench import Weigher
from mtlbench.api import DirectionWeighting, Sizes, Step, UsageError, Weighting
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training import BackboneTrainer
from mtlbench.training.gradients import reach, shared
from mtlbench.training.seeding import derive, reseed, seeded
from mtlbench_plugins.backbones.shared_bottom import SharedBottom

TASKS, ROWS, EPOCHS, RATE = ("a", "b", "c", "d"), 160, 4, 0.01
SPLITS = small_splits(small_schema(TASKS), rows=ROWS)
TRAINING = Training(EPOCHS, EPOCHS, batch_size=32, learning_rate=RATE)
"""Of 20 steps."""
BUILT_IN = {
    name: entry.cls
    for name, entry in discover(()).weightings.items()
    if entry.cls.__module__.startswith("mtlbench_plugins.")
}
HARNESS = {
    *("auto-lambda", "ddpg", "forkmerge", "ips", "modo", "propensity", "rep-norm", "rmtl", "rmtl-official"),
    *("scalarization", "sdmgrad"),
}
"""They read sessions, labels, a representation, a second batch or thirds of one, or the order of the tasks, or
they train several times."""
SETTINGS = {"decay": "decay[clock=step]"}
"""In place of defaults that read the training split."""
NAMES = sorted(BUILT_IN.keys() - HARNESS)


def network() -> SharedBottom:
    with seeded(0, "initial parameters"):
        return SharedBottom(SPLITS.schema, Sizes(embedding=4, bottom=(8,), tower=(4,), dropout=0.0))


def shared_parameters(backbone: SharedBottom) -> list[str]:
    parameters = dict(backbone.named_parameters())
    return shared(reach(backbone.eval()(SPLITS.train.inputs), parameters))


def harness(weighting: Weighting) -> tuple[list[Tensor], SharedBottom]:
    """Weights of each step, and the network afterwards."""
    backbone, taken = network(), []
    hook = "direct" if isinstance(weighting, DirectionWeighting) else "weigh"
    original = getattr(weighting, hook)

    def watched(step: Step) -> Any:
        result = original(step)
        weights = weighting.effective_weights(step, result) if hook == "direct" else result
        taken.append(weights.detach().clone())
        return result

    setattr(weighting, hook, watched)
    trainer = BackboneTrainer(backbone, SPLITS, TRAINING, 0, dense=True)
    trained: dict[str, Tensor] = {}
    original_end = weighting.end_epoch

    def keep(epoch: int) -> None:
        original_end(epoch)
        trained.update({name: value.detach().clone() for name, value in backbone.named_parameters()})

    weighting.end_epoch = keep  # type: ignore[method-assign]
    torch.manual_seed(0)
    trainer.train(weighting)
    backbone.load_state_dict(trained, strict=False)
    return taken, backbone


def batches(backbone: SharedBottom) -> Iterator[tuple[int, Tensor]]:
    """Epoch and rows of each step, with the random numbers of the harness."""
    trainer = BackboneTrainer(backbone, SPLITS, TRAINING, 0)
    for epoch in range(1, EPOCHS + 1):
        for number, rows in enumerate(trainer.minibatches("train", epoch), start=1):
            reseed(torch.device("cpu"), derive(0, "step", "train", epoch, number))
            yield epoch, rows


def losses_of(backbone: SharedBottom, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    logits, labels = backbone(SPLITS.train.inputs[rows]), SPLITS.train.labels[rows]
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="none"), logits, labels


def optimisers(backbone: SharedBottom, weighting: Weighting, names: list[str]) -> list[torch.optim.Optimizer]:
    """Adam; where the method gives what Adam would, the learning rate alone for what is shared."""
    if not getattr(weighting, "preconditioned", False):
        return [torch.optim.Adam(backbone.parameters(), RATE)]
    own = [parameter for name, parameter in backbone.named_parameters() if name not in names]
    return [
        torch.optim.Adam(own, RATE),
        torch.optim.SGD([backbone.get_parameter(name) for name in names], RATE),
    ]


def own_loop(weigher: Weigher) -> tuple[list[Tensor], SharedBottom]:
    """The loop of somebody who knows nothing of the harness."""
    backbone = network()
    names, taken, last = shared_parameters(backbone), [], 1
    backbone.train()
    steps = optimisers(backbone, weigher.weighting, names)
    common = [backbone.get_parameter(name) for name in names]
    for epoch, rows in batches(backbone):
        if epoch > last:
            weigher.end_epoch()
            last = epoch
        losses, logits, labels = losses_of(backbone, rows)
        backbone.zero_grad()
        if weigher.weighting.per_sample and not isinstance(weigher.weighting, BUILT_IN["decay"]):
            weights = weigher.backward(losses, logits=logits, labels=labels)
        else:
            weights = weigher.backward(list(losses.unbind(1)) if epoch % 2 else losses.mean(0), common)
        for optimiser in steps:
            optimiser.step()
        if weigher.reads_losses_after_step:
            with torch.no_grad():
                weigher.after_step(losses_of(backbone, rows)[0])
        taken.append(weights)
    return taken, backbone


@pytest.mark.parametrize("name", NAMES)
def test_over_20_steps_a_plain_loop_applies_what_the_harness_applies(name: str):
    torch.manual_seed(0)  # for networks of the method's own
    weigher = Weigher(SETTINGS.get(name, name), TASKS, learning_rate=None if "learning_rate" in fields(name) else RATE)
    expected, trained = harness(type(weigher.weighting)(weigher.weighting.params))
    found, own = own_loop(weigher)
    assert len(found) == len(expected) == 20
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-4, atol=2e-5)
    for (parameter, value), other in zip(own.named_parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(value, other, rtol=1e-3, atol=1e-4, msg=lambda text, of=parameter: f"{of}: {text}")


def fields(name: str) -> set[str]:
    return set(BUILT_IN[name].Params.model_fields)


def test_every_other_built_in_weighting_says_why_it_cannot_and_what_to_do():
    for name in HARNESS:
        with pytest.raises(UsageError, match=r"train (under|with) "):
            Weigher(name, TASKS)


@pytest.mark.parametrize("name", ["mgda", "metabalance", "upgrad"])
def test_what_is_shared_is_found_where_it_is_not_given(name: str):
    gradients = []
    for form in ("given", "found from a list", "found from one tensor"):
        backbone = network()
        common = [backbone.get_parameter(one) for one in shared_parameters(backbone)]
        torch.manual_seed(0)
        losses, *_ = losses_of(backbone, torch.arange(64))
        by_task = losses if form == "found from one tensor" else [losses[:, k].mean() for k in range(len(TASKS))]
        Weigher(name, len(TASKS)).backward(by_task, common if form == "given" else None)
        gradients.append({name: parameter.grad for name, parameter in backbone.named_parameters()})
    for other in gradients[1:]:
        for parameter, gradient in gradients[0].items():
            torch.testing.assert_close(other[parameter], gradient, rtol=1e-3, atol=1e-6)


def test_weights_of_one_give_the_plain_average_or_the_plain_sum():
    for reduction, plain in (("mean", lambda losses: losses.mean()), ("sum", lambda losses: losses.mean(0).sum())):
        for name in ("constant", "cagrad[c=0]"):
            one, other = network(), network()
            losses, *_ = losses_of(one, torch.arange(64))
            assert Weigher(name, len(TASKS), reduction=reduction).backward(losses).tolist() == [1, 1, 1, 1]
            plain(losses_of(other, torch.arange(64))[0]).backward()
            for parameter, same in zip(one.parameters(), other.parameters(), strict=True):
                torch.testing.assert_close(parameter.grad, same.grad, rtol=1e-5, atol=1e-8)


def test_gradients_are_accumulated_over_steps():
    one, other = network(), network()
    weigher, again = Weigher("mgda", len(TASKS)), Weigher("mgda", len(TASKS))
    total: dict[str, Tensor] = {}
    for rows in (torch.arange(32), torch.arange(32, 96)):
        weigher.backward(list(losses_of(one, rows)[0].mean(0).unbind()), scale=0.5)
        other.zero_grad()
        again.backward(list(losses_of(other, rows)[0].mean(0).unbind()))
        for name, parameter in other.named_parameters():
            total[name] = total.get(name, torch.zeros_like(parameter)) + parameter.grad / 2
    for name, parameter in one.named_parameters():
        torch.testing.assert_close(parameter.grad, total[name])


def test_a_row_that_was_not_observed_changes_nothing():
    observed = torch.rand(64, len(TASKS), generator=torch.Generator().manual_seed(1)) < 0.7
    gradients = []
    for noise in (0.0, 100.0):
        for name in ("famo", "upgrad", "uncertainty"):
            backbone = network()
            losses, *_ = losses_of(backbone, torch.arange(64))
            Weigher(name, len(TASKS)).backward(torch.where(observed, losses, losses + noise), observed=observed)
            gradients.append([parameter.grad for parameter in backbone.parameters()])
    for one, other in zip(gradients[:3], gradients[3:], strict=True):
        for first, second in zip(one, other, strict=True):
            assert torch.equal(first, second)


class Towers(nn.Module):
    """One bottom and a tower for each of ``tasks``."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        with seeded(0, "towers"):
            self.bottom = nn.Sequential(nn.Linear(6, 8), nn.Tanh())
            self.towers = nn.ModuleList(nn.Linear(8, 1) for _ in range(tasks))

    def forward(self, inputs: Tensor) -> list[Tensor]:
        features = self.bottom(inputs)
        return [tower(features).squeeze(1) for tower in self.towers]


@pytest.mark.parametrize("name", ["upgrad", "pcgrad", "imtl-g", "aligned-mtl"])
@pytest.mark.parametrize("tasks", [2, 5])
def test_a_loop_with_torchjd_gets_the_same_gradients(name: str, tasks: int):
    from test_against_torchjd import oracle_of

    autojac = pytest.importorskip("torchjd.autojac", reason="the oracle is torchjd: pip install 'mtlbench[oracle]'")
    aggregator, tolerance = oracle_of(name)
    inputs = torch.randn(32, 6, generator=torch.Generator().manual_seed(tasks)).double()
    one, other = Towers(tasks).double(), Towers(tasks).double()
    torch.manual_seed(1)
    Weigher(name, tasks).backward([(out - k).square().mean() for k, out in enumerate(one(inputs))])
    losses = [(out - k).square().mean() for k, out in enumerate(other(inputs))]
    autojac.backward(losses, inputs=other.bottom.parameters())
    torch.manual_seed(1)
    jacobian = torch.cat([parameter.jac.flatten(1) for parameter in other.bottom.parameters()], dim=1)
    expected = aggregator(jacobian)
    ours = torch.cat([parameter.grad.flatten() for parameter in one.bottom.parameters()])
    assert (ours - expected).norm() <= max(tolerance, 1e-6) * expected.norm()
