"""AdaTask: Adam's moments for each task by itself."""

from collections.abc import Mapping
from math import sqrt
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api

EPS = 1e-8
STEPS, MOMENT1, MOMENT2 = "steps", "moment1.", "moment2."


class AdaTask(api.DirectionWeighting):
    r"""Each task has its own Adam moments on the shared parameters, so that no task sets the step size of another.

    E. Yang et al., "AdaTask: a task-aware adaptive learning rate approach to multi-task learning", AAAI 2023,
    https://arxiv.org/abs/2211.15055. In step t:

    .. math:: m_k \leftarrow \beta_1 m_k + (1 - \beta_1) g_k, \qquad v_k \leftarrow \beta_2 v_k + (1 - \beta_2) g_k^2,
              \qquad d = \frac{1}{K} \sum_k \frac{m_k / (1 - \beta_1^t)}{\sqrt{v_k / (1 - \beta_2^t)} + \epsilon}

    The shared parameters move by d times the learning rate; no second Adam follows. With one task, and with identical
    tasks, this is Adam.

    It reads the gradients of the tasks. It keeps both moments for every task and every row of each embedding table,
    which takes memory of 2 K times the shared parameters. It claims that no task sets the step size of another.

    A task that the batch has no observed label of takes no part: its moments wait, and add nothing. The count t of
    steps is one for all tasks.

    Deviation: the paper adds up the K steps, so that the learning rate of shared parameters is up to K times that of
    the other methods. Here the steps are averaged over tasks, as for every method.

    It has no option ``at``: its state is of each shared parameter, and a representation has other rows in each step.
    """

    name, label = "adatask", "AdaTask"
    repairs = frozenset({"scale"})
    needs = frozenset({"jacobian", "parameters"})
    preconditioned = True

    class Params(api.Params):
        """Parameters of ``adatask``."""

        beta1: Annotated[float, api.search.Choice(0.0, 0.5, 0.9)] = Field(
            0.9, ge=0, lt=1, description="decay of the first moments, in [0, 1)"
        )
        beta2: Annotated[float, api.search.Mapped(api.search.Log(1e-4, 0.1), lambda x, tasks: 1 - x, "1 - x")] = Field(
            0.999, ge=0, lt=1, description="decay of the second moments, in [0, 1)"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start from moments of 0."""
        self._steps = 0
        self._moments: dict[str, tuple[Tensor, Tensor]] = {}

    def direct(self, step: api.Step) -> dict[str, Tensor]:
        """The average over tasks of Adam's steps at learning rate 1."""
        jacobian, seen = step.jacobian, step.seen.tolist()
        self._steps += 1
        return {name: self._advanced(name, gradients, seen) for name, gradients in jacobian.items()}

    def _advanced(self, name: str, gradients: tuple[Tensor, ...], seen: list[bool]) -> Tensor:
        beta1, beta2 = self.params.beta1, self.params.beta2
        if name not in self._moments:
            shape, wide = (len(gradients), *gradients[0].shape), torch.promote_types(gradients[0].dtype, torch.float32)
            self._moments[name] = gradients[0].new_zeros(shape, dtype=wide), gradients[0].new_zeros(shape, dtype=wide)
        total = torch.zeros_like(self._moments[name][0][0])
        for gradient, moment1, moment2, known in zip(gradients, *self._moments[name], seen, strict=True):
            if not known:
                continue
            gradient = gradient.to(total)
            moment1.lerp_(gradient, 1 - beta1)
            moment2.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            total.addcdiv_(moment1, moment2.sqrt().div_(sqrt(1 - beta2**self._steps)).add_(EPS))
        return total.div_(len(gradients) * (1 - beta1**self._steps)).to(gradients[0].dtype)

    def state_dict(self) -> dict[str, Tensor]:
        """The number of steps, and by name of the parameter both moments (K, ...)."""
        state = {STEPS: torch.tensor(self._steps)}
        for name, (moment1, moment2) in self._moments.items():
            state |= {MOMENT1 + name: moment1.clone(), MOMENT2 + name: moment2.clone()}
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._steps = int(state[STEPS])
        names = [name.removeprefix(MOMENT1) for name in state if name.startswith(MOMENT1)]
        self._moments = {name: (state[MOMENT1 + name].clone(), state[MOMENT2 + name].clone()) for name in names}
