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
    texts: dict[tuple[str, str], str] = {}
    for table in [[[text for text, *_ in row] for row in rows] for kind, rows in rendered(page) if kind == "table"][:2]:
        heads, *lines = table  # a table for each task
        texts |= {
            (line[0].rstrip(SUPERSCRIPTS), name): cell for line in lines for name, cell in zip(heads, line, strict=True)
        }
    assert len(rows) >= 5
    for method, *cells in rows:
        assert cells == [texts[method, name] for name in head[1:]]


def test_every_file_that_it_links_to_is_there():
    links = [part.partition(")")[0] for part in README.split("](")[1:]]
    assert links
    assert [
        link for link in links if not link.startswith("http") and not (ROOT / link.partition("#")[0]).exists()
    ] == []
