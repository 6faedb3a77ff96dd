"""What a weighting must not change."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mtlbench.api import Backbone, Step
from mtlbench.conformance.fixture import Fixture
from mtlbench.conformance.generators import INSTEAD, generator_states, restored_generators
from mtlbench.conformance.plugin_under_test import PluginUnderTest
from mtlbench.conformance.rules import broken, rule
from mtlbench.conformance.showing import show
from mtlbench.conformance.training_run import Call, TrainingRun, new_training_run

FIXTURE = Fixture()

SETTINGS: dict[str, Callable[[], Any]] = {
    "the seed of torch's global generator": torch.initial_seed,
    "torch's default dtype": torch.get_default_dtype,
    "whether gradients are recorded": torch.is_grad_enabled,
    "torch's number of threads": torch.get_num_threads,
    "torch's deterministic mode": torch.are_deterministic_algorithms_enabled,
}
"""Name of a global setting, and how it is read."""

MAY_CHANGE = "the state of torch's global generator"


@rule("weighting")
def leaves_global_state_alone(plugin: PluginUnderTest) -> None:
    """No hook changes global state; numbers may be drawn from torch's global generator."""

    def watch(hook: str, call: Call, step: Step | None) -> Any:
        before = _global_state()
        result = call()
        for name, value in _global_state().items():
            if value != before[name]:
                remedy = INSTEAD if "generator" in name else "leave it to the harness, or set it in a context"
                broken(f"{hook} changed {name}", remedy)
        return result

    # A plugin's changes are undone: the kit leaves no trace either.
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    exact = torch.are_deterministic_algorithms_enabled()
    with restored_generators(), torch.enable_grad():
        try:
            new_training_run(plugin, FIXTURE, batch_size=FIXTURE.rows // 2, watch=watch).train()
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(exact)


def _global_state() -> dict[str, Any]:
    settings = {name: read() for name, read in SETTINGS.items()}
    return settings | {name: state for name, state in generator_states().items() if name != MAY_CHANGE}


@rule("weighting")
def leaves_the_network_alone(plugin: PluginUnderTest) -> None:
    """No hook changes the network or the step: the trainer alone moves parameters, by the weights it is given."""

    def watch(hook: str, call: Call, step: Step | None) -> Any:
        backbone = run.trainer.backbone
        before = _snapshot(backbone, step)
        result = call()
        for name, (value, properties) in _snapshot(backbone, step).items():
            was, had = before[name]
            if properties != had:
                broken(f"{hook} changed {name}: {had} became {properties}", "leave the network as the trainer has it")
            if not torch.equal(torch.nan_to_num(value), torch.nan_to_num(was)):
                changed = int((value != was).flatten().nonzero()[0])
                place = f"entry {changed}: {was.flatten()[changed]:.5g} became {value.flatten()[changed]:.5g}"
                broken(
                    f"{hook} changed {name}, {place}",
                    "return weights instead; work on copies, and do not change tensors of the step in place",
                )
        return result

    run: TrainingRun = new_training_run(plugin, FIXTURE, batch_size=FIXTURE.rows // 2, watch=watch)
    run.train()


@rule("weighting")
def weights_are_detached(plugin: PluginUnderTest) -> None:
    """The weights are numbers to the network: no gradient reaches its parameters through them."""

    def watch(hook: str, call: Call, step: Step | None) -> Any:
        result = call()
        if hook == "weigh" and isinstance(result, Tensor) and result.requires_grad:
            leaves = [p for p in run.trainer.backbone.parameters() if p.requires_grad]
            found = torch.autograd.grad(result.sum(), leaves, retain_graph=True, allow_unused=True)
            if any(part is not None for part in found):
                broken(
                    f"weights {show(result)} carry a gradient to {sum(part is not None for part in found)} parameters "
                    "of the network, which the trainer would descend too",
                    "compute them from step.losses.detach(), or return weights.detach()",
                )
        return result

    run: TrainingRun = new_training_run(plugin, FIXTURE, epochs=1, batch_size=FIXTURE.rows // 2, watch=watch)
    run.train()


def _snapshot(backbone: Backbone, step: Step | None) -> dict[str, tuple[Tensor, str]]:
    """Name -> value and properties, of the network and of the step's tensors."""
    parameters = dict(backbone.named_parameters())
    taken = {
        f"parameter {name}": (value.detach().clone(), f"requires_grad {value.requires_grad}")
        for name, value in parameters.items()
    }
    for name, buffer in backbone.named_buffers():
        taken[f"buffer {name}"] = buffer.clone(), ""
    taken["the network's mode"] = torch.zeros(0), "training" if backbone.training else "evaluation"
    if step is not None:
        for name in ("rows", "labels", "logits", "losses"):
            taken[f"step.{name}"] = getattr(step, name).detach().clone(), ""
        for number, tensor in enumerate(step.inputs.tensors()):
            taken[f"step.inputs, tensor {number}"] = tensor.clone(), ""
        if step.shared is not None:
            for name, gradients in step.jacobian.items():
                taken[f"the task gradients of {name}"] = torch.stack(gradients), ""
    return taken
