"""The lines to paste weigh as the training did."""

from typing import Any

import pytest
import torch
from record_factory import record

import mtlbench
from mtlbench.advice.pasting import PLAIN, constant_weights, lines_for
from mtlbench.api import Task
from mtlbench.discovery import discover
from mtlbench.records.schema import Epoch

CATALOGUE = discover()
TASKS = (Task("click"), Task("watch", "nonnegative"))
Weights = dict[str, dict[str, float]]


def weighted(**weights: tuple[float, float]) -> list[Epoch]:
    found: Weights = {task: {"min": low, "max": high} for task, (low, high) in weights.items()}
    return [Epoch(stage="train", epoch=1, train_loss={}, validation={}, weights=found)]


def lines(name: str, weights: list[float] | None = None, **params: object) -> str:
    return lines_for(CATALOGUE, name, params, TASKS, 0.002, weights, "quick")


def run(text: str) -> dict[str, Any]:
    """What the lines leave behind, with two losses of one parameter."""
    shared = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    losses = torch.stack([(shared**2).sum(), (3 * shared).sum()])
    scope: dict[str, Any] = {"mtlbench": mtlbench, "torch": torch, "task_losses": losses, "shared": shared}
    exec(text, scope)
    return scope


def test_weights_that_never_changed_are_found_in_the_record() -> None:
    steady = weighted(click=(0.5, 0.5), pay=(1.5, 1.5))
    assert constant_weights(record().model_copy(update={"curve": steady})) == [0.5, 1.5]
    for curve in ([], weighted(click=(0.5, 0.6), pay=(1.5, 1.5)), weighted(click=(0.5, 0.5))):
        assert constant_weights(record().model_copy(update={"curve": curve})) is None


def test_equal_weights_are_the_plain_mean() -> None:
    assert lines("constant", [1.0, 1.0]) == PLAIN
    scope = run(PLAIN)
    assert float(scope["loss"].detach()) == pytest.approx((5 + 9) / 2)


def test_constant_weights_are_written_out_in_the_order_of_the_tasks() -> None:
    text = lines("scalarization", [0.5, 1.5])
    assert text.endswith("# in the order click, watch")
    assert float(run(text)["loss"].detach()) == pytest.approx((0.5 * 5 + 1.5 * 9) / 2)


def test_the_weigher_line_has_spec_tasks_kinds_and_the_rate_of_the_network_and_runs() -> None:
    text = lines("cagrad", c=0.4)
    assert text.startswith(
        'weigher = mtlbench.Weigher("cagrad[c=0.4]", tasks=["click", "watch"], kinds=["binary", "nonnegative"], '
        "learning_rate=0.002)\nweigher.backward(task_losses)"
    )
    assert run(text)["shared"].grad.abs().sum() > 0


def test_a_rate_of_the_method_s_own_is_left_alone() -> None:
    assert "learning_rate" not in lines("famo")
    assert "famo[learning_rate=0.5]" in lines("famo", learning_rate=0.5)


def test_what_weighs_in_no_loop_says_why() -> None:
    assert lines("rmtl").startswith("# RMTL weighs in no loop of one's own: it trains critics")
