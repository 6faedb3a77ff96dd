"""From made-up records to the page and its JSON, and what is trained on a made-up clock."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from record_factory import plugin, runs
from small_splits import small_schema, small_splits

from mtlbench.advice import trying
from mtlbench.advice.answering import Asked, answer
from mtlbench.advice.budget import Budget
from mtlbench.advice.choosing import Choice
from mtlbench.advice.conflict import Cosines, Pair
from mtlbench.advice.facts import facts_of
from mtlbench.advice.measuring import Measured
from mtlbench.advice.planning import Pace, Plan
from mtlbench.advice.trying import Lab
from mtlbench.discovery import discover
from mtlbench.experiments.schedule import OutOfTime
from mtlbench.records import Record, RecordStore
from mtlbench.records.searches import Reported, Search, write_search
from mtlbench.records.trials import Trial

SEEDS = 8
BASE = [0.700 + i / 1e4 for i in range(SEEDS)]
STEPS = [(i % 3) / 1e5 for i in range(SEEDS)]
MEASURED = Measured(
    cell="c",
    seconds=2.0,
    looking=0.5,
    start_losses={"click": 0.7, "pay": 0.7},
    losses={"click": 0.6, "pay": 0.1},
    scores={},
    best_epochs={},
    cosines=Cosines((Pair(("click", "pay"), -0.31, 0.02, 0.75),), 32, mean=-0.31, error=0.02),
)
CHOICES = (Choice("cagrad", "made for this", 1.5), Choice("gls", "that too", 1.0))


def moved(by: float) -> list[float]:
    return [score + by + step for score, step in zip(BASE, STEPS, strict=True)]


def lab(folder: Path, budget: Budget | None = None) -> Lab:
    splits = small_splits(small_schema(("click", "pay"), parallel=True))
    keys = {"datasets": ["table[schema=log.toml]"], "backbones": ["ple"], "plugins": ()}
    return Lab(keys, "constant", discover(), splits, folder, budget or Budget(1200, clock=lambda: 0.0), quiet=True)


def asked(folder: Path, records: Sequence[Record], searches: Sequence[Search] = ()) -> Asked:
    store = RecordStore(folder / "results")
    for number, record in enumerate(records):
        store.write(record.sealed(), f"record{number}")
    for search in searches:
        write_search(store.folder, search)
    found = lab(folder)
    shown = {"scale": "the loss of click is 6 times that of pay"}
    return Asked("log.toml", found, facts_of(found.splits), MEASURED, shown, CHOICES)


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_weighting_that_wins_is_named_with_its_test_its_cost_and_the_line_to_paste(tmp_path: Path) -> None:
    rival = runs("CAGrad-PLE", moved(0.001), weighting=plugin("cagrad", "CAGrad"), spend=((100, 1000, 3.0),))
    found = answer(asked(tmp_path, [*runs("PLE", BASE), *rival]), "")
    said = words(found.text)
    assert (found.verdict, found.use) == ("weighting", "CAGrad")
    assert "**Use CAGrad: it is better than constant weights, both at their defaults, in click and pay" in said
    assert 'mtlbench.Weigher("cagrad", tasks=["click", "pay"], kinds="binary", learning_rate=0.001)' in found.code
    assert "CAGrad-PLE beats Constant in click (AUC +0.0010 ± 0.0000)" in said
    assert "p < .05 over 8 paired seeds" in said
    assert " | +0.0010 ± 0.0000 * |" in said
    assert "One training under Constant took 1.5 s; CAGrad 2.0 times as long." in said
    assert "No time for: gls." in said
    assert "mean cosine of -0.31 ± 0.04 over 32 batches" in said
    assert "those of click and pay lie furthest apart, -0.31 ± 0.04" in said
    assert "Troubles: the loss of click is 6 times that of pay." in said
    assert "--weighting constant,cagrad,gls --trials 20 --seeds 10" in said
    assert (tmp_path / "advice.md").read_text() == found.text == str(found)
    content = json.loads((tmp_path / "advice.json").read_text())
    assert (content["verdict"], content["use"], content["left_out"]) == ("weighting", "CAGrad", ["gls"])
    assert [one["verdict"] for one in content["compared"]] == ["better", "better"]
    assert all(one["p"] < 0.05 for one in content["compared"])


def test_a_page_is_a_screen_of_a_terminal(tmp_path: Path) -> None:
    rival = runs("CAGrad-PLE", moved(0.001), weighting=plugin("cagrad", "CAGrad"))
    lines = answer(asked(tmp_path, [*runs("PLE", BASE), *rival]), "").text.splitlines()
    assert len(lines) <= 55
    prose = [line for line in lines if not line.startswith(("|", "mtlbench", "weigher"))]
    assert max(map(len, prose)) <= 100


def test_noise_gives_constant_weights_and_their_line(tmp_path: Path) -> None:
    noisy = [score + (-1) ** i / 1e3 for i, score in enumerate(BASE)]
    found = answer(asked(tmp_path, [*runs("PLE", BASE), *runs("A-PLE", noisy)]), "")
    assert found.verdict == "constant"
    assert "nothing that was tried beats them here beyond noise" in words(found.text)
    assert "A gain within such an interval may be there" in words(found.text)
    assert found.code.startswith("loss = sum(task_losses) / len(task_losses)")


def test_without_a_comparison_the_page_says_why_and_still_what_the_log_shows(tmp_path: Path) -> None:
    found = answer(asked(tmp_path, runs("PLE", BASE)), "Too little: take --minutes 40.")
    assert found.verdict == "cannot tell"
    assert "Too little: take --minutes 40." in found.text
    assert "No time for: cagrad, gls." in found.text
    assert "mean cosine of -0.31" in words(found.text)


def test_tuned_rows_answer_before_those_at_defaults_with_the_settings_that_were_found(tmp_path: Path) -> None:
    base, tuned_base = runs("PLE", BASE), runs("PLE", moved(0.002), training={"epochs": 10, "learning_rate": 0.01})
    cagrad = plugin("cagrad", "CAGrad", c=0.4)
    better = runs("CAGrad-PLE", moved(0.003), weighting=cagrad, training={"epochs": 10, "learning_rate": 0.005})
    searches = [
        searched(base[0], tuned_base, {"learning_rate": 0.01}, {}),
        searched(
            runs("CAGrad-PLE", BASE, weighting=plugin("cagrad", "CAGrad"))[0],
            better,
            {"learning_rate": 0.005},
            {"c": 0.4},
        ),
    ]
    found = answer(asked(tmp_path, [*base, *tuned_base, *better], searches), "")
    assert (found.verdict, found.use) == ("weighting", "CAGrad")
    said = words(found.text)
    assert "better than constant weights, tuned alike, in click and pay" in said
    assert "or tune them there: learning rate=0.005." in said
    assert 'mtlbench.Weigher("cagrad[c=0.4]"' in found.code
    assert "learning_rate=0.005" in found.code
    assert "† better, ‡ worse" in said


def searched(sample: Record, reports: Sequence[Record], training: dict[str, Any], weighting: dict[str, Any]) -> Search:
    trial = Trial(number=0, cell="t", training=training, backbone={}, weighting=weighting, status="done", score=0.7)
    return Search(
        protocol=sample.protocol,
        search=sample.weighting.name * 4,
        method=sample.method,
        baseline=sample.baseline,
        dataset=sample.dataset,
        backbone=sample.backbone,
        weighting=sample.weighting,
        preset=sample.preset,
        training=sample.training,
        space={"learning_rate": "log"},
        number=0,
        searches=1,
        seed=10**9,
        planned=1,
        trials=[trial],
        chosen=0,
        report_seeds=[one.seed for one in reports],
        reports=[Reported(seed=one.seed, cell=one.cell) for one in reports],
        hidden=[one.cell for one in reports],
    )


PLAN = Plan(CHOICES, 0, 6, Pace(10.0))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Trains on a clock that is moved by what each step takes; gives the steps that were begun."""

    def train(budget: float, takes: dict[str, float], recorded: bool = False) -> list[str]:
        now, begun = [0.0], []

        def run(cells: list[str], *, over: Callable[[], bool], **others: object) -> None:
            begun.append("+".join(cells))
            now[0] += takes[cells[-1]]
            if over():
                raise OutOfTime

        monkeypatch.setattr(Lab, "plan", lambda self, weightings, trials, seeds: list(weightings))
        monkeypatch.setattr(trying.runner, "run", run)
        cells = [SimpleNamespace(recorded=recorded)]
        monkeypatch.setattr(trying, "preview", lambda plan, catalogue: SimpleNamespace(cells=cells))
        complete = lab(Path(), Budget(budget, clock=lambda: now[0])).try_all(PLAN)
        return [*begun, "complete" if complete else "cut"]

    return train


