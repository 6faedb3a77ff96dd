"""The figures of docs/gallery.md are what its commands draw from the committed leaderboards."""

import re
from pathlib import Path

import pytest

from mtlbench.cli import main

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "gallery.md").read_text(encoding="utf-8")
COMMANDS = [line.split()[1:] for line in PAGE.splitlines() if line.startswith("mtlbench figure ")]


def test_each_command_has_its_picture_below_it() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(figures/([\w.]+)\)", PAGE)
    assert [Path(command[-1]).name for command in COMMANDS] == pictures[:-1]
    assert [name for name in pictures if not (DOCS / "figures" / name).exists()] == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[-1])
def test_the_picture_says_what_the_command_draws(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaderboards").symlink_to(DOCS.parent / "leaderboards")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(command)
    assert not end.value.code
    drawn, shown = (texts(folder / command[-1]) for folder in (tmp_path, DOCS / "figures"))
    assert drawn == shown
    assert len(drawn) > 10


def texts(picture: Path) -> list[str]:
    """Of an SVG, which is the same up to the version of the drawing library."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text(encoding="utf-8"))
