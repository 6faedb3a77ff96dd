"""docs/write-a-plugin.md, followed word by word: its files are written, its commands run, its outputs compared."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from fresh_environment import FreshEnvironment

from mtlbench.conformance import RULES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "write-a-plugin.md"
EXAMPLE = ROOT / "plugins/examples/mtlbench-inverse-loss/src/mtlbench_inverse_loss/weightings"
FENCE = re.compile(r"^```(\w+)(?: (\w+)=(\S+))?\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: ``sh`` is run, ``python file=`` written, ``diff patch=`` applied, ``text`` was printed."""

    language: str
    key: str | None
    value: str | None
    content: str


def blocks(page: str) -> list[Block]:
    return [Block(*match.groups()) for match in FENCE.finditer(page)]


def pattern(expected: str) -> str:
    """A regular expression for what was printed, in which ``...`` is any text of a line, or any lines."""
    return "".join(
        "(?:.*\n)*?" if line == "...\n" else ".*".join(map(re.escape, line.split("...")))
        for line in expected.splitlines(keepends=True)
    )


def patch(path: Path, diff: str) -> None:
    lines = diff.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] in marks) for marks in (" -", " +"))
    text = path.read_text()
    assert text.count(before) == 1, f"{before!r} is not what {path} has in one place"
    path.write_text(text.replace(before, after))


@pytest.mark.slow
def test_the_page_does_what_it_says(tmp_path: Path, cache_dir: Path) -> None:
    environment = FreshEnvironment(tmp_path / "environment")
    here = tmp_path / "here"
    here.mkdir()
    printed = None
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.language == "sh":
            done = environment.run(block.content, here, check=False)
            assert done.returncode == int(block.value or 0), f"{block.content}\n{done.stdout}\n{done.stderr}"
            printed = done.stdout
        elif block.language == "python":
            (here / block.value).write_text(block.content)
        elif block.language == "diff":
            patch(here / block.value, block.content)
        elif block.language not in {"console", "py"}:  # which show what one may write
            assert block.language == "text"
            assert re.fullmatch(pattern(block.content), printed), f"expected\n{block.content}\nprinted\n{printed}"


def test_the_file_of_the_page_is_that_of_the_example_package(tmp_path: Path) -> None:
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.key == "file":
            (tmp_path / block.value).write_text(block.content)
        elif block.key == "patch":
            patch(tmp_path / block.value, block.content)
    (written,) = tmp_path.iterdir()
    assert written.read_text() == (EXAMPLE / written.name).read_text()


def test_a_file_is_named_in_the_text_before_it() -> None:
    """A reader sees no info string."""
    page = PAGE.read_text(encoding="utf-8")
    for match in FENCE.finditer(page):
        if match[2] in {"file", "patch"}:
            assert f"`{match[3]}`" in page[: match.start()].rpartition("\n```\n")[2], match[3]


@pytest.mark.parametrize("kind", RULES)
def test_the_page_has_every_rule(kind: str) -> None:
    section = PAGE.read_text(encoding="utf-8").partition(f"\n### Of a {kind}\n")[2].partition("\n###")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{rule.name}` | {rule.statement} |" for rule in RULES[kind].values()]


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("a (...)\n", "a (1.5)\n", True),
        ("...\nb\n", "x\ny\nb\n", True),
        ("...\nb\n...\n", "b\n", True),
        ("...\nb\n", "x\n", False),
    ],
)
def test_dots_stand_for_what_differs(expected: str, printed: str, same: bool) -> None:
    assert bool(re.fullmatch(pattern(expected), printed)) is same
