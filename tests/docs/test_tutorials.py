"""The notebooks of docs/tutorials: each was run from top to bottom, and a new run shows the same."""

import json
import re
import runpy
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "tutorials").glob("*.ipynb"))
LARGEST = 300_000
REMEDY = "run python docs/build_tutorials.py"
SCORE = re.compile(r"\b0\.\d{4,}")
VARIES = re.compile(r"Run on .*? threads?\b|\d+ of \d+ cells in \d+ s")
"""What depends on the machine."""

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def texts(cell: Any) -> Iterator[str]:
    """What a reader sees of a cell's outputs; of a picture, that there is one."""
    for output in cell["outputs"]:
        data = output.get("data", {"text/plain": output.get("text", "")})
        if "image/png" in data:
            yield "a picture"
        else:
            html = "".join(data.get("text/html", ""))
            plain = unescape(re.sub(r"<style.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL))
            yield VARIES.sub("", plain or "".join(data["text/plain"]))


def test_the_notebooks_have_a_page_and_a_link() -> None:
    names = [path.stem for path in NOTEBOOKS]
    assert names == ["first_comparison", "my_method", "weigher"]
    contents = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    for name in names:
        assert f"tutorials/{name}" in contents
        assert f"(tutorials/{name}.ipynb)" in page


@each
def test_every_cell_was_run_in_order_and_none_failed(path: Path) -> None:
    cells = code_cells(read(path))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), REMEDY
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert any("a picture" in texts(cell) for cell in cells)


@each
def test_the_file_is_small_and_says_nothing_of_the_machine_that_ran_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert re.findall(r"/(?:tmp|root|home|Users|opt)/\S*", text) == []
    assert "image/svg+xml" not in text


@pytest.mark.slow
@each
def test_a_new_run_shows_the_same(path: Path) -> None:
    pytest.importorskip("nbclient", reason="needs the extra docs: python -m pip install 'mtlbench[docs]'")
    pytest.importorskip("ipykernel", reason="needs the extra docs: python -m pip install 'mtlbench[docs]'")
    again = runpy.run_path(str(DOCS / "build_tutorials.py"))["executed"](path)
    for was, now in zip(code_cells(read(path)), code_cells(again), strict=True):
        shown, new = "\n".join(texts(was)), "\n".join(texts(now))
        assert set(re.findall(r"[^\W\d]{2,}", new)) == set(re.findall(r"[^\W\d]{2,}", shown)), REMEDY
        # Processors round differently.
        assert [*map(float, SCORE.findall(new))] == pytest.approx([*map(float, SCORE.findall(shown))], abs=0.02), REMEDY
