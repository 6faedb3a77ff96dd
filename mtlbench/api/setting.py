"""What a weighting knows before its first step."""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import NoReturn

import torch
from torch import Tensor

from mtlbench.api.renamed import SETTING_ATTRIBUTES, replacement
from mtlbench.api.splits import Split
from mtlbench.api.step import Step
from mtlbench.api.tasks import Task
from mtlbench.errors import UsageError

ELSEWHERE = "a loop of one's own has none: train with mtlbench.run"


class Setting:
    """What :meth:`mtlbench.api.Weighting.setup` gets: the tasks, and what can be asked of the training.

    It is the same in the harness and in a loop of one's own (:class:`mtlbench.Weigher`). A test of a plugin makes one::

        method.setup(api.Setting([api.Task("click"), api.Task("watch_time", "nonnegative")]))

    Args:
        tasks: K tasks with their kinds, in the order of the columns of the losses.
        device: of the losses.
        learning_rate: of the network.
        train: the training split; ``None``: there is none.
        losses: what :meth:`losses` gives; ``None``: nobody can compute them.
        look_ahead: what :meth:`look_ahead` gives; ``None``: nobody can.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        device: torch.device | str = "cpu",
        learning_rate: float = 1e-3,
        train: Split | None = None,
        losses: Callable[[Step], Tensor] | None = None,
        look_ahead: Callable[[Step, Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        self.tasks = tuple(tasks)
        self.device = torch.device(device)
        self.learning_rate = learning_rate
        self._train = train
        self._losses = losses
        self._look_ahead = look_ahead

    @property
    def train(self) -> Split:
        """The training split, for a method that counts or looks up something in it.

        Raises:
            UsageError: there is none.
        """
        if self._train is None:
            raise UsageError(f"the weighting reads the training split, and {ELSEWHERE}")
        return self._train

    def losses(self, step: Step) -> Tensor:
        """Losses (B, K) of the step's samples under the present parameters and the step's dropout masks, no gradient.

        It costs one more forward pass, so a method declares it: ``needs = frozenset({"post-step losses"})``.

        Raises:
            UsageError: nobody can compute them.
        """
        if self._losses is None:
            raise UsageError("the weighting reads the losses after a step, and the setting was given no such function")
        return self._losses(step)

    def look_ahead(self, step: Step, weights: Tensor, targets: Tensor) -> Tensor:
        r"""By how much, to first order, each task lowers the losses of some tasks on a second training batch.

        With g_k the gradient of task k on the step's batch, of all parameters theta, and a the learning rate of the
        step:

        .. math:: \theta' = \theta - \frac{a}{K} \sum_k w_k g_k, \qquad
                  v = \nabla_{\theta'} \sum_j t_j L^V_j(\theta'), \qquad
                  \mathrm{fall}_k = a \, g_k \cdot v

        The step ahead is a plain one, without momentum, Adam or weight decay. The g_k . v come from the losses of the
        step's batch at theta + h v and theta - h v, with h = 0.01 / \|v\|. No parameter or buffer changes.

        V has as many rows as the step's batch, and the trainer chooses it: the batch of the same number in another
        order of the epoch. So validation rows are out of reach. Its rows count in the budget. A method declares all
        this: ``needs = frozenset({"look-ahead", "parameters"})``.

        Args:
            step: the running one, before it is taken: in :meth:`mtlbench.api.Weighting.weigh`.
            weights: w (K,).
            targets: t (K,), how much the loss of each task on V counts.

        Returns:
            (K,) float64; zeros where v is 0.

        Raises:
            TrainingError: a loss is not a finite number.
            UsageError: nobody can look ahead.
        """
        if self._look_ahead is None:
            raise UsageError(f"the weighting looks ahead at a second batch, and {ELSEWHERE}")
        return self._look_ahead(step, weights, targets)

    def __getattr__(self, name: str) -> NoReturn:
        """Name what took the place of an attribute of the trainer, which ``setup`` got before."""
        raise AttributeError(f"{replacement('setting', name, SETTING_ATTRIBUTES)}; only fit(trainer) sees the trainer")


def check_setup(owner: str, setup: Callable[..., None]) -> None:
    """Refuse a ``setup(trainer)``.

    Raises:
        TypeError: naming the new argument.
    """
    if "trainer" in signature(setup).parameters:
        raise TypeError(
            f"{owner}.setup(trainer) has a new argument: write setup(setting), and read setting.tasks, device, "
            "learning_rate, train and losses(step) (mtlbench.api.Setting); only fit(trainer) sees the trainer"
        )
