"""What is measured on a log, which logs are refused, and which troubles are named."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from record_factory import record
from small_splits import small_schema, small_splits

from mtlbench import api
from mtlbench.advice.conflict import Cosines, Pair
from mtlbench.advice.facts import FEWEST_LABELS, LogFacts, TaskFacts, facts_of, require_answerable
from mtlbench.advice.measuring import Measured, best_epochs, save, saved
from mtlbench.advice.troubles import troubles
from mtlbench.errors import DataError
from mtlbench.records.schema import Epoch

ROWS = 240


def with_labels(split: api.Split, column: int, ones: int) -> api.Split:
    labels = split.labels.clone()
    labels[:, column] = (torch.arange(len(labels)) < ones).float()
    return replace(split, labels=labels)


def test_labels_are_counted_by_split_and_class_and_those_not_observed_do_not_count() -> None:
    splits = small_splits(small_schema(("click", "like"), parallel=True), ROWS)
    train = with_labels(splits.train, 0, 60)
    train.labels[:, 1] = torch.nan
    train.labels[:30, 1] = torch.tensor([1.0, 1.0, 0.0]).repeat(10)
    facts = facts_of(replace(splits, train=train, test=with_labels(splits.test, 0, 230)))
    click, like = facts.tasks
    assert facts.rows == {"train": ROWS, "validation": ROWS, "test": ROWS}
    assert (click.mean, click.share_observed, click.rarer["train"], click.rarer["test"]) == (0.25, 1.0, 60, 10)
    assert (like.observed["train"], like.rarer["train"]) == (30, 10)
    assert (like.mean, like.share_observed) == (pytest.approx(2 / 3), 30 / ROWS)


def test_numbers_have_no_rarer_class() -> None:
    schema = replace(small_schema(("click", "watch"), parallel=True), tasks=(api.Task("click"), api.Task("w", "real")))
    [_, watch] = facts_of(small_splits(schema, ROWS)).tasks
    assert dict(watch.rarer) == {"train": ROWS, "validation": ROWS, "test": ROWS}
    assert watch.rare == 0.5


def test_one_task_is_refused_with_the_remedy() -> None:
    with pytest.raises(DataError, match=r"my.toml has one task, click: .* name two or more in its `tasks`"):
        require_answerable(facts_of(small_splits(small_schema(("click",)))), "my.toml")


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("ones", [1, FEWEST_LABELS - 1, ROWS - 2])
def test_too_few_labels_to_judge_by_are_refused_with_task_and_split(split: str, ones: int) -> None:
    splits = small_splits(rows=ROWS)
    changed = replace(splits, **{split: with_labels(splits.parts()[split], 0, ones)})
    with pytest.raises(
        DataError, match=f"task 'click' has {min(ones, ROWS - ones)} labels? of its rarer class in the {split}"
    ):
        require_answerable(facts_of(changed), "my.toml")
    enough = replace(splits, **{split: with_labels(splits.parts()[split], 0, FEWEST_LABELS)})
    require_answerable(facts_of(enough), "my.toml")
    assert "click has 10 labels of its rarer class in test" in " ".join(facts_of(enough).warnings) or split != "test"


def test_the_best_epoch_of_a_task_is_its_own() -> None:
    scores = [{"click": 0.6, "pay": 0.5}, {"click": 0.7, "pay": 0.6}, {"click": 0.7, "pay": 0.7}]
    curve = [
        Epoch(stage="train", epoch=epoch, train_loss={}, validation=values, weights=None)
        for epoch, values in enumerate(scores, start=1)
    ]
    assert best_epochs(record().model_copy(update={"curve": curve})) == {"click": 2, "pay": 3}
    assert best_epochs(record()) == {}


FACTS = LogFacts(
    {"train": 600, "validation": 200, "test": 200},
    (
        TaskFacts("click", "binary", {"train": 600}, {"train": 200, "test": 70}, 0.3, 1.0),
        TaskFacts("buy", "binary", {"train": 600}, {"train": 60, "test": 20}, 0.1, 1.0),
    ),
)
CALM = Measured(
    cell="c",
    seconds=1.0,
    looking=0.5,
    start_losses={"click": 0.7, "buy": 0.7},
    losses={"click": 0.6, "buy": 0.3},
    scores={"click": 0.7, "buy": None},
    best_epochs={"click": 3, "buy": 4},
    cosines=Cosines((Pair(("click", "buy"), -0.02, 0.03, 0.6),), 32, mean=-0.02, error=0.03),
)


def test_a_calm_log_shows_no_trouble() -> None:
    assert troubles(FACTS, CALM) == {}


def test_each_trouble_is_named_with_what_shows_it() -> None:
    rare = replace(FACTS, tasks=(FACTS.tasks[0], replace(FACTS.tasks[1], mean=0.995)))
    found = troubles(
        rare,
        replace(
            CALM,
            losses={"click": 0.6, "buy": 0.05},
            best_epochs={"click": 1, "buy": 9},
            cosines=Cosines((Pair(("click", "buy"), -0.3, 0.05, 0.9),), 32, mean=-0.3, error=0.05),
        ),
    )
    assert found == {
        "scale": "the loss of click is 12 times that of buy",
        "conflict": "the gradients of the tasks have a mean cosine of -0.30",
        "pace": "click is best in epoch 1 and buy in epoch 9",
        "rarity": "0.5 % of the labels of buy are of its rarer class",
    }


def test_a_cosine_below_0_within_its_noise_is_no_conflict() -> None:
    noisy = Cosines((Pair(("click", "buy"), -0.2, 0.15, 0.6),), 32, mean=-0.2, error=0.15)
    assert "conflict" not in troubles(FACTS, replace(CALM, cosines=noisy))


def test_gradients_that_were_not_compared_show_no_conflict() -> None:
    assert "conflict" not in troubles(FACTS, replace(CALM, cosines=None))


def test_what_was_measured_is_read_again_for_the_same_cell_alone(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    assert saved(path, "c") is None
    save(CALM, path)
    assert saved(path, "c") == CALM
    assert saved(path, "other") is None
    save(replace(CALM, cosines=None), path)
    assert saved(path, "c") == replace(CALM, cosines=None)
    path.write_text('{"cell": "c"')
    assert saved(path, "c") is None
    path.write_text('{"cell": "c", "pairs": []}')
    assert saved(path, "c") is None
