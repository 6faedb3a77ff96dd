"""Published tables: the data, and results beside it, which are never tested."""

import re

import pytest
from record_factory import record, runs

from mtlbench.errors import UsageError
from mtlbench.leaderboards import board_scores, published_tables
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.leaderboards.comparing.published import SOURCES, published


def side(records):
    return [board_scores(board) for board in boards(records)]


def study(dataset="kuairand", seeds=3):
    return [
        one
        for i, method in enumerate(["Single Task", "PLE", "RMTL-PLE", "Decay-PLE"])
        for one in runs(method, [0.7 + i / 100 + seed / 1e3 for seed in range(seeds)], dataset=dataset)
    ]


def cells(table):
    return {line.labels[0].text: dict(zip(table.heads, line.cells, strict=True)) for line in table.lines}


@pytest.mark.parametrize(("name", "count"), [("rmtl-table1", 2 * 2 * 3 * 9), ("mtreclib", 4 * 2 * 7)])
def test_the_data_is_complete(name, count):
    origin, numbers = published(name)
    assert "https://" in origin
    assert len(numbers) == count
    keys = {(n.dataset, n.task, n.metric, n.method) for n in numbers}
    assert len(keys) == count
    assert all(0 < n.value < 1 for n in numbers)


def test_dataset_and_task_hold_until_they_change():
    found = {(n.dataset, n.task, n.metric, n.method): n for n in published("rmtl-table1")[1]}
    assert found["retailrocket", "CTCVR", "s_logloss", "RMTL-MMoE"].value == 0.0143
    assert found["kuairand", "CTR", "auc", "RMTL-PLE"].value == 0.7053
    assert found["kuairand", "CTCVR", "logloss", "RMTL-ESMM"].starred
    assert not found["kuairand", "CTCVR", "logloss", "RMTL-PLE"].starred


def test_results_stand_beside_the_published_ones_with_no_verdict():
    scores, gains = published_tables(side(study()), "rmtl-table1")
    text = " ".join(scores.caption)
    assert "Published, other protocol" in text
    assert "nothing is tested" in text
    assert "CTR stands beside click, CTCVR stands beside pay" in text
    assert "Not in the published table: Decay-PLE." in text
    found = {method: [cell.text + cell.tail for cell in row.values()] for method, row in cells(scores).items()}
    assert found["Single Task"][:2] == ["0.7010(25)", "0.7003"]
    assert found["RMTL-PLE"][:2] == ["0.7210(25)", "0.7053*"]
    assert found["D-PLE"][:2] == ["–", "0.7025"]
    gained = {method: [cell.text + cell.tail for cell in row.values()] for method, row in cells(gains).items()}
    assert gained == {"RMTL-PLE": ["+0.0100(0)", "+0.0027", *gained["RMTL-PLE"][2:]]}
    everything = str(scores) + str(gains)
    assert not re.search(r"better|worse|[▲▼]|p [<=]", everything)


def test_names_match_whatever_their_capitals_and_hyphens():
    records = [record("Shared Bottom", 0.7, dataset="aliexpress", dataset_changed={"country": "NL"})]
    (scores,) = published_tables(side(records), "mtreclib")
    found = {method: [cell.text for cell in row.values()] for method, row in cells(scores).items()}
    assert found["Shared-Bottom"] == ["0.7000", "0.7228", "0.7000", "0.8511"]
    assert found["SingleTask"] == ["–", "0.7222", "–", "0.8590"]


def test_the_baseline_of_the_gains_can_be_named():
    found = published_tables(side(study()), "rmtl-table1", "decay")
    assert len(found) == 2
    over = {line.labels[0].text: line.labels[0].aside for line in found[1].lines}
    assert over == {"PLE": "over Decay-PLE", "RMTL-PLE": "over Decay-PLE"}
    with pytest.raises(UsageError, match="did you mean 'decay'"):
        published_tables(side(study()), "rmtl-table1", "deacy")


def test_unknown_tables_and_datasets_are_refused():
    with pytest.raises(UsageError, match="unknown published table 'rmtl': did you mean 'rmtl-table1'"):
        published_tables(side(study()), "rmtl")
    with pytest.raises(UsageError, match="it has retailrocket, kuairand"):
        published_tables(side(study("synthetic")), "rmtl-table1")
    watched = {"tasks": ("watch",), "kinds": {"watch": "nonnegative"}, "primary": {"watch": "xauc"}}
    of_numbers = record("PLE", dataset="kuairand", metrics={"test": {"watch": {"xauc": 0.6}}}, **watched)
    with pytest.raises(UsageError, match="none of these datasets and metrics"):
        published_tables(side([of_numbers]), "rmtl-table1")
    assert set(SOURCES) == {"rmtl-table1", "mtreclib"}
