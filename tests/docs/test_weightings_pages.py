"""docs/weightings.md and its page per family: up to date, complete, and readable as Markdown."""

import dataclasses
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from small_splits import small_splits
from torch.nn.functional import binary_cross_entropy_with_logits

from mtlbench.api import Inputs, Setting, Step, Task
from mtlbench.discovery import Entry, discover
from mtlbench.discovery.families import MEANINGS, family_of

DOCS = Path(__file__).parents[2] / "docs"
INDEX = "weightings.md"
REMEDY = "run python docs/build_weightings.py"


@pytest.fixture(scope="module")
def builder() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "build_weightings.py"))


@pytest.fixture(scope="module")
def pages(builder: dict[str, Any]) -> dict[str, str]:
    return builder["pages"]()


@pytest.fixture(scope="module")
def built_in() -> dict[str, Entry]:
    found = discover().weightings
    return {name: entry for name, entry in found.items() if entry.cls.__module__.startswith("mtlbench_plugins.")}


def test_the_pages_are_up_to_date(pages: dict[str, str]) -> None:
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.glob("weightings/*.md")}
    assert written == set(pages) - {INDEX}, REMEDY
    for name, text in pages.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"docs/{name} is stale: {REMEDY}"


def test_every_built_in_weighting_has_a_row_that_leads_to_its_formula(
    pages: dict[str, str], built_in: dict[str, Entry]
) -> None:
    rows = re.findall(r"^\| \[`([\w-]+)`\]\((\S+)#([\w-]+)\) \|(.*)$", pages[INDEX], flags=re.MULTILINE)
    assert sorted(name for name, *_ in rows) == sorted(built_in), "each has one row"
    for name, page, anchor, cells in rows:
        assert anchor == name
        assert all(cell.strip() for cell in cells.strip("|").split(" | ")), f"{name} has an empty cell"
        assert re.search(r"^ \[[\w -]+ (19|20)\d\d\]\(https?://\S+\) \|", cells), f"{name} has no paper, or no year"
        sections = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=^## |\Z)", pages[page], flags=re.DOTALL | re.MULTILINE))
        assert "\n\n$$\n" in sections[name], f"{name} has no formula"


def test_the_table_of_all_methods_has_what_is_known_of_each(pages: dict[str, str], built_in: dict[str, Entry]) -> None:
    text = pages[INDEX].partition("## All methods")[2].partition("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert table[0][2:] == ["what it claims", "what it reads", "extra cost", "which of ours it equals, and when"]
    families = [family_of(built_in[row[0].split("`")[1]].cls) for row in table[2:]]
    assert families == sorted(families, key=list(MEANINGS).index)
    for row in table[2:]:
        name, equal = row[0].split("`")[1], re.findall(r"`([\w-]+)(?:\[[^`]*\])?`", row[5])
        assert all(other in built_in for other in equal), f"{name} equals what is no weighting: {equal}"
        assert name not in equal
        assert built_in[name].cls.coincides_with <= set(equal), f"{name} declares more in coincides_with"
        assert bool(equal) is (row[5] != "none"), f"{name} equals {row[5]}, and names no weighting"


def test_a_docstring_without_its_sentences_is_named(builder: dict[str, Any], built_in: dict[str, Entry]) -> None:
    entry = built_in["gls"]
    silent = dataclasses.replace(entry, cls=type("Silent", (entry.cls,), {"__doc__": "It reads.\n\nAll else."}))
    with pytest.raises(SystemExit, match=r"gls: the docstring says nowhere 'It reads \.\.\.'"):
        builder["reads"](silent)
    with pytest.raises(SystemExit, match=r"gls: the docstring says nowhere 'It claims that \.\.\.'"):
        builder["claims"](silent)
    assert builder["equals"](silent) == "none"


def test_links_lead_to_sections(pages: dict[str, str]) -> None:
    links = [(here, *link) for here, text in pages.items() for link in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", text)]
    assert len(links) > len(pages)
    for here, target, anchor in links:
        text = (DOCS / here).parent.joinpath(target).read_text(encoding="utf-8") if target else pages[here]
        headings = [re.sub(r"[^\w -]", "", one) for one in re.findall(r"^## (.+)$", text, flags=re.MULTILINE)]
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings], f"{here} links to #{anchor}"


def test_a_family_weighs_tasks_or_samples_as_its_page_says(builder: dict[str, Any], built_in: dict[str, Entry]) -> None:
    """The shape that ``per_sample`` claims is the shape that comes out."""
    rows, tasks = 6, 3
    data = dataclasses.replace(small_splits().train, labels=(torch.arange(rows * tasks).view(rows, tasks) % 2).float())
    setting = Setting([Task(name) for name in "abc"], train=data, look_ahead=lambda step, weights, targets: targets)
    logits = torch.linspace(-1, 1, rows * tasks).view(rows, tasks)
    losses = binary_cross_entropy_with_logits(logits, data.labels, reduction="none")
    step = Step(
        torch.arange(rows), Inputs(torch.empty(rows, 0), torch.empty(rows, 0)), data.labels, logits, losses, number=0
    )
    shapes = {"FROM_LOSSES": (tasks,), "PER_SAMPLE": (rows, tasks)}
    for family, shape in shapes.items():
        members = [entry.cls for entry in built_in.values() if family_of(entry.cls) == builder[family].title]
        assert members
        for cls in members:
            weighting = cls(cls.Params())
            weighting.setup(setting)
            assert weighting.weigh(step).shape == shape, cls


def test_a_page_of_a_family_needs_what_its_title_says(builder: dict[str, Any], built_in: dict[str, Entry]) -> None:
    for name, entry in built_in.items():
        reads_gradients = bool(entry.cls.needs & {"gram", "jacobian", "cross gram"})
        assert (family_of(entry.cls) == builder["FROM_GRADIENTS"].title) is reads_gradients, name
        if entry.cls(entry.cls.Params()).warm_start() is not None:
            assert family_of(entry.cls) == builder["WITH_STAGES"].title, name


def test_every_family_has_a_page(builder: dict[str, Any]) -> None:
    assert [family.title for family in builder["FAMILIES"]] == list(MEANINGS)


def test_no_formula_holds_what_markdown_takes_away(pages: dict[str, str]) -> None:
    for page in pages.values():
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
        ("See https://a.org/b_c. And https://d.org, e", "See <https://a.org/b_c>. And <https://d.org>, e"),
    ],
)
def test_docstrings_become_markdown(builder: dict[str, Any], docstring: str, markdown: str) -> None:
    assert builder["body"](docstring) == markdown
