"""What the HTML report holds: all of the records, as text that cannot become markup or code."""

import builtins
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from record_factory import record
from report_records import HOSTILE, epoch, hostile, study

from mtlbench.errors import UsageError
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.reports import content, html_page
from mtlbench.reports.cells import MOST_POINTS, thinned


class Page(HTMLParser):
    """Tags in order, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data


def test_the_content_is_json_that_reads_back() -> None:
    page = Page(html_page(study(), "Mine"))
    assert json.loads(page.scripts[0]) == json.loads(json.dumps(content(study())))


def test_every_cell_is_there_with_where_it_comes_from() -> None:
    records = study()
    found = content(records)
    cells = [cell for board in found["boards"] for row in board["rows"] for cell in row["cells"]]
    assert {cell["id"] for cell in cells} == {one.cell for one in records}
    uses = found["shared"][cells[0]["uses"]]
    assert uses["weighting"]["source"] == records[0].weighting.source
    assert found["shared"][cells[0]["environment"]] == records[0].environment
    [row] = [row for board in found["boards"] for row in board["rows"] if row["method"] == "RMTL-PLE"]
    assert row["values"][0]["mean"] == pytest.approx(0.725)
    assert [cell["seed"] for cell in row["cells"]] == [0, 1]


def test_intervals_and_paired_differences_are_those_of_the_board() -> None:
    [board] = contrasted(boards(study()))
    [row] = [row for row in board.rows if row.method == "RMTL-PLE"]
    [held] = [row for row in content(study())["boards"][0]["rows"] if row["method"] == "RMTL-PLE"]
    for column, value in zip(board.columns, held["values"], strict=True):
        mean = row.values[column]
        assert mean.interval
        assert value["interval"] == pytest.approx([mean.interval.low, mean.interval.high], rel=1e-6)
        assert mean.first
        found, difference = value["difference"], mean.first.difference.estimate
        assert found["mean"] == difference.value
        assert found["interval"] == pytest.approx([difference.low, difference.high], rel=1e-6, abs=1e-9)
        assert (found["sampling"], found["verdict"]) == (None, mean.first.verdict)


def test_one_seed_has_no_interval() -> None:
    [row] = content([record("PLE"), record("RMTL-PLE")])["boards"][0]["rows"][1:]
    assert [(value["interval"], value["difference"]["interval"]) for value in row["values"]] == [(None, None)] * 6


def test_records_in_any_order_give_the_same_bytes() -> None:
    assert html_page(study(), "Mine") == html_page(study()[::-1], "Mine")


def test_a_hostile_record_adds_no_element_and_no_code() -> None:
    tame, page = Page(html_page(study(), "Mine")), Page(html_page(hostile(), HOSTILE))
    assert page.tags == tame.tags
    assert page.scripts[2:] == tame.scripts[2:]  # the library and our own code
    held = json.loads(page.scripts[0])
    assert held["boards"][0]["rows"][0]["cells"][0]["reason"] in (None, HOSTILE)
    assert HOSTILE in json.dumps(held, ensure_ascii=False)


def test_a_page_needs_no_network() -> None:
    text = html_page(study(), "Mine")
    page = Page(text)
    assert "link" not in page.tags
    assert not [name for name, _ in page.attributes if name == "src"]
    policy = next(value for _, value in page.attributes if value and value.startswith("default-src"))
    assert policy.startswith("default-src 'none'")
    assert re.search(r"(https?:)?//", policy) is None


def test_long_curves_are_thinned_and_keep_their_ends_and_the_kept_epoch() -> None:
    points = [epoch(number) for number in range(1, 1001)]
    found = [point.epoch for point in thinned(points, kept=123)]
    assert (found[0], found[-1]) == (1, 1000)
    assert 123 in found
    assert MOST_POINTS <= len(found) <= MOST_POINTS + 1
    assert found == sorted(set(found))
    assert thinned(points[:MOST_POINTS], kept=None) == points[:MOST_POINTS]


def test_without_the_extra_the_message_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "plotly":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'mtlbench\[report\]'"):
        html_page(study(), "Mine")
