"""Each result in README and docs is computed from the committed records, or the page says that there are none.

Functions below ``@holds(page)`` in ``tests/support/results_of_*.py`` make from records what a page must say. A number
that looks like a score, and that none of their sentences covers, is an error: add its sentence there. A result whose
records are not committed stands in a part of a page that says so, with the command: see ``WITHOUT_RECORDS``.
"""

import re
from collections.abc import Iterable

import pytest
import results_of_logs  # noqa: F401 - registers what it holds
import results_of_phase  # noqa: F401
import results_of_readme  # noqa: F401
import results_of_rmtl  # noqa: F401
import results_of_tuned  # noqa: F401
import results_of_weightings  # noqa: F401
from published import HELD, ROOT, plain, text_of

WITHOUT_RECORDS = {
    "docs/datasets.md": ("Datasets",),
    "docs/rmtl.md": ("Where the truth is known",),
    "docs/studies/aa.md": ("A/A: how often does a page claim what is not there?",),
    "docs/studies/ablation.md": ("Ablation: which part of omega matters?",),
    "docs/studies/hyperparameters.md": ("Hyper-parameters: lambda, tau and gamma",),
    "docs/studies/official.md": ("Official: what is each point of the authors' code worth?",),
    "docs/studies/transfer.md": ("Transfer: can critics of one backbone weigh another?",),
    "docs/studies/weightings.md": ("At the shared representation",),
}
"""By their headings; the title of a page stands for the whole page."""

SPEEDS = {"docs/performance.md", "docs/scaling.md"}
"""Pages about what a machine takes."""

PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.DOTALL | re.MULTILINE)
SCORE = re.compile(r"(?<![\w.])[+\-−]?\.(?!05\b)\d{2,5}(?!\d)|\d\.\d{3,4}\(\d+\)")
"""As pages write scores, differences and p-values. Settings have a zero before the point; .05 is the level of tests."""


def prose(page: str) -> str:
    """What of a page must be held: no code and its output, and no part without records."""
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for heading in WITHOUT_RECORDS.get(page, ()):
        start, level = found_at(text, heading)
        end = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(text, start)
        text = text[:start] + text[end.start() if end else len(text) :]
    return plain(text)


def found_at(text: str, heading: str) -> tuple[int, int]:
    """Where the text below a heading starts, and its level."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    assert found, f"no part is called {heading}"
    return found.end(), len(found[1])


def loose(text: str, claims: Iterable[str]) -> list[str]:
    """The scores that none of ``claims`` covers, with some text around each."""
    held = [match.span() for claim in claims for match in re.finditer(re.escape(claim), text)]
    return [
        text[max(0, match.start() - 80) : match.end() + 20]
        for match in SCORE.finditer(text)
        if not any(start <= match.start() and match.end() <= end for start, end in held)
    ]


@pytest.mark.parametrize("page", sorted(set(PAGES) - SPEEDS))
def test_every_result_of_the_page_is_that_of_the_records(page: str) -> None:
    claims = list(HELD[page]()) if page in HELD else []
    assert [claim for claim in claims if claim not in text_of(page)] == [], (
        "the records say this, and the page does not"
    )
    assert loose(prose(page), claims) == [], "no sentence made from records covers these"


@pytest.mark.parametrize("page", sorted(WITHOUT_RECORDS))
def test_a_part_without_records_says_so_and_has_the_command(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for heading in WITHOUT_RECORDS[page]:
        part = re.split(r"^#+ ", text[found_at(text, heading)[0] :], maxsplit=1, flags=re.MULTILINE)[0]
        assert "records are not in the repository" in " ".join(part.split())
        assert "\nmtlbench run " in (text if page == "docs/datasets.md" else part)


def test_a_new_sentence_with_a_score_is_seen_and_a_setting_is_none() -> None:
    gained = "It gains +.0123 ± .0011 in AUC"
    assert len(loose(f"{gained} (p = .031).", [])) == 3
    assert len(loose(f"{gained} (p = .031).", [gained])) == 1
    assert len(loose("| MMoE | 0.7971(3) | .81 |", [])) == 2
    assert loose("With a rate of 0.001, at p < .05, in 2.5 times the steps of mtlbench.run and 0.25.1.", []) == []
