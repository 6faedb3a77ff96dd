"""The weighting plugin interface: from a training step to the weights of its losses.

A weighting turns a step into weights, (K,) one per task or (B, K) one per sample and task. The trainer multiplies the
weights with the losses, averages over samples and tasks, goes backward, and records the weights. For every method,
weights of one give the plain average of the task losses.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from mtlbench.api.backbone import Backbone
from mtlbench.api.needs import Need
from mtlbench.api.params import GradientParams, Params, Where
from mtlbench.api.plugin import Plugin
from mtlbench.api.products import inner_products
from mtlbench.api.renamed import WEIGHTING_METHODS, replacement
from mtlbench.api.schema import Schema
from mtlbench.api.setting import Setting, check_setup
from mtlbench.api.step import Step
from mtlbench.api.trainer import Trainer
from mtlbench.api.troubles import Trouble, check_repairs
from mtlbench.errors import UsageError


@dataclass(frozen=True)
class Source:
    """A cell that a weighting builds on, of the same dataset and seed; trained once and shared by all that name it."""

    weighting: str
    params: Mapping[str, Any] = field(default_factory=dict)
    backbone: str | None = None
    """``None``: the same backbone. Else the name of one, which has its default parameters."""


class Weighting(Plugin, ABC):
    """Base of a weighting plugin.

    A weighting without a schedule of its own overrides :meth:`weigh` alone::

        class Inverse(Weighting):
            \"\"\"Weights inversely proportional to the task losses.\"\"\"

            name, label = "inverse", "Inverse"

            def weigh(self, step):
                return 1 / step.task_losses.detach().clamp(min=1e-8)
    """

    baseline: ClassVar[bool] = False
    """Whether the others are measured against this method, at its defaults."""

    tuned_baseline: ClassVar[bool] = False
    """Whether the others are measured against this method too, at its defaults: the tuned baseline."""

    restarted: ClassVar[Mapping[str, Any] | None] = None
    """Of a baseline: the parameters under which it continues from its own checkpoint. ``mtlbench run --controls`` adds
    it beside each method that continues from a checkpoint, because further training alone may give the gain."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    """What the method reads besides the losses.

    The weights of a method that needs ``gram``, ``jacobian`` or ``cross gram`` are (K,). They set only the direction of
    the shared parameters, (1/K) sum_k w_k g_k. The parameters of a single task follow its gradient with weight 1, as in
    most of the papers, which change the shared gradient only. A backbone without shared parameters is not
    applicable."""

    at: Where = "parameters"
    """Where the gradients are compared that ``gram`` or ``jacobian`` are of; the parameter ``at`` of
    :class:`GradientParams` sets it."""

    task_kinds: ClassVar[frozenset[str] | None] = None
    """The kinds of task that it takes; ``None``: any. A method that reads labels as 0 and 1, or logits as log-odds,
    takes ``binary`` alone."""

    per_sample: ClassVar[bool] = False
    """Whether the weights are (B, K), one per sample and task, at the defaults."""

    equivariant: ClassVar[bool] = True
    """Whether tasks in another order get the same weights in that order; for a random method, in distribution.

    ``False`` for a method in which the place of a task matters, such as one with a target task and auxiliary tasks. The
    conformance kit then does not permute the tasks."""

    repairs: ClassVar[frozenset[Trouble]] = frozenset()
    """The troubles that the method says it repairs; ``mtlbench advise`` tries it where a log shows one of them."""

    shown_on: ClassVar[frozenset[str]] = frozenset()
    """Boards and studies of this repository in which the method, tuned, is shown to gain over tuned constant weights.

    ``over-logs`` is the page of ``mtlbench leaderboard overall``: a gain in the mean over its logs.
    A class has its own alone, and inherits none. Of methods that repair what a log shows, ``mtlbench advise`` tries the
    one with the most of them, less those of ``harmed_on``."""

    harmed_on: ClassVar[frozenset[str]] = frozenset()
    """Those in which it is shown to lose."""

    coincides_with: ClassVar[frozenset[str]] = frozenset()
    """Names of the methods whose training this one repeats at its defaults, by construction. Its docstring says why.

    The conformance kit reports any other method with the same training as a duplicate."""

    def __init_subclass__(cls) -> None:
        for name in WEIGHTING_METHODS:
            if hasattr(cls, name):  # defined here or by a mixin
                raise TypeError(replacement(cls.__name__, name, WEIGHTING_METHODS))
        check_setup(cls.__name__, cls.setup)
        check_repairs(cls.__name__, cls.repairs)
        for name in ("shown_on", "harmed_on"):
            own = cls.__dict__.get(name, frozenset())
            if not isinstance(own, frozenset):
                raise TypeError(f"{cls.__name__}.{name} is {own!r}; give a frozenset of names")
            setattr(cls, name, own)
        super().__init_subclass__()

    def __init__(self, params: Params) -> None:
        self.params = params
        if isinstance(params, GradientParams):
            self.at = params.at

    @classmethod
    def method(cls, backbone: str) -> str:
        """The name in leaderboards of this weighting on the backbone with the label ``backbone``."""
        return f"{cls.label}-{backbone}"

    def applicable(self, schema: Schema, backbone: type[Backbone]) -> str | None:
        """``None`` if the pair makes sense, else the reason why not, as one sentence."""
        return None

    def warm_start(self) -> Source | None:
        """The cell whose trained backbone to continue from, on the same backbone; ``None`` for initial parameters."""
        return None

    def source(self) -> Source | None:
        """A further cell whose checkpoint is used: its weighting's state, or its budget. ``None`` if there is none.

        :meth:`fit` reads it as :attr:`Trainer.source_checkpoint`.
        """
        return None

    def controls(self) -> Sequence[Source]:
        """Rows that show where a gain of this method comes from; ``mtlbench run --controls`` runs them beside it.

        The baseline that continues from a checkpoint (:attr:`restarted`) need not be named: the harness adds it for a
        method with a :meth:`warm_start`.
        """
        return ()

    def needs_harness(self) -> str | None:
        """Why the method cannot weigh in a loop of one's own (:class:`mtlbench.Weigher`), and what to do, as the end of
        a sentence; ``None`` if it can."""
        if "critics" in self.needs:
            return "it trains critics on the sessions of a log; train with mtlbench.run"
        if "look-ahead" in self.needs:
            return "it looks ahead at a second batch of a training split; train with mtlbench.run"
        if "cross gram" in self.needs:
            return "it compares gradients of thirds of a batch; train with mtlbench.run"
        if self.at == "representation":
            return "it compares gradients of the representation that a backbone names; train with mtlbench.run"
        if type(self).fit is not Weighting.fit:
            return "it has a training schedule of its own; train with mtlbench.run"
        return None

    def load_trained(self, schema: Schema, state: Mapping[str, Tensor]) -> None:
        """Become what the method was after :meth:`fit`, so that it can weigh where no ``fit`` is called.

        Args:
            schema: of the dataset that it was trained on.
            state: what its :meth:`state_dict` gave then.

        Raises:
            UsageError: the method weighs without ``fit``, or in no loop but its own.
        """
        raise UsageError(f"{self.name} is not taken from a record: only methods that training prepares are")

    def fit(self, trainer: Trainer) -> None:
        """Train ``trainer.backbone`` in one stage, from initial parameters or from that of :meth:`warm_start`.

        Override it for a schedule of several stages. All weightings that continue from a checkpoint call that stage
        ``continue``, and so see the same batches and dropout masks in it.
        """
        if self.warm_start() is None:
            trainer.train(self, "train")
        else:
            trainer.restore()
            trainer.train(self, "continue")

    def setup(self, setting: Setting) -> None:
        """Called once before the first step of a stage, or of a loop of one's own."""

    @abstractmethod
    def weigh(self, step: Step) -> Tensor:
        """Weights (K,) per task or (B, K) per sample and task, on the device of ``step.losses``."""

    def after_step(self, step: Step) -> None:
        """Called after the optimiser step."""

    def end_epoch(self, epoch: int) -> None:
        """Called after epoch number ``epoch`` (from 1) of the stage, before validation."""

    def state_dict(self) -> dict[str, Tensor]:
        """The state that a checkpoint must hold."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""


class DirectionWeighting(Weighting):
    """Base of methods whose direction of the shared parameters is not a weighted sum of the task gradients.

    For example, GradDrop masks each number of the gradients, and DB-MTL averages the gradients over steps. The
    effective weights are recorded: those of the weighted sum of the task gradients that comes nearest to the direction
    taken.
    """

    needs = frozenset({"jacobian"})

    preconditioned: ClassVar[bool] = False
    """Whether the shared parameters move by the direction times the learning rate, without Adam. The task gradients
    then carry weight decay, where there is any, as if its term were in the loss of each task."""

    @abstractmethod
    def direct(self, step: Step) -> Mapping[str, Tensor]:
        """The direction to descend, by the names of ``step.jacobian``. The plain average would be (1/K) sum_k g_k."""

    def weigh(self, step: Step) -> Tensor:
        """Effective weights (K,) of the direction of this step."""
        return self.effective_weights(step, self.direct(step))

    def effective_weights(self, step: Step, direction: Mapping[str, Tensor]) -> Tensor:
        r"""Weights (K,) of the least-squares fit \|(1/K) sum_k w_k g_k - d\|; the smallest, where several fit."""
        tasks = len(step.gram)
        products = inner_products(
            (gradients, (direction[name],)) for name, gradients in step.jacobian.items() if name in direction
        )
        fitted = torch.linalg.pinv(step.gram, hermitian=True) @ products.squeeze(2).double().sum(0)
        return (tasks * fitted).to(step.losses.dtype)


def ones(step: Step) -> Tensor:
    """Weights (K,) of one. They give the plain average of the task losses."""
    return torch.ones(step.losses.shape[1], device=step.losses.device)
