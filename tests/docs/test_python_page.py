"""docs/python.md: its program goes from a data frame to a leaderboard and a figure."""

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = r"^```python\n(# {name}\n.*?)^```$"


def program(page: str, name: str) -> str:
    """The program of a page that is to be saved as ``name``."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(BLOCK.format(name=re.escape(name)), text, flags=re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.usefixtures("one_core", "cache_dir")
def test_ten_lines_go_from_a_data_frame_to_a_leaderboard_and_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = program("python.md", "first.py")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 10
    log = program("your-own-log.md", "make_log.py")
    Path("make_log.py").write_text(log.replace("visits, shown = 4000, 5", "visits, shown = 300, 5"))
    Path("first.py").write_text(text.replace("epochs=20", "epochs=2"))
    for name in ("make_log.py", "first.py"):
        runpy.run_path(name, run_name="__main__")
    said = capsys.readouterr().out
    assert said.startswith("## Table [schema=log.toml]\n\nData: rows 1,500 ")
    assert re.search(r"^\| UW-Shared Bottom.* \|$", said, flags=re.MULTILINE)
    assert "3 paired seeds" in said
    drawn = Path("differences.svg").read_text(encoding="utf-8")
    assert {"UW-Shared Bottom", "AUC minus constant weights"} <= set(re.findall(r"<text[^>]*>([^<]*)</text>", drawn))
