"""A backbone's parameters: the seed decides them, all of them learn, and they are its whole state."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import Backbone, Step
from mtlbench.conformance.backbones.inputs import build, inputs
from mtlbench.conformance.generators import generator_states
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import NotApplicableError, broken, rule
from mtlbench.conformance.showing import show
from mtlbench.training.representation import NONE_NAMED, representation_fault
from mtlbench.training.seeding import seeded

GRADIENT_ROWS = 512
"""So many that no ReLU is 0 on all of them, and no id absent, by chance."""


@rule("backbone")
def initialised_by_the_seed(plugin: PluginUnderTest) -> None:
    """Initial parameters are random, and those of the seed: torch's global generator alone decides them."""
    first, second, other = (dict(build(plugin, seed=seed).named_parameters()) for seed in (0, 0, 1))
    for name, value in first.items():
        if not torch.equal(value, second[name]):
            broken(
                f"{name} starts as {show(value)}, and again under the same seed as {show(second[name])}",
                "draw initial values from torch's global generator, as torch.nn.init does",
            )
    if all(torch.equal(value, other[name]) for name, value in first.items()):
        broken("two seeds give the same initial parameters", "do not seed torch's generator in the constructor")


@rule("backbone")
def gradient_reaches_every_parameter(plugin: PluginUnderTest) -> None:
    """The loss of a batch has a gradient for every parameter."""
    backbone = build(plugin)
    logits = backbone(inputs(rows=GRADIENT_ROWS))
    labels = (torch.arange(GRADIENT_ROWS) % 3 == 0).float().unsqueeze(1).expand_as(logits)
    F.binary_cross_entropy_with_logits(logits, labels).backward()
    dead = [name for name, value in backbone.named_parameters() if value.grad is None or not value.grad.any()]
    if dead:
        broken(f"no gradient for {', '.join(dead)}", "remove what the logits do not use, and use what is left")
    if not any(True for _ in backbone.parameters()):
        broken("there are no parameters", "keep layers as attributes, in nn.ModuleList rather than in a list")


@rule("backbone")
def representation(plugin: PluginUnderTest) -> None:
    """Two tasks or more read each part of the named representation, and nothing that they share goes around it."""
    fault = representation_fault(build(plugin), inputs(rows=GRADIENT_ROWS))
    if fault == NONE_NAMED:
        raise NotApplicableError(f"it {fault}")
    if fault is not None:
        broken(
            f"it {fault}",
            "call self.represent once for each thing that tasks read, and let them read what it gives",
        )


@rule("backbone")
def state_round_trip(plugin: PluginUnderTest) -> None:
    """A new network that loads the state of another gives the same logits."""
    one, other = build(plugin, seed=0), build(plugin, seed=1)
    with torch.no_grad():
        for value in one.parameters():
            value.add_(0.01)
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        expected, found = one(inputs()), other(inputs())
    if not torch.equal(expected, found):
        broken(f"logits {show(found[0])} instead of {show(expected[0])}", "keep all tensors as parameters or buffers")


@rule("backbone")
def forward_has_no_side_effects(plugin: PluginUnderTest) -> None:
    """A forward pass in evaluation changes neither the network nor its inputs, and draws no random number."""
    backbone = build(plugin)
    given = inputs()
    before, copies = _copy(backbone), [tensor.clone() for tensor in given.tensors()]
    generators = generator_states()
    with torch.no_grad():
        first, second = backbone(given), backbone(given)
    if not torch.equal(first, second):
        broken(f"logits {show(first[0])}, and again {show(second[0])}", "keep noise to training mode")
    for name, value in _copy(backbone).items():
        if not torch.equal(value, before[name]):
            broken(f"{name} has changed", "do not update state in evaluation mode")
    if not all(map(torch.equal, given.tensors(), copies)):
        broken("the inputs have changed", "do not change a tensor in place that was passed in")
    for name, state in generator_states().items():
        if state != generators[name]:
            broken(f"{name} has changed", "draw random numbers in training mode only, and from torch alone")


def _copy(backbone: Backbone) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in backbone.state_dict().items()}


def trained(backbone: Backbone, seed: int) -> Tensor:
    """Logits after a few steps of gradient descent, a fingerprint of the architecture."""
    with seeded(seed, "training"):
        backbone.train()
        given = inputs()
        for number in range(3):
            logits = backbone(given)
            labels = (torch.arange(len(logits)) % 2).float().unsqueeze(1).expand_as(logits)
            parameters = list(backbone.parameters())
            losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
            penalty = backbone.penalty(Step(torch.arange(len(logits)), given, labels, logits, losses, number))
            loss = losses.mean() if penalty is None else losses.mean() + penalty
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            with torch.no_grad():
                for value, gradient in zip(parameters, gradients, strict=True):
                    if gradient is not None:
                        value.sub_(gradient, alpha=0.1)
        with torch.no_grad():
            result: Tensor = backbone.eval()(given)
    return result
