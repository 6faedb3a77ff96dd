"""A linear network that descends a kind's loss ends where the same model of scikit-learn does."""

import numpy as np
import pytest
import torch
from sklearn.base import RegressorMixin
from sklearn.linear_model import LinearRegression, PoissonRegressor, TweedieRegressor
from torch import nn

from mtlbench.api.masks import masked_mean
from mtlbench.tasks.fitted import FittedTasks
from mtlbench.tasks.kind import TaskKind
from mtlbench.tasks.registry import task_kind

ROWS, INPUTS = 400, 3
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(ROWS, INPUTS))
SIGNAL = X @ np.array([0.8, -0.5, 0.2]) + 3
AMOUNTS = np.exp(SIGNAL) * GENERATOR.gamma(0.7, 1 / 0.7, ROWS) * (GENERATOR.random(ROWS) < 0.8)
EXACT = {"alpha": 0, "tol": 1e-10, "max_iter": 10_000}


def trained(kind: TaskKind, labels: np.ndarray) -> np.ndarray:
    """Predictions of the best linear model under the loss of ``kind``."""
    y = torch.from_numpy(labels.astype(np.float32)).unsqueeze(1)
    tasks = FittedTasks.fit({"y": kind}, y)
    targets, observed = tasks.targets(y)
    inputs, network = torch.from_numpy(X), nn.Linear(INPUTS, 1).double()
    optimiser = torch.optim.LBFGS(
        network.parameters(), max_iter=1000, tolerance_grad=1e-12, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = masked_mean(tasks.losses(network(inputs), targets.double(), observed), observed).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return tasks.predictions(network(inputs).detach())[:, 0].numpy()


@pytest.mark.parametrize(
    ("kind", "labels", "model"),
    [
        (task_kind("real"), SIGNAL + GENERATOR.normal(size=ROWS), LinearRegression()),
        (task_kind("nonnegative", {"loss": "poisson"}), AMOUNTS, PoissonRegressor(**EXACT)),
        (task_kind("nonnegative"), AMOUNTS, TweedieRegressor(power=1.5, link="log", **EXACT)),
        (task_kind("nonnegative", {"power": 1.8}), AMOUNTS, TweedieRegressor(power=1.8, link="log", **EXACT)),
    ],
    ids=["squared", "poisson", "tweedie 1.5", "tweedie 1.8"],
)
@pytest.mark.parametrize("share", [1.0, 0.6], ids=["all observed", "a part observed"])
def test_predictions_are_those_of_scikit_learn(
    kind: TaskKind, labels: np.ndarray, model: RegressorMixin, share: float
) -> None:
    seen = np.random.default_rng(1).random(ROWS) < share
    expected = model.fit(X[seen], labels[seen]).predict(X)
    np.testing.assert_allclose(trained(kind, np.where(seen, labels, np.nan)), expected, rtol=2e-4)
