"""The weights that were really applied, summed up per epoch."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

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
