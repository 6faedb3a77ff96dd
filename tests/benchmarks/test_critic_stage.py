"""The critic stage of RMTL: filling the replay buffer and updating the critics, against the public style.

Run with ``pytest tests/benchmarks/test_critic_stage.py -m '' --benchmark-only -s``. Sizes are the paper's: batches of
2048, 7 fields with 83,000 ids, embedding 128, bottom 512-256, towers 128-64, two tasks. The reference
(tests/support/public_critics.py) has a network per task, as ours with ``critics=separate``; ours by default has one
bottom for all tasks, as the paper draws it. Updates run in processes of their own, ours with the settings of a cell.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from public_critics import Environment, PublicLearner, ReplayBuffer, fill
from pytest_benchmark.fixture import BenchmarkFixture
from side_by_side import side_by_side
from torch import Tensor, nn

from mtlbench import api
from mtlbench.api import Inputs
from mtlbench.benchmarking import in_public_style, workload
from mtlbench.benchmarking.interleaved import InterleavedWorker
from mtlbench.benchmarking.timed_work import BATCHES
from mtlbench.cells import Training
from mtlbench.discovery import discover
from mtlbench.experiments.process import THREADS, prepare_process
from mtlbench.training import BackboneTrainer
from mtlbench_plugins.critics.learning import CriticLearner
from mtlbench_plugins.critics.networks import Critics
from mtlbench_plugins.critics.params import CriticParams
from mtlbench_plugins.critics.transitions import replay

BATCH = 2048
SIZES = {"embedding": 128, "bottom": (512, 256), "tower": (128, 64)}
WARM_UP = 20
TURN = 3
ROUNDS = 10
TRANSITIONS = 20_000


def backbone(schema: api.Schema) -> api.Backbone:
    cls = discover(()).backbones["esmm"].cls
    torch.manual_seed(0)
    return cls(schema, cls.Params(**SIZES))


def actions(rows: int, tasks: int) -> Tensor:
    return torch.rand(rows, tasks, generator=torch.Generator().manual_seed(0))


def our_updates(critics: str, pace: Callable[[], None]) -> None:
    prepare_process(torch.device("cpu"))
    splits = workload(BATCHES * BATCH)
    trainer = BackboneTrainer(backbone(splits.schema), splits, Training(batch_size=BATCH), 0)
    learner = CriticLearner(trainer, CriticParams(critics=critics, **SIZES))
    transitions = replay(splits.train, actions(*splits.train.labels.shape))
    while True:
        for rows in trainer.minibatches("critics", 1):
            learner.step(transitions, rows)
            pace()


class PublicCritic(nn.Module):
    """One task's network of ours with separate bottoms, in torch's own layers."""

    def __init__(self, critics: Critics, task: int) -> None:
        super().__init__()
        self.state, self.value = critics.states[task], critics.values[task]

    def forward(self, categorical: Tensor, numerical: Tensor, action: Tensor) -> Tensor:
        values: Tensor = self.value(self.state, self.state(Inputs(categorical, numerical)), action)
        return values


def public_updates(pace: Callable[[], None]) -> None:
    torch.set_num_threads(THREADS)
    splits = workload(BATCHES * BATCH)
    data, schema = splits.train, splits.schema
    critics = in_public_style(Critics(schema, CriticParams(**SIZES), shared=False))
    networks: list[nn.Module] = [PublicCritic(critics, task) for task in range(len(schema.tasks))]
    learner = PublicLearner(networks, in_public_style(backbone(schema)), len(schema.categorical))
    buffer = ReplayBuffer(len(data), len(schema.categorical) + len(schema.numerical), len(schema.tasks))
    chosen = actions(*data.labels.shape).numpy()
    fill(Environment(data), buffer, lambda step: chosen[step])
    while True:
        learner.update(buffer.sample(BATCH))
        pace()


@pytest.mark.benchmark(group="critic updates")
@pytest.mark.parametrize("critics", ["separate", "shared"])
def test_updates(benchmark: BenchmarkFixture, critics: str) -> None:
    with InterleavedWorker(our_updates, critics) as ours, InterleavedWorker(public_updates) as public:
        ours.take_turn(WARM_UP)
        public.take_turn(TURN)
        ratio = side_by_side(benchmark, lambda: ours.take_turn(TURN), lambda: public.take_turn(TURN), ROUNDS)
    own, theirs = (TURN / benchmark.extra_info[f"{whose}_seconds"] for whose in ("ours", "reference"))
    print(f"\n{critics} critics: {own:.2f} updates/s, the reference {theirs:.2f}, ratio {ratio:.2f}")


@pytest.mark.benchmark(group="replay fill")
def test_fill(benchmark: BenchmarkFixture) -> None:
    data = workload(TRANSITIONS).train
    action = actions(*data.labels.shape)
    environment, chosen = Environment(data), action.numpy()
    buffer = ReplayBuffer(len(data), data.categorical.shape[1] + data.numerical.shape[1], data.labels.shape[1])
    ratio = side_by_side(
        benchmark,
        lambda: replay(data, action),
        lambda: fill(environment, buffer, lambda step: chosen[step]),
        rounds=10,
    )
    ours = replay(data, action)
    np.testing.assert_allclose(buffer.reward, ours.reward.numpy(), rtol=1e-4, atol=1e-4)
    assert np.array_equal(buffer.action, ours.action.numpy())
    assert np.array_equal(buffer.done, ours.done.numpy())
    assert np.array_equal(buffer.following[:, :-1], data.categorical[ours.next_row].numpy())
    own, theirs = (len(data) / benchmark.extra_info[f"{whose}_seconds"] for whose in ("ours", "reference"))
    print(f"\nfill: {own:,.0f} transitions/s, the reference {theirs:,.0f}, ratio {ratio:,.0f}")
