from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlbench import api
from mtlbench.data import load
from mtlbench_plugins.datasets.deskdrop import TASKS, VIEW, Deskdrop

START = 1_460_000_000
COLUMNS = ["timestamp", "eventType", "contentId", "personId", "sessionId", "userCountry", "device"]
EVENTS = [
    (5, "LIKE", 7, 1, 10),
    (10, VIEW, 7, 1, 11),
    (11, VIEW, 7, 1, 11),
    (12, "BOOKMARK", 7, 1, 11),
    (13, VIEW, 8, 1, 11),
    (20, VIEW, 7, 2, 12),
    (30, "FOLLOW", 7, 2, 13),
    (40, VIEW, 7, 2, 13),
    (50, "COMMENT CREATED", 9, 3, 14),
]


def dataset() -> Deskdrop:
    return Deskdrop(Deskdrop.Params())


def write(root: Path, events: list[tuple[int, str, int, int, int]], columns: list[str] = COLUMNS) -> Path:
    """A folder with (second, event, article, person, session) in the columns of the log."""
    folder = root / "deskdrop"
    folder.mkdir()
    frame = pd.DataFrame(events, columns=COLUMNS[:5])
    frame["timestamp"] += START
    frame["userCountry"], frame["device"] = "BR", "linux"
    frame[columns].to_csv(folder / "users_interactions.csv", index=False)
    return root


def test_a_row_is_a_pair_at_its_first_view_with_what_the_person_ever_did(tmp_path: Path) -> None:
    log = dataset().load(write(tmp_path, EVENTS))
    rows = log.frame[["personId", "contentId", "sessionId", "time_ms", *TASKS, "revisit"]].copy()
    rows["time_ms"] = rows["time_ms"] // 1000 - START
    assert rows.to_numpy().tolist() == [
        [1, 7, 11, 10, 1, 1, 0, 0, 0],
        [1, 8, 11, 13, 0, 0, 0, 0, 0],
        [2, 7, 12, 20, 0, 0, 0, 1, 1],
    ]
    assert (log.facts["before_the_view.like"], log.facts["before_the_view.follow"]) == (1, 0)
    assert log.facts["pairs_without_view"] == 1


def test_the_age_of_an_article_counts_from_its_first_event(tmp_path: Path) -> None:
    age = np.expm1(dataset().load(write(tmp_path, EVENTS)).frame["article_age"])
    assert age.tolist() == pytest.approx([5, 0, 15])


def test_events_that_equal_another_count_once(tmp_path: Path) -> None:
    facts = dataset().load(write(tmp_path, [*EVENTS, EVENTS[0], EVENTS[3]])).facts
    assert (facts["events"], facts["duplicates_dropped"], facts["like"]) == (11, 2, 1)


def test_the_device_is_read_where_the_file_has_it(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    with_it = dataset().load(write(tmp_path / "with", EVENTS))
    without = dataset().load(write(tmp_path / "without", EVENTS, COLUMNS[:-1]))
    assert set(with_it.categorical) - set(without.categorical) == {"device"}


def test_an_unknown_event_is_refused(tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match="unknown event 'SHARE'"):
        dataset().load(write(tmp_path, [*EVENTS, (60, "SHARE", 7, 1, 11)]))


def test_an_absent_file_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match=r"lacks users_interactions\.csv.*kaggle\.com"):
        dataset().files(tmp_path)


def test_the_pairs_of_the_real_log_have_the_known_counts(data_dir: Path, cache_dir: Path) -> None:
    if not (data_dir / "deskdrop").is_dir():
        pytest.skip("no Deskdrop: deskdrop/users_interactions.csv is absent")
    splits = load(dataset(), data_dir, cache_dir)
    publication = dataset().publication()
    assert publication is not None
    assert {name: splits.facts[name] for name in publication.facts} == publication.facts
    pairs = pd.read_csv(data_dir / "deskdrop" / "pairs.csv.gz")
    labels = np.concatenate([split.labels.numpy() for split in splits.parts().values()])
    assert labels.sum(0).tolist() == pairs[[*TASKS, "revisit"]].sum().tolist()


def test_with_a_history_a_row_knows_the_articles_viewed_before_it(tmp_path: Path) -> None:
    log = Deskdrop(Deskdrop.Params(history="viewed")).load(write(tmp_path, [*EVENTS, (60, VIEW, 9, 1, 15)]))
    assert [list(items) for items in log.frame["viewed"]] == [[], [7], [], [8, 7]]
    assert [bag.of for bag in log.described_bags] == ["contentId"]
    assert "viewed" in log.user_inputs
