"""Every weighting over fifty steps of six tasks: the training path applies what a plain torch loop applies.

The loop has one backward pass for each task, the shared parameters by name, means of all losses, and torch's own Adam
over all parameters. The weights and directions in it are the method's; its formula has tests in the method's own file.
"""

import copy

import pytest
import torch
from small_splits import small_schema, small_splits
from torch import Tensor
from torch.nn import functional as F

from mtlbench.api import DirectionWeighting, Setting, SharedGradients, Sizes, Step, Weighting
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.training import TASK_GRADIENTS
from mtlbench.training.model import Model
from mtlbench.training.seeding import derive, seeded
from mtlbench.training.update import WeightedUpdate
from mtlbench_plugins.backbones.shared_bottom import SharedBottom

TASKS, ROWS, BATCH, STEPS, RATE = tuple("abcdef"), 240, 40, 50, 1e-3
SPLITS = small_splits(small_schema(TASKS), rows=ROWS)
OTHERS = {
    "auto-lambda": "test_auto_lambda.py",
    "ips": "test_ips.py",
    "modo": "test_modo_and_sdmgrad.py",
    "propensity": "test_plain_loop.py",
    "rep-norm": "test_representation.py",
    "sdmgrad": "test_modo_and_sdmgrad.py",
}
"""They read more than a batch and its gradients, and have loops of their own in these files. Methods with a ``fit`` of
their own are not here either: they train by the same steps, in an order that is theirs."""
WEIGHTINGS = discover(()).weightings
NAMES = [
    name
    for name, entry in sorted(WEIGHTINGS.items())
    if entry.cls.__module__.startswith("mtlbench_plugins.") and entry.cls.fit is Weighting.fit and name not in OTHERS
]


class PlainLoop:
    """A network, and how a method trains it in torch's own words."""

    def __init__(self, network: SharedBottom, method: Weighting) -> None:
        self.network, self.method = network, method
        self.parameters = dict(network.named_parameters())
        self.shared = {name: one for name, one in self.parameters.items() if name.startswith("bottom.")}
        moved_by_itself = self.shared.values() if getattr(method, "preconditioned", False) else ()
        self.adam = torch.optim.Adam(
            [one for one in network.parameters() if all(one is not other for other in moved_by_itself)], RATE
        )
        method.setup(Setting(SPLITS.schema.tasks, learning_rate=RATE, train=SPLITS.train, losses=self.losses_of))

    def losses_of(self, step: Step) -> Tensor:
        logits = self.network(SPLITS.train.inputs[step.rows])
        return F.binary_cross_entropy_with_logits(logits, SPLITS.train.labels[step.rows], reduction="none").detach()

    def step(self, rows: Tensor, number: int) -> None:
        inputs, labels = SPLITS.train.inputs[rows], SPLITS.train.labels[rows]
        logits = self.network(inputs)
        losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        step = Step(rows, inputs, labels, logits, losses, number)
        self.adam.zero_grad()
        if self.method.needs & TASK_GRADIENTS:
            self._descend_gradients(step)
        else:
            (self.method.weigh(step) * losses).mean().backward()
        self.adam.step()
        self.method.after_step(step)

    def _descend_gradients(self, step: Step) -> None:
        means, common = step.losses.mean(0), list(self.shared.values())
        of_task = [torch.autograd.grad(loss, common, retain_graph=True) for loss in means]
        means.mean().backward()
        step.shared = SharedGradients(dict(zip(self.shared, zip(*of_task, strict=True), strict=True)))
        if isinstance(self.method, DirectionWeighting):
            direction = dict(self.method.direct(step))
            self.method.effective_weights(step, direction)
        else:
            weights = self.method.weigh(step)
            direction = {
                name: sum(weight * own for weight, own in zip(weights, gradients, strict=True)) / len(TASKS)
                for name, gradients in step.jacobian.items()
            }
        for name, parameter in self.shared.items():
            parameter.grad = direction[name]
            if getattr(self.method, "preconditioned", False):
                parameter.data.sub_(RATE * direction[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_fifty_steps_of_six_tasks_are_those_of_a_plain_loop(name: str):
    with seeded(0, "initial parameters"):
        backbone = SharedBottom(SPLITS.schema, Sizes(embedding=4, bottom=(8,), tower=(4,), dropout=0.0))
    kind, before = WEIGHTINGS[name].cls, copy.deepcopy(backbone)
    torch.manual_seed(0)  # for networks of the method's own
    loop, method = PlainLoop(copy.deepcopy(backbone), kind(kind.Params())), kind(kind.Params())
    model = Model(backbone, SPLITS, Training(batch_size=BATCH), dense="parameters" in method.needs)
    setting = Setting(SPLITS.schema.tasks, learning_rate=RATE, train=SPLITS.train, losses=model.losses)
    torch.manual_seed(0)
    update = WeightedUpdate(method, setting, model)
    for number in range(STEPS):
        rows = torch.randperm(ROWS, generator=torch.Generator().manual_seed(derive(0, number)))[:BATCH]
        torch.manual_seed(number)
        update.step(rows)
        torch.manual_seed(number)
        loop.step(rows, number)
        if (number + 1) % (ROWS // BATCH) == 0:
            update.end_epoch(1 + number // (ROWS // BATCH))
            loop.method.end_epoch(1 + number // (ROWS // BATCH))
    start = dict(before.named_parameters())
    assert max((value - start[key]).abs().max() for key, value in backbone.named_parameters()) > 1e-2
    for key, value in backbone.named_parameters():
        torch.testing.assert_close(
            value, loop.parameters[key], atol=2e-5, rtol=1e-3, msg=lambda text, of=key: f"{of}: {text}"
        )
