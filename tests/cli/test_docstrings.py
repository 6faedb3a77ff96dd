"""Docstrings and formulas for a terminal: readable, of the same meaning, and with no word broken."""

import pytest

from mtlbench.cli.docstrings import readable
from mtlbench.cli.formulas import formula


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"d = \frac{1}{K} \sum_k w_k g_k", ["d = (1/K) ∑_k w_k g_k"]),
        (r"w_k = \frac{1}{L_k} \Big(\prod_j L_j\Big)^{1/K}", ["w_k = (1 / L_k) (∏_j L_j)^(1/K)"]),
        (r"r_k = \frac{L_k(e-1)}{L_k(e-2)}, \qquad c = 1", ["r_k = L_k(e-1) / L_k(e-2)", "c = 1"]),
        (r"\frac{a + b}{\sqrt{v} + \epsilon} \, c", ["((a + b) / (√v + ϵ)) c"]),
        (r"\tfrac{1}{2} e^{-s_k} L_k", ["(1/2) e^(-s_k) L_k"]),
        (r"e^{s_k} g_{k,n}^2", ["e^(s_k) g_{k,n}^2"]),
        (r"\arg\max_{\lVert d \rVert \le 1} \min_k g_k \cdot d", ["argmax_{‖d‖ ≤ 1} min_k g_k · d"]),
        (r"-\log(p) \ne \mu \log L_k", ["-log(p) ≠ μ log L_k"]),
        (r"z \odot (\delta - z \cdot \delta)", ["z ⊙ (δ - z · δ)"]),
        (r"\hat g^\top \in \mathbb{R}^n", ["ĝ^⊤ ∈ ℝ^n"]),
        (r"w = \mathrm{softmax}(\xi) \quad \text{(detached)}", ["w = softmax(ξ) (detached)"]),
        (r"\mathrm{softmax}_k\Big(\frac{1}{T L_k}\Big)", ["softmax_k(1 / (T L_k))"]),
        (r"[g_k < 0][P < U]", ["[g_k < 0][P < U]"]),
    ],
)
def test_a_formula_keeps_its_meaning(latex: str, text: list[str]) -> None:
    assert formula(latex) == text


@pytest.mark.parametrize("latex", [r"\nosuch x", r"\frac", r"\frac{a}", "}{", "^", "a_", r"\begin{x}", "", "$"])
def test_what_is_no_latex_that_is_known_is_not_lost(latex: str) -> None:
    shown = "".join(formula(latex))
    assert all(part in shown for part in latex.split())


DOCSTRING = r"""One sentence that is the summary.

A. Author, "Title", https://example.org/a-very-long-address/that-no-line/of-a-narrow-terminal/can-hold, with
``code`` and :class:`~mtlbench.api.Weighting` and \|x\| <= \sqrt{K}:

.. math:: L = \frac{1}{K} \sum_k
              w_k, \qquad
          w_k = 1

          v = 2

* An item that goes on
  in the next line.
* Another one.

Example::

    weights   =  "kept as it is"  # however long the line may be in the docstring of a plugin

The end.
"""


@pytest.mark.parametrize("width", [30, 60, 100])
def test_a_docstring_in_lines_that_fit(width: int) -> None:
    text = readable(DOCSTRING, width)
    long = [line for line in text.splitlines() if len(line) > width and "kept as it is" not in line]
    assert all(len(line.split()) == 1 for line in long)
    assert " ".join(DOCSTRING.split()[:5]) in " ".join(text.split())
    assert "https://example.org/a-very-long-address/that-no-line/of-a-narrow-terminal/can-hold," in text.split()
    assert '    weights   =  "kept as it is"  # however' in text


def test_a_docstring_without_markup() -> None:
    text = readable(DOCSTRING, 100)
    assert "code and mtlbench.api.Weighting and |x| <= √K:" in " ".join(text.split())
    assert ":\n\n    L = (1/K) ∑_k w_k\n    w_k = 1\n\n    v = 2\n" in text
    assert "* An item that goes on in the next line.\n* Another one.\n\nExample:\n\n" in text
    assert not {"`", "\\"} & set(text)
