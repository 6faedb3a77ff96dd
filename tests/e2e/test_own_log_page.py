"""docs/your-own-log.md, followed word by word: its files saved, its commands run, what it shows found in the output."""

import re
import runpy
import shlex
from pathlib import Path

import pytest

from mtlbench.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "your-own-log.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MAY_FAIL = " || true"


def words(text: str) -> str:
    return " ".join(text.split())


def run(command: str) -> int:
    """Run a command line in this process, which has imported what a new one would take seconds for: its exit code."""
    program, *arguments = shlex.split(command)
    if program == "python":
        runpy.run_path(arguments[0], run_name="__main__")
        return 0
    assert program == "mtlbench"
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


@pytest.mark.slow
@pytest.mark.usefixtures("one_core", "cache_dir")
def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    here = tmp_path / "empty"
    here.mkdir()
    monkeypatch.chdir(here)
    output, ran, shown = "", 0, 0
    for kind, text in blocks:
        first = text.partition("\n")[0]
        if kind == "sh":
            (command,) = text.splitlines()
            code = run(command.removesuffix(MAY_FAIL))
            said = capsys.readouterr()
            output = said.out + said.err
            assert (code == 0) != command.endswith(MAY_FAIL), (text, output)
            ran += 1
        elif kind == "text":
            assert [line for line in text.splitlines() if words(line) not in words(output)] == [], output
            shown += 1
        elif kind == "console":
            continue  # takes longer than a test may
        elif (name := first.removeprefix("# ")).endswith((".py", ".toml")):
            (here / name).write_text(text)
        else:
            assert (here / "my_log.toml").read_text() == text
    assert (ran, shown) == (8, 6)
    assert (here / "results" / "leaderboard.md").is_file()
