"""``mtlbench leaderboard overall``: the page over logs, its heat map, and what ``verify`` sees of both."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from made_logs import log_records
from rendered_pages import rendered

from mtlbench.leaderboards.publishing import PageOptions, publish
from mtlbench.records import Record, RecordStore

SHOP = {"A": 0.004, "B": 0.0}
HOTEL = {"A": 0.0, "B": 0.0, "C": -0.004}


def write(folder: Path, records: list[Record]) -> None:
    store = RecordStore.at(folder)
    for one in records:
        store.write(one, one.cell[:16])


def add_board(folder: Path, name: str, leads: dict[str, float], **settings: Any) -> None:
    """A page with its records beside it."""
    write(folder / "records" / name, log_records(name.title(), leads, **settings))
    publish(folder / f"{name}.md", PageOptions())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two boards, and a results folder that has nothing to compare."""
    place = tmp_path_factory.mktemp("made") / "boards"
    place.mkdir()
    add_board(place, "shop", SHOP)
    add_board(place, "hotel", HOTEL)
    write(place / "alone" / "records", log_records("Alone", {}))
    return place


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "boards"))


def sentences_and_tables(page: str) -> tuple[list[Any], list[Any]]:
    """What a renderer shows of both."""
    parts = list(rendered("\n".join(line for line in page.split("\n") if not line.startswith(("Made by", "![")))))
    sentences, tables = ([shown for kind, shown in parts if kind == wanted] for wanted in ("item", "table"))
    return sentences, tables


def of_the_page(out: str) -> list[str]:
    """What ``verify`` says of the page over logs; the cells of these records have made-up ids."""
    return [line for line in out.splitlines() if "README" in line]


def test_the_page_answers_and_says_what_was_compared(mtlbench: Any, folder: Path) -> None:
    done = mtlbench("leaderboard", "overall", folder)
    assert done.code == 0, done.err
    page = (folder / "README.md").read_text()
    assert done.out == page
    items, tables = sentences_and_tables(page)
    assert len(items) == 5
    assert items[2].startswith("On which log is one better? Better than Constant: A (+0.5")
    assert "worse than Constant: C (−0.5" in items[2]
    over_logs, gains, _, compared = tables
    assert over_logs[1][0][0] == "A"
    assert sorted(row[0][0] for row in over_logs[1:]) == ["A", "B", "Constant"]
    assert [cell[0] for cell in gains[0]] == ["Weighting", "Hotel<br>hotel", "Shop<br>shop"]
    assert [row[0][0] for row in gains[1:]] == ["A", "B", "C"]
    assert gains[1][2][0].endswith("*")
    assert gains[3][1][0].endswith("°")
    assert gains[3][2][0] == "–"
    assert [row[1][0] for row in compared] == ["Ranks its log", "yes", "yes"]
    svg = (folder / "README.svg").read_text()
    assert "![Gain of each weighting over Constant on each board](README.svg)" in page
    marked = re.findall(r">([+−]0\.\d\d)([*°])<", svg)
    assert sorted(mark for _, mark in marked) == ["*", "°"]


def test_verify_takes_the_page_that_was_written(mtlbench: Any, folder: Path) -> None:
    assert mtlbench("leaderboard", "overall", folder).code == 0
    assert of_the_page(mtlbench("leaderboard", "verify", folder).out) == []


def test_verify_finds_an_edit_a_new_board_and_a_missing_figure(mtlbench: Any, folder: Path) -> None:
    assert mtlbench("leaderboard", "overall", folder).code == 0
    page, figure = folder / "README.md", folder / "README.svg"
    written = page.read_text()
    page.write_text(written.replace("None is shown to be", "A is the best"))
    done = mtlbench("leaderboard", "verify", folder)
    assert done.code == 1
    [found] = of_the_page(done.out)[:1]
    assert found.startswith(f"page: {page}: it does not read as the records of its boards give it")
    assert "A is the best" in done.out
    page.write_text(written)
    figure.unlink()
    assert of_the_page(mtlbench("leaderboard", "verify", folder).out) == [
        f"page: {figure}: a figure of README.md is missing; build it anew with `mtlbench leaderboard overall`"
    ]
    figure.write_text("drawn")
    add_board(folder, "news", {"A": 0.0, "B": 0.0})
    assert "out of date" in of_the_page(mtlbench("leaderboard", "verify", folder).out)[0]


def test_verify_finds_a_figure_of_before(mtlbench: Any, folder: Path) -> None:
    assert mtlbench("leaderboard", "overall", folder).code == 0
    figure = folder / "README.svg"
    before = figure.read_text()
    gain = re.findall(r">([+−]0\.\d\d)[*°]?<", before)[0]
    figure.write_text(before.replace(f">{gain}", ">+9.99", 1))
    done = mtlbench("leaderboard", "verify", folder)
    assert "README.svg: it does not say what the records give: it was edited by hand or is out of date" in done.out
    assert "+9.99" in done.out
    figure.write_text(before.replace("stroke-linejoin: round", "stroke-linejoin: miter"))
    assert of_the_page(mtlbench("leaderboard", "verify", folder).out) == []


def test_a_page_under_another_name_is_no_board(mtlbench: Any, folder: Path) -> None:
    assert mtlbench("leaderboard", "overall", folder / "shop.md", "--out", folder / "one.md").code == 0
    assert (folder / "one.md").read_text().startswith("<!-- generated by mtlbench leaderboard overall shop.md;")
    done = mtlbench("leaderboard", "verify", folder)
    assert [line for line in done.out.splitlines() if "one.md" in line] == []
    page = folder / "one.md"
    page.write_text(page.read_text().replace("overall shop.md", "overall 'shop.md", 1))
    assert "its first line is damaged: No closing quotation" in mtlbench("leaderboard", "verify", folder).out


def test_results_folders_give_the_same_as_pages_of_their_records(mtlbench: Any, folder: Path, tmp_path: Path) -> None:
    for name in ("hotel", "shop"):
        shutil.copytree(folder / "records" / name, tmp_path / "results" / name / "records")
    out = tmp_path / "results" / "page.md"
    assert mtlbench("leaderboard", "overall", out.with_name("hotel"), out.with_name("shop"), "--out", out).code == 0
    assert mtlbench("leaderboard", "overall", folder).code == 0
    assert sentences_and_tables(out.read_text()) == sentences_and_tables((folder / "README.md").read_text())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Missing argument"),
        (["nowhere"], "there are no records in"),
        (["shop.md", "shop.md"], "shop.md was given twice"),
        ([".", "shop.md"], "shop.md was given twice"),
        (["shop.md", "--out", "page.html"], "the page is Markdown; name a file that ends in .md"),
        (["alone"], "no board has constant weights and another weighting with every seed"),
    ],
)
def test_bad_input_writes_nothing(
    mtlbench: Any, made: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str
) -> None:
    monkeypatch.chdir(made)
    before = sorted(os.listdir(made))
    done = mtlbench("leaderboard", "overall", *arguments)
    assert (done.code, done.out) == (2, "")
    assert text in done.err
    assert sorted(os.listdir(made)) == before
