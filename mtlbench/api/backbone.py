"""The backbone plugin interface: a network from encoded rows to one logit per task."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import Field
from torch import Tensor, nn

from mtlbench.api.inputs import Inputs
from mtlbench.api.params import Params
from mtlbench.api.plugin import Plugin
from mtlbench.api.representation import Representation
from mtlbench.api.schema import Schema
from mtlbench.api.step import Step

Shared = TypeVar("Shared", bound=Any)
"""A tensor, or what ``FieldEmbedding.factored`` gives."""


class Sizes(Params):
    """Sizes that every built-in backbone shares; the defaults are those of the preset ``quick``.

    A preset (``quick``, ``compact``, ``paper``) sets the fields that the user did not.
    """

    embedding: int = Field(16, ge=1, le=4096, description="width of each field's embedding")
    bottom: tuple[int, ...] = Field((64, 32), min_length=1, description="widths of the bottom (expert) layers")
    tower: tuple[int, ...] = Field((16,), description="widths of the tower layers, the final logit excluded")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout after every hidden layer")
    norm: Literal["none", "batch"] = Field("none", description="normalisation before each activation")


class ExpertSizes(Sizes):
    """Sizes of a mixture-of-experts backbone."""

    experts: int = Field(4, ge=1, le=256, description="experts that a gate mixes")


class Backbone(Plugin, nn.Module, ABC):
    """Base of a backbone plugin.

    All randomness of the constructor comes from torch's global generator. The harness seeds it, so for one seed every
    weighting starts from the same parameters.
    """

    Params: ClassVar[type[Params]] = Sizes

    single_task: ClassVar[bool] = False
    """Whether the backbone is one network per task, nothing shared. The gain from sharing is measured against it."""

    task_kinds: ClassVar[frozenset[str] | None] = None
    """The kinds of task that it takes; ``None``: any."""

    replayable: ClassVar[bool] = True
    """Whether a training pass is the same sequence of kernels for all batches of one size. A GPU then records it once
    and replays it, which is many times as fast. Set ``False`` for a ``forward`` that looks at values
    (``if x.max() > 1``, ``x.item()``, ``x.nonzero()``) or keeps tensors for :meth:`penalty`; its kernels are then
    launched one by one."""

    _representation: Representation | None = None

    def __init_subclass__(cls) -> None:
        if "forward" in vars(cls) and "numerical" in signature(cls.forward).parameters:
            raise TypeError(
                f"{cls.__name__}.forward(categorical, numerical) has a new signature: write forward(inputs), and read "
                "inputs.categorical, inputs.numerical and inputs.bags (mtlbench.api.Inputs)"
            )
        if "penalty" in vars(cls) and "logits" in signature(cls.penalty).parameters:
            raise TypeError(
                f"{cls.__name__}.penalty(logits) has a new signature: write penalty(step), and read step.logits and "
                "step.labels (mtlbench.api.Step)"
            )
        super().__init_subclass__()

    @classmethod
    def applicable(cls, schema: Schema) -> str | None:
        """``None`` if the backbone fits the dataset, else the reason why not, as one sentence."""
        return None

    @abstractmethod
    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, K) of B rows."""

    def penalty(self, step: Step) -> Tensor | None:
        """A scalar that is added to the weighted loss of a step, or ``None``.

        It is for backbones whose paper trains them with a further term in the loss, such as AITM's calibrator. It is
        asked for once after the forward pass of each step of training, whose logits are those of ``step``.
        """
        return None

    def represent(self, shared: Shared) -> Shared:
        """Name ``shared``, in :meth:`forward`, as the shared representation, and give it to the tasks::

            features = self.represent(self.bottom(inputs))
            return torch.cat([tower(features) for tower in self.towers], dim=1)

        It is the last thing that every task reads. A representation of several parts, such as the outputs of experts,
        is named part by part. Each part is read by two tasks or more, and no parameter reaches the logits both through
        a part and around all of them; the conformance kit checks both. Weightings that compare gradients of the
        representation (``at=representation``) are not applicable to a backbone that names none.

        Unless such a weighting trains, this gives ``shared`` itself.

        Args:
            shared: (B, D), computed from what the tasks share.
        """
        return shared if self._representation is None else cast(Shared, self._representation.cut(shared))

    @contextmanager
    def represented(self) -> Iterator[Representation]:
        """While the block runs, :meth:`represent` cuts the graph of one forward pass; gives where it did."""
        self._representation = Representation()
        try:
            yield self._representation
        finally:
            self._representation = None
