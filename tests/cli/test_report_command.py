"""``mtlbench report``: which files it writes, and what it refuses. What the page does is tested in a browser."""

from pathlib import Path
from typing import Any

import pytest
from record_factory import runs

from mtlbench.records import RecordStore


@pytest.fixture
def results(tmp_path: Path) -> Path:
    out = tmp_path / "results"
    for one in [*runs("PLE", [0.70, 0.71]), *runs("RMTL-PLE", [0.73, 0.74])]:
        RecordStore(out).write(one, one.cell)
    return out


def test_a_page_beside_the_records_by_default(mtlbench: Any, results: Path) -> None:
    done = mtlbench("report", results, "--title", "A <b> & c")
    assert (done.code, done.out) == (0, f"{results / 'report.html'}\n"), done.err
    text = (results / "report.html").read_text(encoding="utf-8")
    assert "<h1>A &lt;b&gt; &amp; c</h1>" in text
    assert "RMTL-PLE" in text


def test_figures_in_a_folder_beside_the_page(mtlbench: Any, results: Path, tmp_path: Path) -> None:
    done = mtlbench("report", results, "--output", tmp_path / "mine.html", "--figures")
    assert done.code == 0, done.err
    paths = [Path(line) for line in done.out.splitlines()]
    folder = tmp_path / "mine-figures"
    names = [f"{name}.{ending}" for name in ("differences", "tradeoff") for ending in ("svg", "png")]
    assert paths == [tmp_path / "mine.html", *(folder / name for name in names)]
    assert all(path.stat().st_size for path in paths)


def test_what_cannot_be_reported_exits_2_and_writes_nothing(mtlbench: Any, results: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for arguments, message in (
        ([tmp_path / "absent"], "there are no records in"),
        ([results, "--output", tmp_path / "no" / "page.html"], "check that the folder exists"),
    ):
        done = mtlbench("report", *arguments)
        assert (done.code, done.out) == (2, "")
        assert message in done.err
    assert sorted(tmp_path.rglob("*")) == before