def test_one_weighting_after_the_other_is_trained(trained: Callable[..., list[str]]) -> None:
    takes = {"constant": 50.0, "cagrad": 80.0, "gls": 50.0}
    assert trained(1000, takes) == ["constant", "constant+cagrad", "constant+cagrad+gls", "complete"]


def test_what_would_not_end_in_time_is_not_begun_and_a_cheaper_one_is(trained: Callable[..., list[str]]) -> None:
    # Constant weights are given 78 seconds, cagrad 117 and gls 78.
    assert trained(160, {"constant": 70.0, "gls": 50.0}) == ["constant", "constant+gls", "cut"]


def test_what_took_longer_than_planned_makes_the_next_step_dearer(trained: Callable[..., list[str]]) -> None:
    assert trained(300, {"constant": 156.0}) == ["constant", "cut"]


def test_what_was_cut_is_not_counted_as_trained(trained: Callable[..., list[str]]) -> None:
    assert trained(200, {"constant": 78.0, "cagrad": 125.0}) == ["constant", "constant+cagrad", "cut"]


def test_without_constant_weights_nothing_else_is_trained(trained: Callable[..., list[str]]) -> None:
    assert trained(100, {"constant": 101.0}) == ["constant", "cut"]
    assert trained(50, {}) == ["cut"]


def test_what_is_recorded_already_is_taken_in_whatever_time_is_left(trained: Callable[..., list[str]]) -> None:
    takes = {"constant": 0.0, "cagrad": 0.0, "gls": 0.0}
    assert trained(1, takes, recorded=True)[-1] == "complete"


def test_the_pace_of_another_cell_is_not_taken_and_that_of_this_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RecordStore(tmp_path / "results")
    for record in runs("PLE", BASE):
        store.write(record.sealed(), f"record{record.seed}")
    file = tmp_path / "pace.json"
    file.write_text(json.dumps({"cell": "of another backbone", "seconds": 99.0, "start": 9.0, "spent": 999.0}))
    begun = []
    monkeypatch.setattr(Lab, "try_all", lambda self, plan: begun.append(plan) or True)
    found = lab(tmp_path).pace(PLAN, "this")
    assert found == (Pace(1.5, PLAN.pace.start), 0.0)
    assert lab(tmp_path, Budget(1200, spent=70.0)).pace(PLAN, "this") == found
    assert len(begun) == 1
    assert json.loads(file.read_text())["cell"] == "this"
