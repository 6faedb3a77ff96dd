"""Other libraries whose methods the reference loop can take, for whoever has them installed.

A library has our method if it has one of the same published name: ``AlignedMTL`` of TorchJD and ``Aligned_MTL`` of
LibMTL are our label ``Aligned-MTL``. So no weighting has to know who else has it, and one of a user is compared too.
"""

import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from inspect import Parameter, isclass, signature
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mtlbench.api import Backbone, Inputs, UsageError, Weighting
from mtlbench.benchmarking.public_style import Average
from mtlbench.discovery.catalogue import BREAKS, reason_of
from mtlbench.training.gradients import Reach, reach, shared


class SideBySide(TorchFunctionMode):
    """Sees what ``torch.cat`` last put side by side: in most backbones the logits of the tasks."""

    parts: Sequence[Tensor] = ()
    whole: Tensor | None = None

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if function is torch.cat:
            self.parts, self.whole = args[0], result
        return result


class Method(Average):
    """A method of a library over a network in the public style.

    Args:
        method: an instance of the library's class.
        network: that is trained.
        reached: the tasks that reach each of its parameters.
    """

    package: ClassVar[str]
    """What is imported, also the library's name."""
    module: ClassVar[str]
    """Has the classes of its methods."""

    def __init__(self, method: Any, network: Backbone, reached: Reach) -> None:
        self._method, self._network, self._reached = method, network, reached
        self._common = [network.get_parameter(name) for name in shared(reached)]

    def logits(self, network: nn.Module, inputs: Inputs) -> Sequence[Tensor]:
        """Of each task (B,), from its own tower: going backward from one then leaves the others alone."""
        with SideBySide() as seen:
            whole: Tensor = network(inputs)
        if seen.whole is not whole or len(seen.parts) != whole.shape[1]:
            raise UsageError(f"{self._network.label} does not put logits of its tasks side by side")
        return [part.squeeze(1) for part in seen.parts]

    @abstractmethod
    def backward(self, losses: Sequence[Tensor]) -> None:
        """What the library has in place of ``loss.backward()``."""


class TorchJD(Method):
    """https://torchjd.org: ``mtl_backward`` and ``jac_to_grad``, with its own defaults."""

    package, module = "torchjd", "torchjd.aggregation"

    def __init__(self, method: Any, network: Backbone, reached: Reach) -> None:
        super().__init__(method, network, reached)
        self._autojac = import_module("torchjd.autojac")
        self._features: list[Tensor] = []
        self._checked = False
        network.represent = self._represent  # type: ignore[method-assign, assignment]

    def _represent(self, part: Tensor) -> Tensor:
        self._features.append(part.view_as(part))  # so that its gradient is that of what reads it here
        return self._features[-1]

    def backward(self, losses: Sequence[Tensor]) -> None:
        """All tasks at once through what lies below the shared representation."""
        if not self._checked:
            self._check()
        own = [
            [self._network.get_parameter(name) for name, tasks in self._reached.items() if tasks == {task}]
            for task in range(len(losses))
        ]
        # Mixtures of experts may be one node of the graph for all tasks: it is needed until the last has gone back.
        self._autojac.mtl_backward(
            losses, features=self._features, tasks_params=own, shared_params=self._common, retain_graph=True
        )
        self._features.clear()
        self._autojac.jac_to_grad(self._common, self._method)

    def _check(self) -> None:
        """Whether what lies below the representation is what the tasks share; otherwise it would compare another."""
        if not self._features:
            raise UsageError(f"{self._network.label} names no shared representation")
        names, leaves = zip(*self._network.named_parameters(), strict=True)
        ends = [part.sum() for part in self._features]
        found = torch.autograd.grad(ends, leaves, retain_graph=True, allow_unused=True)
        if {name for name, one in zip(names, found, strict=True) if one is not None} != {*shared(self._reached)}:
            raise UsageError(f"{self._network.label} shares parameters above the representation that it names")
        self._checked = True


class LibMTL(Method):
    """https://github.com/median-research-group/LibMTL, at the defaults of its command line."""

    package, module = "LibMTL", "LibMTL.weighting"

    def __init__(self, method: Any, network: Backbone, reached: Reach) -> None:
        super().__init__(method, network, reached)
        self._settings = vars(import_module("LibMTL.config").LibMTL_args.parse_args([]))
        method.rep_grad, method.device = False, next(network.parameters()).device
        method.get_share_params, method.zero_grad_share_params = lambda: self._common, self._zero

    def _zero(self) -> None:
        for leaf in self._common:
            if leaf.grad is not None:
                leaf.grad.zero_()

    def backward(self, losses: Sequence[Tensor]) -> None:
        """Task by task through the whole network; like its ``Trainer``, from losses in one tensor."""
        if not hasattr(self._method, "task_num"):
            self._method.task_num = len(losses)
            self._method.init_param()
        self._method.backward(torch.stack([*losses]), **self._settings)


LIBRARIES: Mapping[str, type[Method]] = {library.package: library for library in (TorchJD, LibMTL)}


@dataclass(frozen=True)
class Peer:
    """A method of an installed library; it goes to the process that trains by it."""

    package: str
    name: str
    """Of its class."""
    arguments: Mapping[str, Any]
    """What the class must be given; all else is at the library's defaults."""

    @property
    def label(self) -> str:
        """The library, with its version where it is an installed distribution."""
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            return self.package

    def of(self, network: Backbone, inputs: Inputs) -> Method:
        """The method over ``network``, made ready to train; ``inputs`` show what its tasks share."""
        library, leaves = LIBRARIES[self.package], dict(network.named_parameters())
        reached = reach(network.eval()(inputs), leaves)
        method = getattr(import_module(library.module), self.name)(**self.arguments)
        return library(method, network.train(), reached)


def libraries(weighting: Weighting) -> list[str]:
    """The installed libraries that may have this method: those of task gradients at the shared parameters alone."""
    comparable = weighting.needs & {"gram", "jacobian"} and weighting.at == "parameters"
    return [package for package in LIBRARIES if comparable and find_spec(package) is not None]


def peer(package: str, weighting: Weighting, tasks: int) -> Peer | None:
    """The method of the library ``package`` that has the published name of ``weighting``; ``None`` if it has none.

    Raises:
        UsageError: the library cannot be imported, or its class asks for what ``weighting`` has no parameter of, or
            does not say what it asks for.
    """
    try:
        with redirect_stdout(sys.stderr):
            module = import_module(LIBRARIES[package].module)
    except BREAKS as error:
        raise UsageError(f"{package} cannot be imported: {reason_of(error)}") from error
    known = {**weighting.params.model_dump(), "n_tasks": tasks}
    for name, found in vars(module).items():
        if isclass(found) and _letters(name) == _letters(weighting.label):
            needed = _needed(found)
            if missing := [each for each in needed if each not in known]:
                raise UsageError(f"{package}'s {name} asks for {', '.join(missing)}")
            return Peer(package, name, {each: known[each] for each in needed})
    return None


def _needed(method: type) -> list[str]:
    """The arguments without which the class cannot be called."""
    try:
        arguments = signature(method).parameters.values()
    except ValueError as error:
        raise UsageError(f"{method.__module__.partition('.')[0]}'s {method.__name__} has no signature") from error
    several = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return [each.name for each in arguments if each.default is each.empty and each.kind not in several]


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()
