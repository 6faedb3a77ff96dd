"""What README.md says of the leaderboards is on them."""

from pathlib import Path

from rendered_pages import rendered

ROOT = Path(__file__).parents[2]
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
README = (ROOT / "README.md").read_text()


def readme_table(heading: str) -> list[list[str]]:
    """The cells of the first table below ``heading``, line by line, without the line of its alignment."""
    _, _, below = README.partition(f"## {heading}\n")
    lines = [line for line in below.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def test_the_rows_that_it_quotes_are_those_of_the_page():
    head, *rows = readme_table("What it shows")
    page = (ROOT / "leaderboards" / "synthetic.md").read_text(encoding="utf-8")
    tables = [[[text for text, *_ in row] for row in rows] for kind, rows in rendered(page) if kind == "table"]
    texts: dict[str, list[str]] = {}
    for name in head[1:]:
        heads, *lines = next(rows for rows in tables if name in rows[0])
        for line in lines:
            texts.setdefault(line[0].rstrip(SUPERSCRIPTS), []).append(line[heads.index(name)])
    assert len(rows) == 4
    assert {method: cells for method, *cells in rows} == {method: texts[method] for method, *_ in rows}


def test_every_file_that_it_links_to_is_there():
    links = [part.partition(")")[0].partition("#")[0] for part in README.split("](")[1:]]
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []
