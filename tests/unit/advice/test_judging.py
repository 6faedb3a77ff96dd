"""What an answer claims, on made-up boards: no more than the leaderboard's own test."""

from collections.abc import Sequence

import pytest
from record_factory import plugin, record, runs, scores

from mtlbench.advice.judging import Judged, judge
from mtlbench.advice.page import headline
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record
from mtlbench.records.schema import Selected

SEEDS = 8
BASE = [0.700 + i / 1e4 for i in range(SEEDS)]
STEPS = [(i % 3) / 1e5 for i in range(SEEDS)]
"""What keeps a difference from being the same in all seeds."""


def moved(by: float) -> list[float]:
    return [score + by + step for score, step in zip(BASE, STEPS, strict=True)]


def noisy() -> list[float]:
    return [score + (-1) ** i / 1e3 + step for i, (score, step) in enumerate(zip(BASE, STEPS, strict=True))]


def validated(records: Sequence[Record], objective: float) -> list[Record]:
    selected = Selected(objective=objective, validation_loss=0.5)
    return [one.model_copy(update={"selection": selected}) for one in records]


def judged(*groups: Sequence[Record], tuned: bool = False) -> Judged:
    records = [one for group in groups for one in group]
    [board] = contrasted(boards(iter(records)))
    found = judge(board, records, tuned)
    assert found is not None
    return found


def traded(method: str) -> list[Record]:
    """Better in click, worse in pay."""
    up, down = moved(0.001), moved(-0.001)
    parts = [{**scores(up[i], tasks=("click",)), **scores(down[i], tasks=("pay",))} for i in range(SEEDS)]
    return [record(method, seed=i, metrics={"test": part}) for i, part in enumerate(parts)]


def test_a_weighting_that_is_better_and_nowhere_worse_is_to_be_used() -> None:
    found = judged(runs("PLE", BASE), runs("A-PLE", moved(0.001)), runs("B-PLE", noisy()))
    assert (found.verdict, found.use.method) == ("weighting", "A-PLE")
    assert headline(found) == (
        "Use A: it is better than constant weights, both at their defaults, in click and pay, and shown to be worse in "
        "no task."
    )


def test_noise_and_losses_leave_constant_weights() -> None:
    found = judged(runs("PLE", BASE), runs("A-PLE", noisy()), runs("B-PLE", moved(-0.001)))
    assert (found.verdict, found.use.method) == ("constant", "PLE")
    assert "nothing that was tried beats them here beyond noise" in headline(found)


def test_better_here_and_worse_there_is_a_trade_off() -> None:
    found = judged(runs("PLE", BASE), traded("A-PLE"))
    assert (found.verdict, found.use.method) == ("trade-off", "PLE")
    [rival] = found.rivals
    assert ([task for task, _ in rival.told("better")], [task for task, _ in rival.told("worse")]) == (
        ["click"],
        ["pay"],
    )


def test_five_seeds_cannot_tell_whatever_they_show() -> None:
    found = judged(runs("PLE", BASE[:5]), runs("A-PLE", moved(0.1)[:5]))
    assert (found.verdict, found.use.method) == ("cannot tell", "PLE")
    assert "cannot tell weightings apart" in headline(found)


def test_a_weighting_that_lacks_seeds_is_not_compared() -> None:
    found = judged(runs("PLE", BASE), runs("A-PLE", moved(0.1)[:5]))
    assert found.verdict == "cannot tell"
    assert [rival.contrasts for rival in found.rivals] == [{}]


@pytest.mark.parametrize(("of_a", "of_b", "named"), [(0.8, 0.7, "A-PLE"), (0.7, 0.8, "B-PLE")])
def test_of_several_the_best_on_validation_is_named_and_not_the_best_on_test(
    of_a: float, of_b: float, named: str
) -> None:
    small, large = validated(runs("A-PLE", moved(0.001)), of_a), validated(runs("B-PLE", moved(0.002)), of_b)
    assert judged(runs("PLE", BASE), small, large).use.method == named


def test_tuned_rows_are_compared_with_each_other() -> None:
    tuned = plugin("constant", "Constant", trials=4, space="s")
    better = plugin("a", "A", trials=4, space="s")
    rows = (
        runs("PLE", BASE),
        runs("PLE", moved(0.002), weighting=tuned, baseline=False, tuned_baseline=True),
        runs("A-PLE", moved(0.001), weighting=better),
    )
    assert judged(*rows).rivals == ()
    found = judged(*rows, tuned=True)
    assert found.verdict == "constant"
    assert found.baseline.method.startswith("PLE [trials=4")
    assert [[contrast.verdict for contrast in rival.contrasts.values()] for rival in found.rivals] == [
        ["worse", "worse"]
    ]


def test_without_the_baseline_nothing_is_judged() -> None:
    records = runs("A-PLE", BASE)
    [board] = contrasted(boards(iter(records)))
    assert judge(board, records, tuned=False) is None
