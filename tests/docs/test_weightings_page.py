"""docs/weightings.md: up to date, complete, and readable where Markdown has had its way with it."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from mtlbench.discovery import discover

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def builder() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "build_weightings.py"))


def test_the_page_is_up_to_date(builder: dict[str, Any]) -> None:
    written = (DOCS / "weightings.md").read_text(encoding="utf-8")
    assert written == builder["page"](), "docs/weightings.md is stale: run python docs/build_weightings.py"


def test_every_built_in_weighting_has_a_row_with_its_paper_and_a_section_with_its_formula(
    builder: dict[str, Any],
) -> None:
    page = builder["page"]()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| [`")}
    sections = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE))
    built_in = {
        name for name, entry in discover().weightings.items() if entry.cls.__module__.startswith("mtlbench_plugins.")
    }
    assert set(rows) == set(sections) == built_in
    for name in built_in:
        assert re.search(r"\| \[[\w -]+\]\(https?://\S+\) \|", rows[name]), f"{name} has no paper in the table"
        assert "\n\n$$\n" in sections[name], f"{name} has no formula"


def test_no_formula_holds_what_markdown_takes_away(builder: dict[str, Any]) -> None:
    page = builder["page"]()
    assert ".. math::" not in page
    formulas = re.findall(r"(?<=\n\n)\$\$\n(.*?)\n\$\$(?=\n\n)", page, flags=re.DOTALL)
    assert 2 * len(formulas) == page.count("$$")
    for formula in formulas:
        assert "\n" not in formula
        assert not re.search(r"\\[^A-Za-z]|[<>]", formula), formula


@pytest.mark.parametrize(
    ("docstring", "markdown"),
    [
        ("A ``code`` and a :class:`mtlbench.api.Step`.", "A `code` and a `mtlbench.api.Step`."),
        ("Before:\n\n.. math:: a \\, b,\n          = c\n\nafter", "Before:\n\n$$\na \\thinspace b, = c\n$$\n\nafter"),
        (
            ".. math::\n    a < \\{b\\}\n\n    c \\\\ d\n\nafter",
            "$$\na \\lt \\lbrace b\\rbrace\n$$\n\n$$\nc \\cr d\n$$\n\nafter",
        ),
        ("Where a < b, <h2, h3> and `list<T>`.", "Where a < b, \\<h2, h3> and `list<T>`."),
    ],
)
def test_docstrings_become_markdown(builder: dict[str, Any], docstring: str, markdown: str) -> None:
    assert builder["body"](docstring) == markdown
