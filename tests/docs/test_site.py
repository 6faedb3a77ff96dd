"""What the site of the documentation adds to the pages: a report of each leaderboard."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from published import ROOT
from record_factory import runs

from mtlbench.records import RecordStore

pytest.importorskip("sphinx", reason="pip install 'mtlbench[docs]'")
pytest.importorskip("plotly", reason="pip install 'mtlbench[report]'")


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "docs" / "_ext")
    monkeypatch.delitem(sys.modules, "boards", raising=False)
    import boards

    return boards


def test_every_committed_board_has_a_report(extension: Any) -> None:
    names = [page.stem for page in extension.boards()]
    assert names == sorted(folder.name for folder in (ROOT / "leaderboards" / "records").iterdir())
    assert "synthetic" in names
    assert "\n```{boards}\n" in (ROOT / "docs" / "leaderboards.md").read_text(encoding="utf-8")
    for page in extension.boards():
        item = extension.entry(page)
        [link] = [node for node in item.findall() if node.tagname == "reference"]
        assert link["refuri"] == f"boards/{page.stem}.html"
    assert (
        "kinds=mixed] and 2 more logs, 6 tasks, 13 weightings"
        in extension.entry(extension.BOARDS / "synthetic-six.md").astext()
    )


def test_the_hook_writes_a_file_for_each_board_without_a_network(
    extension: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaderboards, site = tmp_path / "leaderboards", tmp_path / "site"
    for name in ("one", "two"):
        store = RecordStore.at(leaderboards / "records" / name)
        for record in runs("RMTL-PLE", [0.73, 0.74]):
            store.write(record, record.cell)
        (leaderboards / f"{name}.md").write_text("")
    (leaderboards / "README.md").write_text("")
    site.mkdir()
    monkeypatch.setattr(extension, "BOARDS", leaderboards)
    other = SimpleNamespace(outdir=site, builder=SimpleNamespace(format="latex"))
    extension.write_reports(other, None)
    html = SimpleNamespace(outdir=site, builder=SimpleNamespace(format="html"))
    extension.write_reports(html, ValueError("the build failed"))
    assert list(site.iterdir()) == []
    extension.write_reports(html, None)
    written = sorted(site.rglob("*.html"))
    assert [path.relative_to(site).as_posix() for path in written] == ["boards/one.html", "boards/two.html"]
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert f"<h1>{path.stem}</h1>" in text
        assert "RMTL-PLE" in text
        assert "connect-src 'none'" in text or "default-src 'none'" in text
