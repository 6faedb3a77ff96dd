"""Whether halving would have chosen the same settings, and what docs/tuning.md says of it."""

import sys
from pathlib import Path

import pytest
from record_factory import record

from mtlbench.records import Epoch, RecordStore

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import halving

ROOT = Path(__file__).parents[2]

LATE = [[0.5, 0.5, 0.9], [0.6, 0.6, 0.6], [0.4, 0.4, 0.4], [0.3, 0.3, 0.3]]
"""The first trial is best, but not at once."""


def test_a_trial_that_is_best_at_the_end_alone_is_lost() -> None:
    one = halving.drawn(LATE, 1)
    assert not one.same
    assert one.lost == pytest.approx(0.3)
    assert one.epochs == (4 + 3) / 12
    one = halving.drawn(LATE, 3)
    assert one.same
    assert one.lost == 0
    assert one.epochs == (12 + 3) / 12


def test_of_equal_scores_the_first_trial_goes_on_and_wins() -> None:
    assert halving.drawn([[0.5, 0.5]] * 8, 1).same


def test_the_docs_say_what_the_searches_of_the_tuned_board_give() -> None:
    store = RecordStore.at(ROOT / "leaderboards" / "records" / "kuairand-tuned")
    found = halving.replayed(store, 1000)
    assert not any("RMTL" in method for method in found)  # several stages
    over = halving.summary([one for draws in found.values() for one in draws])
    each = [halving.summary(draws) for draws in found.values()]
    worst = min(one[0] for one in each), max(one[1] for one in each), max(one[2] for one in each)
    page = (ROOT / "docs" / "tuning.md").read_text()
    assert f"| the same choice | {over[0]:.1%} | {worst[0]:.1%} |".replace("%", " %") in page
    assert f"| {over[1]:.0%} | {worst[1]:.0%} |".replace("%", " %") in page
    assert f"| validation score lost, mean | {over[2]:.5f} | {worst[2]:.5f} |" in page
    assert worst[2] < 0.0001  # the promise of the option: what it loses is little beside the noise of a seed
    [rarest] = [method for method, draws in found.items() if halving.summary(draws)[0] < 0.9]  # and the same choice
    [search] = [one for one in halving.read_searches(store.folder) if one.method == rarest]
    third, _, best = sorted(trial.score for trial in search.trials)[-3:]
    assert rarest == "IGB-v2-Shared Bottom"
    assert f"IGB-v2 on a shared bottom, whose three best trials differ by {best - third:.4f}" in " ".join(page.split())


def test_the_docs_say_why_this_board_is_an_easy_case() -> None:
    store = RecordStore.at(ROOT / "leaderboards" / "records" / "kuairand-tuned")
    records, short = {record.cell: record for record in store.read_all()}, halving.short_epochs(10)
    within, first, lengths = [], [], []
    for search in halving.read_searches(store.folder):
        curves = [halving.curve_of(records[trial.cell]) for trial in search.trials]
        if all(curves):
            early = [max(curve[:short]) for curve in curves]
            within.append(early[search.chosen] == max(curves[search.chosen]))
            first.append(early[search.chosen] == max(early))
            lengths += map(len, curves)
    page = " ".join((ROOT / "docs" / "tuning.md").read_text().split())
    assert (sum(within), sum(first), len(within), short) == (22, 24, 26, 2)
    assert f"In {sum(within)} of the {len(within)} searches the chosen trial is at its best within these two" in page
    assert f"in {sum(first)} it is first among the short trainings" in page
    assert f"ended after {sum(lengths) / len(lengths):.1f} of ten epochs" in page
    assert f"would train {(12 * short + halving.most_kept(12) * 10) / 120:.0%}".replace("%", " %") in page


def test_an_epoch_counts_by_the_objective_of_the_search() -> None:
    def curve(*points: tuple[int, float, float], **training: str) -> halving.Curve:
        epochs = [
            Epoch(stage="train", epoch=epoch, train_loss={}, validation={"click": click, "pay": pay}, weights=None)
            for epoch, click, pay in points
        ]
        return halving.curve_of(record(training=training).model_copy(update={"curve": epochs}))

    points = (1, 0.6, 0.9), (2, 0.7, 0.5)
    assert curve(*points) == pytest.approx([0.75, 0.6])
    assert curve(*points, objective="click=1") == [0.6, 0.7]
    assert curve(*points, objective="delta-m") == []  # measured against another cell
    assert curve((2, 0.6, 0.9), (4, 0.7, 0.5)) == []  # validated every second epoch
