"""The generated rows that are trained on, and what is counted of them."""

import pytest
import torch
from torch import nn

from mtlbench.api import Inputs
from mtlbench.benchmarking import workload
from mtlbench.benchmarking.measuring import flop_per_row
from mtlbench.benchmarking.timed_work import flop_of_products


def test_it_has_the_papers_size_and_skewed_ids():
    splits = workload(4096)
    assert sum(field.cardinality for field in splits.schema.categorical) == 83_000
    assert (len(splits.schema.categorical), len(splits.schema.numerical), len(splits.schema.tasks)) == (7, 1, 2)
    ids, labels = splits.train.categorical, splits.train.labels
    bounds = torch.tensor([field.cardinality for field in splits.schema.categorical])
    assert ((ids >= 0) & (ids < bounds)).all()
    distinct = [sum(len(batch[:, f].unique()) for f in range(7)) for batch in ids.split(2048)]
    assert all(4400 < number < 5100 for number in distinct)
    assert ((labels == 0) | (labels == 1)).all()
    assert torch.equal(ids, workload(4096).train.categorical)


def test_more_than_two_tasks_are_no_funnel():
    splits = workload(512, tasks=6)
    assert [task.name for task in splits.schema.tasks] == [f"task {number}" for number in range(1, 7)]
    assert splits.train.labels.shape == (512, 6)
    assert torch.equal(splits.train.categorical, workload(512).train.categorical)


def test_sessions_are_whole_and_ordered():
    split = workload(1000).train
    assert split.position[0] == 0
    assert split.done[-1]
    following = split.next_row[~split.done]
    assert torch.equal(split.session[following], split.session[~split.done])
    assert torch.equal(split.position[following], split.position[~split.done] + 1)
    assert (split.session.diff()[split.done[:-1]] == 1).all()


class Layer(nn.Module):
    """A linear layer over the numerical input, and one over that."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(1, 8), nn.Linear(8, 4)

    def forward(self, inputs: Inputs) -> torch.Tensor:
        return self.second(self.first(inputs.numerical))


def test_operations_are_counted_forwards_and_backwards():
    # The first layer's input needs no gradient: two products there, three in the second.
    assert flop_per_row(Layer(), workload(64).train) == pytest.approx(2 * (2 * 8 + 3 * 32))
    assert flop_of_products((2, 8, 4)) == 3 * 2 * 64
