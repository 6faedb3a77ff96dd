"""ExcessMTL: tasks whose loss is far above its optimum weigh more."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api


class ExcessMTL(api.Weighting):
    r"""A task weighs more, the further its loss is estimated to be above the lowest value that it could reach.

    Y. He et al., "Robust multi-task learning with excess risks", ICML 2024, https://arxiv.org/abs/2402.02009. That
    distance, the excess risk, comes from a quadratic model of the loss. The Hessian of the model is estimated by the
    accumulated squares of the gradient, as in Adagrad:

    .. math:: E_k = \sum_n \frac{g_{k,n}^2}{\sqrt{\sum_{s \le t} g_{k,n}(s)^2}}, \qquad
              w_k \leftarrow K \, \frac{w_k \exp(\eta E_k / E_k^{(0)})}{\sum_j w_j \exp(\eta E_j / E_j^{(0)})}

    where n runs over the numbers of the shared parameters, and w starts from ones. E^(0) is the first excess risk of a
    task, so that tasks of any scale can be compared. Of a task that the batch has no observed label of, nothing
    changes; the weights of the others are scaled to sum to their number.

    It reads the gradients of the tasks. It keeps the squares for every task and every row of each embedding table,
    which takes memory of K times the shared parameters. It claims that a task does not weigh for a loss that cannot
    fall further. It equals ``constant`` in the first step.

    Deviations: the authors' code adds 1e-7 to the squares. In recommendation the squares are often smaller than that
    and would be lost in it, so nothing is added here. The first step leaves the weights at one, because every ratio is
    1. The paper also proposes to average E^(0) over some epochs; its code does not do so, and neither does this.

    It has no option ``at``: its state is of each shared parameter, and a representation has other rows in each step.
    """

    name, label = "excess-mtl", "ExcessMTL"
    needs = frozenset({"jacobian", "parameters"})

    class Params(api.Params):
        """Parameters of ``excess-mtl``."""

        eta: Annotated[float, api.search.Log(1e-3, 1)] = Field(
            0.01, ge=0, description="eta, step size of the weights; 0 is constant"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start from weights of ones."""
        tasks, device = len(setting.tasks), setting.device
        self._log_weights = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._first = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._squares: dict[str, Tensor] = {}

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of mean 1 over the tasks seen in the batch and positive there; 0 for the others."""
        seen = step.seen
        excess = torch.zeros_like(self._first)
        for name, gradients in step.jacobian.items():
            squares = torch.stack(gradients).square_()
            total = self._squares.setdefault(name, torch.zeros_like(squares)).add_(squares)
            ratio = torch.where(squares == 0, 0.0, squares / total.sqrt())
            excess += ratio.flatten(1).sum(1).double()
        self._first = torch.where(self._first == 0, excess, self._first)
        relative = torch.where(self._first == 0, 0.0, excess / self._first)
        raised = self._log_weights + self.params.eta * relative
        # Scaling all to sum 1 would move those that are not seen; only ratios matter, so it waits until all are.
        self._log_weights = torch.where(seen.all(), raised.log_softmax(0), raised)
        shares = torch.where(seen, raised, -torch.inf).log_softmax(0).exp()
        return torch.where(seen, seen.sum() * shares, 0.0).to(step.losses)

    def state_dict(self) -> dict[str, Tensor]:
        """Logarithms of the weights, first excess risks, and by name of the parameter the squares (K, ...)."""
        state = {"log_weights": self._log_weights, "first": self._first}
        state |= {f"squares.{name}": squares for name, squares in self._squares.items()}
        return {name: value.clone() for name, value in state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._log_weights, self._first = state["log_weights"].clone(), state["first"].clone()
        prefix = "squares."
        self._squares = {
            name.removeprefix(prefix): value.clone() for name, value in state.items() if name.startswith(prefix)
        }
