"""The weights that were really applied, summed up per epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

TRACE = "trace"
QUANTILES = {"min": 0.0, "q05": 0.05, "q50": 0.5, "q95": 0.95, "max": 1.0}


class WeightTrace:
    """Collects the weights of each step of an epoch: (K,) per task or (B, K) per sample and task."""

    def __init__(self) -> None:
        self._weights: list[Tensor] = []

    def add(self, weights: Tensor) -> None:
        """Remember the weights of one step."""
        self._weights.append(weights.detach())

    def summary(self, tasks: Sequence[str]) -> dict[str, dict[str, float]]:
        """Task -> mean and quantiles of the weights since the last call, over steps or over samples."""
        together = torch.cat([w.reshape(-1, len(tasks)) for w in self._weights]).double().cpu().numpy()
        self._weights.clear()
        quantiles = np.quantile(together, list(QUANTILES.values()), axis=0)
        return {
            task: {"mean": float(together[:, k].mean())}
            | {name: float(value) for name, value in zip(QUANTILES, quantiles[:, k], strict=True)}
            for k, task in enumerate(tasks)
        }

    def state_dict(self) -> dict[str, Tensor]:
        """The weights since the last summary, one below the other: the summary knows no steps."""
        if not self._weights:
            return {}
        return {TRACE: torch.cat([weights.reshape(-1, weights.shape[-1]) for weights in self._weights])}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self._weights = [state[TRACE]] if TRACE in state else []
