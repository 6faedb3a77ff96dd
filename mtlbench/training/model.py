"""The model: a backbone and its optimiser, and all that is computed with the two."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mtlbench.api import Backbone, Inputs, Schema, Split, Splits, Step, TrainingError
from mtlbench.api.masks import masked_mean
from mtlbench.cells import Training
from mtlbench.nn import FieldEmbedding
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.training.gradients import PROBE_ROWS, Passes, Reach
from mtlbench.training.graphs import EagerPass, GraphedPass, buffers_kept
from mtlbench.training.optimiser import BackboneOptimiser
from mtlbench.training.recorders import RECORDERS
from mtlbench.training.replay import ReplayedTasks
from mtlbench.training.schedule import Schedule

INFERENCE_ROWS = 16384
"""Rows of a batch of inference. More rows read the same embedding more often, and a first layer computes it once."""

State = tuple[dict[str, Tensor], dict[str, Any]]
"""Copies of the state of a backbone and of its optimiser."""


class Model:
    """Forward passes, optimiser steps and states of one backbone.

    Args:
        backbone: on the device of ``splits``.
        splits: the training split is what steps read.
        training: batch size, precision and the optimiser's settings.
        dense: update every row of every embedding table in every step.
    """

    def __init__(self, backbone: Backbone, splits: Splits, training: Training, *, dense: bool = False) -> None:
        self.backbone = backbone
        self._data = splits.train
        self.tasks = FittedTasks.of(splits)
        self._weight_decay = training.weight_decay
        self._batch_size = training.batch_size
        self._targets, self._observed = self.tasks.targets(splits.train.labels)
        self._optimiser = BackboneOptimiser(
            backbone,
            training.learning_rate,
            training.weight_decay,
            reads=None if dense else _most_rows_read(splits.schema, training.batch_size),
            embedding_optimiser=training.embedding_optimiser,
        )
        device = self._data.labels.device
        self._schedule = Schedule(training)
        _set_embedding_dropout(backbone, training.embedding_dropout)
        self._eager = EagerPass(backbone, training.precision)
        replayed = device.type == "cuda" and backbone.replayable
        self._single = GraphedPass(self._eager, training.batch_size) if replayed else self._eager
        self._loss_sum = torch.zeros(len(splits.schema.tasks), dtype=torch.float64, device=device)
        self._loss_rows = torch.zeros_like(self._loss_sum)

    # -- forward --------------------------------------------------------------------------------------------------

    def step(
        self,
        rows: Tensor,
        number: int = 0,
        *,
        single: bool = False,
        forward: Callable[[Inputs], Tensor] | None = None,
    ) -> Step:
        """Losses of each sample and task on ``rows`` of the training split, which count in :meth:`mean_losses`.

        Args:
            rows: (B,) numbers of rows.
            number: of steps of the stage before.
            single: one backward pass follows, and its gradients are used before the next step. Faster on a GPU.
            forward: gives the logits of inputs, in place of a pass through the backbone.
        """
        data = self._data
        inputs, labels = data.inputs[rows], data.labels[rows]
        targets, mask = self._targets_of(rows)
        self._optimiser.prepare(inputs)
        logits = (forward or (self._single if single else self._eager))(inputs)
        losses = self.tasks.losses(logits, targets, mask)
        weights = None if data.weight is None else data.weight[rows]
        step = Step(rows, inputs, labels, logits, losses, number, mask=mask, sample_weights=weights)
        self._loss_sum += (losses.detach() if weights is None else step.counts * losses.detach()).sum(0)
        self._loss_rows += len(losses) if mask is None and weights is None else step.counts.sum(0)
        return step

    @torch.no_grad()
    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's rows as the parameters now are, in training mode; buffers stay as they are."""
        self._optimiser.prepare(step.inputs)
        with buffers_kept(self.backbone):  # batch normalisation has seen these rows
            logits = self._eager(step.inputs)
        targets, mask = self._targets_of(step.rows)
        return self.tasks.losses(logits, targets, mask)

    def task_losses_at(self, parameters: Mapping[str, Tensor], rows: Tensor) -> Tensor:
        """Mean losses (K,) on ``rows`` of the training split at other ``parameters``, float64, in the autograd graph.

        In training mode and float32. The backbone, its buffers and what it keeps of its last pass stay as they are.
        """
        at = {**{name: buffer.clone() for name, buffer in self.backbone.named_buffers()}, **parameters}
        logits = functional_call(copy(self.backbone), at, (self._data.inputs[rows],))
        targets, mask = self._targets_of(rows)
        weights = None if self._data.weight is None else self._data.weight[rows]
        return masked_mean(self.tasks.losses(logits.float(), targets, mask).double(), mask, weights)

    def training_losses(self, logits: Tensor) -> Tensor:
        """Losses (N, K) that ``logits`` (N, K) of the training split have."""
        return self.tasks.losses(logits, self._targets, self._observed)

    def infer(self, split: Split) -> Tensor:
        """Logits (N, K) on ``split``, in evaluation mode, in large batches, without gradient."""
        self._optimiser.settle()
        with _evaluating(self.backbone), torch.inference_mode():
            parts = [self._eager(inputs) for inputs in split.inputs.split(INFERENCE_ROWS)]
        return torch.cat(parts)

    def probe(self) -> Tensor:
        """Logits of a few rows in evaluation mode, in the autograd graph: they show which parameters are shared."""
        inputs = self._data.inputs[:PROBE_ROWS]
        self._optimiser.prepare(inputs)
        with _evaluating(self.backbone):
            return self._eager(inputs)

    # -- backward -------------------------------------------------------------------------------------------------

    def leaves(self) -> dict[str, Tensor]:
        """Parameter name -> leaf of the last forward pass: the parameter, or the rows read of a large table."""
        return self._optimiser.leaves()

    def decay(self) -> dict[str, Tensor]:
        """What weight decay adds to the gradient of each leaf; nothing where there is none."""
        if self._weight_decay == 0:
            return {}
        return {name: self._optimiser.decay(name, leaf) for name, leaf in self.leaves().items()}

    def replayed_tasks(self, reached: Reach, tasks: int, plain: Passes) -> ReplayedTasks | None:
        """What records and replays the passes forward and of ``tasks`` tasks backward, where this device does that.

        Not for a backbone with a penalty, whose gradient begins within the pass. ``plain`` goes backward without it.
        """
        record = RECORDERS.get(self._data.labels.device.type)
        if record is None or not self.backbone.replayable or type(self.backbone).penalty is not Backbone.penalty:
            return None
        return ReplayedTasks(self._eager, self._batch_size, self.leaves, reached, tasks, plain, record)

    def descend(self, loss: Tensor) -> None:
        """Take one optimiser step down the gradient of the scalar ``loss`` of the last step."""
        self._optimiser.descend(loss)

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return self._optimiser.learning_rate

    def pace(self, taken: int, per_epoch: int) -> None:
        """Before a step of a stage: set its learning rate, after ``taken`` steps of ``per_epoch`` an epoch."""
        self._optimiser.learning_rate = self._schedule.rate(taken, per_epoch)

    def apply(self, gradients: Mapping[str, Tensor], final: Mapping[str, Tensor] | None = None) -> None:
        """Take one optimiser step down ``gradients``, as :meth:`BackboneOptimiser.apply` does."""
        self._optimiser.apply(gradients, final)

    # -- losses between two validations ---------------------------------------------------------------------------

    def forget_losses(self) -> None:
        """Forget the losses so far."""
        self._loss_sum.zero_()
        self._loss_rows.zero_()

    def mean_losses(self) -> list[float]:
        """Mean training loss of each task over the observed rows since :meth:`forget_losses`, by their weights."""
        rows = torch.where(self._loss_rows > 0, self._loss_rows, 1.0)
        means: list[float] = (self._loss_sum / rows).tolist()
        return means

    # -- states ---------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """Copies of parameters and optimiser state, every row of every table brought up to date."""
        optimiser = self._optimiser.state_dict()
        return {name: value.detach().clone() for name, value in self.backbone.state_dict().items()}, optimiser

    def load(self, state: State, *, optimiser: bool = True) -> None:
        """Copy back what :meth:`state` gave; without ``optimiser`` the parameters alone."""
        self.backbone.load_state_dict(state[0])
        if optimiser:
            self._optimiser.load_state_dict(state[1])

    def exact_state(self) -> dict[str, Any]:
        """The state in the middle of an epoch, not copied.

        Unlike :meth:`state` it brings no row of a table up to date and so changes nothing: a training that is saved
        ends with the same bits as one that is not.
        """
        return {
            "backbone": dict(self.backbone.state_dict()),
            "optimiser": self._optimiser.exact_state(),
            "losses": self._loss_sum,
            "rows": self._loss_rows,
        }

    def load_exact_state(self, state: Mapping[str, Any]) -> None:
        """Copy back what :meth:`exact_state` gave."""
        self.backbone.load_state_dict(state["backbone"])
        self._optimiser.load_exact_state(state["optimiser"])
        self._loss_sum.copy_(state["losses"])
        self._loss_rows.copy_(state["rows"])

    def _targets_of(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Targets (B, K) of ``rows``, and which are observed; ``None`` where all of the training split are."""
        return self._targets[rows], None if self._observed is None else self._observed[rows]


def _set_embedding_dropout(backbone: Backbone, share: float) -> None:
    embeddings = [module for module in backbone.modules() if isinstance(module, FieldEmbedding)]
    for embedding in embeddings:
        embedding.dropout.p = share
    if share > 0 and not embeddings:
        raise TrainingError(
            f"embedding dropout {share:g} is of mtlbench.nn.FieldEmbedding, and {backbone.label} has none; leave "
            "--embedding-dropout out for it"
        )


def _most_rows_read(schema: Schema, batch_size: int) -> int:
    places = {field.name: 1 for field in schema.categorical}
    for bag in schema.bags:
        name = bag.of or bag.name
        places[name] = places.get(name, 0) + bag.length
    sizes = {field.name: field.cardinality for field in (*schema.bags, *schema.categorical)}
    return sum(min(sizes[name], batch_size * count) for name, count in places.items())


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """``network`` in evaluation mode while the block runs, and then in the mode it was in."""
    training = network.training
    network.eval()
    yield
    network.train(training)
