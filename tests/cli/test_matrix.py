"""``mtlbench list --matrix``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import weighting, write

from mtlbench.api import funnel
from mtlbench.cli.matrix import legend
from mtlbench.discovery import discover
from mtlbench.experiments.applicability import Combination


def marks(out: str) -> dict[str, dict[str, str]]:
    """Weighting -> backbone -> mark, read from the tables, one for as many backbones as fit."""
    lines = out.splitlines()
    found: dict[str, dict[str, str]] = {}
    for head in (n for n, line in enumerate(lines) if line.startswith("weighting ")):
        end = next(n for n in range(head, len(lines)) if not lines[n].strip())
        backbones = lines[head].split()[1:]
        for row in (line.split() for line in lines[head + 2 : end]):
            found.setdefault(row[0], {}).update(zip(backbones, row[1:], strict=True))
    return found


def test_a_mark_per_pair_and_what_it_means(mtlbench: Any) -> None:
    result = mtlbench("list", "--matrix")
    assert result.code == 0
    table = marks(result.out)
    assert set(table) == set(discover().weightings)
    assert set(table["constant"].values()) == {"+"}
    assert {*table["constant"]} == {*discover().backbones}
    assert table["pcgrad"]["single-task"] == "a"
    assert table["pcgrad"]["ple"] == "+"
    assert "On a dataset of funnel tasks (click, conversion) with sessions" in result.out
    assert "none: no parameter is reached" in " ".join(result.out.split())


def test_the_table_fits_100_columns_and_a_row_is_a_line(mtlbench: Any) -> None:
    result = mtlbench("list", "--matrix", "--on", "parallel")
    assert max(map(len, result.out.splitlines())) <= 100
    assert set(marks(result.out)) == set(discover().weightings)


@pytest.mark.parametrize(
    ("kind", "pair", "words"),
    [
        ("no-sessions", ("rmtl", "ple"), "critics need sessions"),
        ("parallel", ("constant", "esmm"), "the dataset's tasks are parallel"),
        ("mixed", ("focal", "ple"), "takes binary tasks alone, and 'watch_time' is nonnegative"),
        ("mixed", ("rmtl-official", "ple"), "halved_rewards is for binary tasks alone"),
        ("one-task", ("constant", "aitm"), "the dataset has one"),
    ],
)
def test_other_kinds_of_dataset(mtlbench: Any, kind: str, pair: tuple[str, str], words: str) -> None:
    result = mtlbench("list", "--matrix", "--on", kind)
    weighting, backbone = pair
    letter = marks(result.out)[weighting][backbone]
    assert letter != "+"
    meaning = result.out[result.out.index(f"\n{letter}   ") :]
    assert words in " ".join(meaning.split())


def test_as_json_it_is_rows(mtlbench: Any) -> None:
    found = json.loads(mtlbench("list", "--matrix", "--json").out)
    assert found["dataset"] == {
        "kind": "funnel",
        "tasks": [asdict(task) for task in funnel("click", "conversion")],
        "chain": True,
        "sessions": True,
    }
    catalogue = discover()
    assert len(found["rows"]) == len(catalogue.backbones) * len(catalogue.weightings)
    [row] = [row for row in found["rows"] if (row["backbone"], row["weighting"]) == ("single-task", "pcgrad")]
    assert not row["applicable"]
    assert row["reason"].startswith("PCGrad weighs")


def test_reasons_that_differ_in_a_label_are_one_sentence() -> None:
    pairs = [
        Combination("single-task", "pcgrad", "PCGrad needs shared parameters, and Single Task has none"),
        Combination("single-task", "rmtl", "RMTL needs shared parameters, and Single Task has none"),
        Combination("ple", "decay", "Decay does not like PLE"),
    ]
    told = legend(pairs, discover())
    assert told[pairs[0]] == told[pairs[1]] == "the weighting needs shared parameters, and Single Task has none"
    assert told[pairs[2]] == "Decay does not like PLE"


def test_a_broken_plugin_is_a_warning(mtlbench: Any, tmp_path: Path) -> None:
    good, bad = write(tmp_path, "good.py", weighting("good")), write(tmp_path, "bad.py", "1 / 0")
    result = mtlbench("list", "--matrix", "--plugin", good, "--plugin", bad)
    assert set(marks(result.out)["good"].values()) == {"+"}
    assert "warning: left out bad, which is broken" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--matrix", "--on", "paralel"], "did you mean 'parallel'?"),
        (["datasets", "--matrix"], "leave 'datasets' out"),
        (["--on", "parallel"], "--on parallel is for --matrix"),
    ],
)
def test_wrong_use_exits_2(mtlbench: Any, arguments: list[str], message: str) -> None:
    result = mtlbench("list", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
