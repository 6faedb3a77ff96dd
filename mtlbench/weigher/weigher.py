"""The weigher: a weighting at work in a loop of one's own."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from mtlbench.api import Inputs, Setting, Splits, Step, TrainingError, Weighting
from mtlbench.config.given import path_of
from mtlbench.errors import UsageError, said_of
from mtlbench.text import shown
from mtlbench.training.gradients import TASK_GRADIENTS
from mtlbench.training.seeding import seeded
from mtlbench.weigher.batch import Batch, LoopStep, Losses, read, side_by_side
from mtlbench.weigher.choosing import check, device_of, tasks_of, weighting_of
from mtlbench.weigher.joined import Scaling
from mtlbench.weigher.leaves import leaves_of
from mtlbench.weigher.passes import GradientPass, LossPass, Pass, are_finite
from mtlbench.weigher.processes import Processes
from mtlbench.weigher.trained import trained

POST_STEP = "post-step losses"
WEIGHTING, STEPS, EPOCHS = "weighting.", "steps", "epochs"
"""Parts of the state."""


class Weigher:
    r"""Weighs the losses, or the task gradients, of any torch training loop.

    It takes the place of ``loss.backward()``::

        weigher = mtlbench.Weigher("nash-mtl", tasks=3)
        for inputs, targets in loader:
            losses = [criterion(output, target) for output, target in zip(model(inputs), targets)]
            optimiser.zero_grad()
            weigher.backward(losses, shared=model.shared.parameters())
            optimiser.step()

    With L_k the mean loss of task k, g_k its gradient, and w the weights, ``.grad`` becomes

    .. math:: \frac{1}{K} \sum_k w_k \, g_k

    Weights of one give the plain average of the task losses. A method of task gradients sets the direction of the
    shared parameters alone; those of one task follow its own loss, as under weights of one.

    Args:
        weighting: a spec such as ``"famo"`` or ``"cagrad[c=0.4]"``, a class, or an instance.
        tasks: their number, or their names.
        kinds: what the labels are, one for all tasks or one each; read by methods for binary labels alone.
        learning_rate: of the network, for methods that learn at its rate (``uncertainty``, ``imtl-l``); 0.001 where it
            is not given. Of a method with a parameter of this name (``famo``, ``gradnorm``) it is that parameter.
        reduction: ``"sum"`` for loops that add the task losses up: weights of one then give the plain sum.
        device: of the losses.
        seed: random methods draw from a generator of their own. ``None``: from torch's global generator.
        **params: parameters of the method.

    Raises:
        UsageError: there is no such method or parameter, or the method cannot weigh outside ``mtlbench.run``.
    """

    def __init__(
        self,
        weighting: str | type[Weighting] | Weighting,
        tasks: int | Sequence[str],
        *,
        kinds: str | Sequence[str] = "binary",
        learning_rate: float | None = None,
        reduction: Literal["mean", "sum"] = "mean",
        device: torch.device | str = "cpu",
        seed: int | None = None,
        **params: Any,
    ) -> None:
        if not isinstance(reduction, str) or reduction not in {"mean", "sum"}:
            raise UsageError(f"reduction = {shown(reduction)}: expected 'mean' or 'sum'")
        self.tasks = tasks_of(tasks, kinds)
        self.weighting, learning_rate = weighting_of(weighting, params, learning_rate)
        check(self.weighting, self.tasks)
        self.reads_losses_after_step = POST_STEP in self.weighting.needs
        """Whether :meth:`after_step` must be called with new losses (``famo``)."""
        self._factor = len(self.tasks) if reduction == "sum" else 1
        self._device = device_of(device)
        self._seed = seed
        self._processes = Processes()
        kind = GradientPass if self.weighting.needs & TASK_GRADIENTS else LossPass
        self._pass: Pass = kind(self.weighting, self._processes)
        self._steps = self._epochs = 0
        self._waiting: LoopStep | None = None
        self._watched: list[tuple[Tensor, int]] = []
        self._after = torch.empty(0)
        rate = 1e-3 if learning_rate is None else learning_rate
        self.weighting.setup(Setting(self.tasks, self._device, rate, losses=self._losses_after))

    @classmethod
    def from_record(cls, path: Path | str, data_dir: Path | str = "data", **settings: Any) -> tuple["Weigher", Splits]:
        """A weigher with the critics of a trained cell, as of ``rmtl``, and the encoded dataset that they know.

        Args:
            path: of the cell's record; its checkpoint lies in the folder ``checkpoints`` beside ``records``. A run
                keeps those of cells that others build on: run with ``controls``.
            data_dir: the data folder, where the dataset has raw files.
            **settings: those of the class besides ``weighting``, ``tasks`` and ``kinds``.

        Raises:
            UsageError: there is no such record or checkpoint, or the method has no critics.
        """
        weighting, splits = trained(path_of("path", path, "the path of a record"), path_of("data_dir", data_dir))
        tasks = splits.schema.tasks
        names, kinds = [task.name for task in tasks], [task.kind for task in tasks]
        return cls(weighting, names, kinds=kinds, **settings), splits

    def backward(
        self,
        losses: Losses,
        shared: Iterable[Tensor] | None = None,
        *,
        inputs: Inputs | None = None,
        logits: Tensor | None = None,
        labels: Tensor | None = None,
        observed: Tensor | None = None,
        sample_weights: Tensor | None = None,
        scaler: "torch.amp.GradScaler | None" = None,
        scale: float = 1.0,
    ) -> Tensor:
        """Add the gradient under the weighting to ``.grad`` of all parameters, as ``loss.backward()`` does.

        Args:
            losses: mean losses (K,), or (B, K) of each sample and task; or a list with one tensor for each task, which
                is fastest: no task then goes backward through the networks of the others.
            shared: the parameters whose gradients are weighed, always in the same order; ``None``: those that two or
                more tasks reach. Methods of losses weigh all parameters.
            inputs: B encoded rows, for critics (:meth:`from_record`).
            logits: (B, K), for methods that read them.
            labels: (B, K), 0 or 1 of binary tasks, NaN where not observed; for methods that read them.
            observed: bool, of the shape of ``losses``; ``None``: all, or where ``labels`` are not NaN.
            sample_weights: (B,), how much each sample counts.
            scaler: of automatic mixed precision; ``scaler.step(optimiser)`` follows as usual.
            scale: the gradient is multiplied by it: 1/n where n steps are accumulated.

        Returns:
            The weights, (K,) or (B, K); NaN in a step that overflowed and that the ``scaler`` leaves out.

        Raises:
            UsageError: the method reads what was not given, no parameter is shared, or a shape is wrong.
            TrainingError: the losses, or the gradients that the method reads, are no finite numbers; the weighting is
                as before.
        """
        self._check_looked_again()
        columns = side_by_side(losses)
        if not columns.requires_grad:
            how = "compute them with gradients on" if torch.is_grad_enabled() else "leave torch.no_grad()"
            raise UsageError(f"the losses have no gradient: {how}, from parameters to train")
        if self._processes.count > 1 and labels is not None and observed is None:
            observed = ~labels.isnan()  # also where all are: other processes may have some that are not
        given = {"logits": logits, "labels": labels, "observed": observed, "sample_weights": sample_weights}
        batch = read(columns, len(self.tasks), self._device, inputs=inputs, **given)
        step = self._joined(batch).step(self._steps)
        if scaler is None and not are_finite(step):
            names, values = [task.name for task in self.tasks], step.task_means(step.losses.detach()).tolist()
            raise TrainingError(
                f"the mean losses of the tasks are {dict(zip(names, values, strict=True))}, not all finite: "
                "lower the learning rate, and leave out labels that are NaN by labels= or observed="
            )
        precision = None if scaler is None else scaler.scale(torch.ones((), device=self._device))
        with self._drawing():
            weights = self._pass(columns, batch, step, shared, Scaling(scale, self._factor, precision))
        if weights is None:
            return torch.full((len(self.tasks),), torch.nan, device=self._device)
        self._steps += 1
        step.losses = step.losses.detach()
        if self.reads_losses_after_step:
            self._waiting, self._watched = step, [(leaf, leaf._version) for leaf, _ in leaves_of([columns.grad_fn])]
        else:
            self.weighting.after_step(step)
        return weights.detach().clone()

    def after_step(self, losses: Losses | None = None) -> None:
        """Give the losses of the same samples after ``optimiser.step()``, to a method that looks again (``famo``).

        For other methods nothing happens, so that one loop can train under any of them.

        Raises:
            UsageError: the method reads losses, and none are given; or no step came before.
        """
        if not self.reads_losses_after_step:
            return
        if losses is None or self._waiting is None:
            missing = "losses: compute them again under torch.no_grad()" if losses is None else "a backward before it"
            raise UsageError(f"{self.weighting.name} reads the losses after the step; after_step needs {missing}")
        again = read(side_by_side(losses).detach(), len(self.tasks), self._device)
        self._after = self._joined(again).losses
        self.weighting.after_step(self._waiting)
        self._waiting, self._watched = None, []

    def end_epoch(self) -> None:
        """Say that an epoch is over, to methods that count epochs or compare them (``dwa``, ``stch``, ``decay``)."""
        self._epochs += 1
        self.weighting.end_epoch(self._epochs)

    def state_dict(self) -> dict[str, Tensor]:
        """All that later weights depend on, as tensors; shared parameters go by their order."""
        state = {f"{WEIGHTING}{name}": value for name, value in self.weighting.state_dict().items()}
        return {**state, STEPS: torch.tensor(self._steps), EPOCHS: torch.tensor(self._epochs)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave.

        Raises:
            UsageError: it is of another method, or of another number of tasks.
        """
        try:
            own = {name.removeprefix(WEIGHTING): value for name, value in state.items() if name.startswith(WEIGHTING)}
            self.weighting.load_state_dict(own)
            self._steps, self._epochs = int(state[STEPS]), int(state[EPOCHS])
        except (AttributeError, KeyError, RuntimeError) as error:
            raise UsageError(
                f"the state is none of {self.weighting.name} with {len(self.tasks)} tasks ({said_of(error)}); "
                "give what weigher.state_dict() gave of the same"
            ) from error

    def _joined(self, batch: Batch) -> Batch:
        return batch if self._processes.count == 1 else self._processes.joined(batch)

    def _drawing(self) -> AbstractContextManager[None]:
        """Where random methods draw from; all processes draw alike."""
        if self._seed is None and self._processes.count == 1:
            return nullcontext()
        return seeded(self._seed or 0, "weigher", self._steps)

    def _losses_after(self, step: Step) -> Tensor:
        return self._after

    def _check_looked_again(self) -> None:
        if any(leaf._version != version for leaf, version in self._watched):
            raise UsageError(
                f"{self.weighting.name} reads the losses after each step: after optimiser.step(), compute them again "
                "under torch.no_grad() and call weigher.after_step(losses)"
            )
