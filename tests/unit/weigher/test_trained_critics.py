"""Critics of a trained cell weigh in a loop of one's own."""

from pathlib import Path

import pytest
import torch
from continued import SMALL_CRITICS, first_stage, make, small_trainer
from stored_critics import stored
from torch.nn import functional as F

import mtlbench
from mtlbench import api
from mtlbench_plugins.weightings.rmtl import RMTL


def test_they_give_the_weights_that_the_harness_applies():
    trained = make(RMTL, **SMALL_CRITICS)
    trainer = small_trainer(first_stage())
    trained.fit(trainer)
    step = trainer.step(torch.arange(64))
    expected = trained.weigh(step)
    taken_over = make(RMTL, **SMALL_CRITICS)
    taken_over.load_trained(trainer.schema, trained.state_dict())
    weigher = mtlbench.Weigher(taken_over, trainer.schema.task_names)
    found = weigher.backward(step.losses, inputs=step.inputs, logits=step.logits, labels=step.labels)
    torch.testing.assert_close(found, expected)
    with pytest.raises(api.UsageError, match=r"reads step\.inputs, the encoded inputs: give backward"):
        weigher.backward(trainer.step(torch.arange(64)).losses)


def test_they_come_from_the_checkpoint_beside_a_record(tmp_path: Path, cache_dir: Path):
    path, weighting = stored(tmp_path)
    weigher, splits = mtlbench.Weigher.from_record(path, reduction="sum")
    rows = torch.arange(32)
    inputs, labels = splits.train.inputs[rows], splits.train.labels[rows]
    logits = torch.zeros(32, 2, requires_grad=True)
    losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    weights = weigher.backward(losses, inputs=inputs, logits=logits, labels=labels)
    assert weighting._critics is not None
    values = weighting._critics(inputs, torch.full((32, 2), 0.5)).detach()
    torch.testing.assert_close(weights, 1 - 0.7 * values)
    plain = logits.detach().sigmoid() - labels
    torch.testing.assert_close(logits.grad, weights * plain / 32)
    (tmp_path / "checkpoints" / f"{path.stem}.pt").unlink()
    with pytest.raises(api.UsageError, match=r"seed0\.\w+\.pt is not there: .* run with --controls"):
        mtlbench.Weigher.from_record(path)


def test_a_record_of_a_method_without_critics_is_refused():
    with pytest.raises(api.UsageError, match="mgda is not taken from a record: only methods that training prepares"):
        mtlbench.Weigher("mgda", 2).weighting.load_trained(small_trainer().schema, {})
