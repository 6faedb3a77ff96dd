"""``mtlbench leaderboard compare``: folders and pages, exit codes, refusals."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from record_factory import record, runs

from mtlbench.leaderboards.formats.page import unsealed
from mtlbench.records import Record, RecordStore

SEEDS = [i / 1e3 + i % 2 / 1e4 for i in range(6)]


def store(folder: Path, *groups: Sequence[Record]) -> Path:
    for group in groups:
        for one in group:
            RecordStore(folder).write(one, one.cell[:12])
    return folder


def study(method_auc: float, **settings: Any) -> list[list[Record]]:
    noise = [0.7 + offset for offset in SEEDS]
    return [
        runs("PLE", noise, **settings),
        runs("RMTL-PLE", [method_auc + offset + i % 3 / 1e4 for i, offset in enumerate(SEEDS)], **settings),
    ]


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return store(tmp_path / "reference", *study(0.72))


def page(mtlbench: Any, folder: Path, *options: str) -> Path:
    assert mtlbench("leaderboard", "build", folder, *options).code == 0
    return folder / "leaderboard.md"


def test_the_same_results_are_the_same_as_folder_and_as_page(mtlbench: Any, reference: Path) -> None:
    board = page(mtlbench, reference)
    for mine, other in ((reference, reference), (reference, board), (board, reference), (board, board)):
        done = mtlbench("leaderboard", "compare", mine, other)
        assert done.code == 0, done.err
        assert "2 methods in both: 2 same." in done.out
        assert done.err == ""


@pytest.mark.parametrize("options", [["--layout", "paper"], ["--sort", "click.auc"]])
def test_pages_of_any_layout_compare(mtlbench: Any, reference: Path, options: list[str]) -> None:
    done = mtlbench("leaderboard", "compare", reference, page(mtlbench, reference, *options))
    assert done.code == 0, done.err
    assert "2 methods in both: 2 same." in done.out


def test_a_regression_exits_3_and_is_named(mtlbench: Any, reference: Path, tmp_path: Path) -> None:
    mine = store(tmp_path / "mine", *study(0.71))
    done = mtlbench("leaderboard", "compare", mine, reference)
    assert done.code == 3
    assert done.err == "regressed: Synthetic: RMTL-PLE\n"
    assert "2 methods in both: 1 worse, 1 same." in done.out
    assert "▼" in done.out
    assert mtlbench("leaderboard", "compare", reference, mine).code == 0


def test_json(mtlbench: Any, reference: Path, tmp_path: Path) -> None:
    mine = store(tmp_path / "mine", *study(0.71))
    done = mtlbench("leaderboard", "compare", mine, reference, "--json")
    assert done.code == 3
    found = json.loads(done.out)
    assert found["regressed"] == ["Synthetic: RMTL-PLE"]
    assert [pair["verdict"] for pair in found["boards"][0]["aligned"]] == ["same", "worse"]


def test_another_protocol_is_refused_with_what_differs(mtlbench: Any, reference: Path, tmp_path: Path) -> None:
    mine = store(tmp_path / "mine", *study(0.9, protocol=2, preset="paper"))
    done = mtlbench("leaderboard", "compare", mine, reference)
    assert (done.code, done.out) == (2, "")
    assert "preset is paper here and quick in the reference; protocol is 2 here and 1 in the reference" in done.err


def test_what_may_be_compared_is_and_the_rest_is_warned_of(mtlbench: Any, reference: Path, tmp_path: Path) -> None:
    mine = store(tmp_path / "mine", *study(0.72), *study(0.9, protocol=2), [record(dataset="x", dataset_label="X")])
    done = mtlbench("leaderboard", "compare", mine, reference)
    assert done.code == 0
    assert "2 methods in both: 2 same." in done.out
    assert "warning: not compared: Synthetic, protocol=2 was not run under the same protocol" in done.err
    assert f"warning: not compared: X: {reference} does not have the dataset" in done.err


def test_a_page_edited_by_hand_is_refused(mtlbench: Any, reference: Path) -> None:
    board = page(mtlbench, reference)
    text = board.read_text()
    shown = next(part for part in text.split() if part.startswith("**0.72"))
    line = 1 + next(i for i, line in enumerate(text.splitlines()) if shown in line)
    board.write_text(text.replace(shown, shown.replace("0.72", "0.78"), 1))
    done = mtlbench("leaderboard", "compare", reference, board)
    assert (done.code, done.out) == (2, "")
    assert f"{board} was edited by hand: line {line} shows 0.78" in done.err
    assert "where the seeds of RMTL-PLE have the mean 0.72" in done.err
    board.write_text(text.replace("lower is better", "higher is better", 1))
    done = mtlbench("leaderboard", "compare", board, reference)
    assert (done.code, done.out) == (2, "")
    assert "was edited by hand: it is not what was written, by the checksum at its end" in done.err


def test_a_page_of_an_older_version_compares_and_its_edited_numbers_are_refused(mtlbench: Any, reference: Path) -> None:
    board = page(mtlbench, reference)
    old = unsealed(board.read_text())
    board.write_text(old)
    assert mtlbench("leaderboard", "compare", reference, board).code == 0
    shown = next(part for part in old.split() if part.startswith("**0.72"))
    board.write_text(old.replace(shown, shown.replace("0.72", "0.78"), 1))
    done = mtlbench("leaderboard", "compare", reference, board)
    assert (done.code, done.out) == (2, "")
    assert "was edited by hand: line" in done.err


def test_a_page_whose_scores_were_edited_is_refused(mtlbench: Any, reference: Path) -> None:
    board = page(mtlbench, reference)
    text = board.read_text()
    shown, carried, data = text.partition("```json")
    [score, *_] = re.findall(r"\[\[([\d.]+),", data)
    for other in ("0.79", f"{score}000001" if "." in score else f"{score}.000001"):
        board.write_text(shown + carried + data.replace(f"[[{score},", f"[[{other},", 1))
        done = mtlbench("leaderboard", "compare", reference, board)
        assert (done.code, done.out) == (2, "")
        assert f"{board} was edited by hand: " in done.err


def test_published_tables_are_shown(mtlbench: Any, tmp_path: Path) -> None:
    mine = store(tmp_path / "mine", *study(0.71, dataset="kuairand"))
    done = mtlbench("leaderboard", "compare", mine, "--reference", "rmtl-table1")
    assert done.code == 0, done.err
    assert "Published, other protocol" in done.out
    assert "0.7053" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent", "{reference}"], "there is no absent: expected a results folder or a leaderboard file"),
        (["{reference}"], "name one reference"),
        (["{reference}", "{reference}", "--reference", "mtreclib"], "name one reference"),
        (["{reference}", "rmtl-table1"], "did you mean --reference rmtl-table1?"),
        (["{reference}", "--reference", "rmtl-tabel1"], "did you mean 'rmtl-table1'?"),
        (
            ["{reference}", "--reference", "rmtl-table1"],
            "has none of these datasets and metrics; it has retailrocket, kuairand",
        ),
        (["{reference}", "--reference", "rmtl-table1", "--json"], "leave out --json"),
        (["{reference}", "{reference}", "--baseline", "constnat"], "did you mean 'constant'?"),
        (["{empty}", "{reference}"], "there are no records in"),
        (["{reference}", "{text}"], "is no leaderboard page"),
    ],
)
def test_wrong_use_exits_2_and_prints_no_table(
    mtlbench: Any, reference: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("# Notes\n")
    places = {"reference": reference, "empty": tmp_path / "empty", "text": tmp_path / "notes.md"}
    done = mtlbench("leaderboard", "compare", *(argument.format(**places) for argument in arguments))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
