"""The HTML report in a real browser: it sorts, filters, draws and says where numbers come from, without an error."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_records import MANY, epoch, hostile, many, study

from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import RecordStore

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install 'mtlbench[test]'")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium or its driver is absent: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "window-size=1280,1600"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three boards: an ordinary one, one of a hostile plugin, and one of many methods and six tasks."""
    out = tmp_path_factory.mktemp("report")
    store = RecordStore(out)
    for one in [*study(), *hostile(), *many()]:
        has_curve = one.status == "done" and one.dataset.name == "synthetic" and "click" in one.dataset.tasks
        weight = None if one.baseline else 2.0
        curve = [epoch(1, 0.6, weight), epoch(2, 0.65, weight)] if has_curve else []
        store.write(one.model_copy(update={"curve": curve, "best_epoch": {"train": 2}}), one.cell)
    return out


@pytest.fixture
def page(mtlbench: Any, browser: Any, folder: Path) -> Any:
    file = folder / "report.html"
    if not file.exists():
        done = mtlbench("report", folder)
        assert (done.code, done.out) == (0, f"{file}\n"), done.err
    browser.get_log("browser")
    browser.get(file.as_uri())
    return browser


def methods(page: Any) -> list[str]:
    cells = "document.querySelectorAll('#table tbody th > *:first-child')"
    return page.execute_script(f"return [...{cells}].map(e => e.textContent)")


def choose(page: Any, select: str, text: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(page.find_element("id", select)).select_by_visible_text(text)


def errors(page: Any) -> list[str]:
    return [entry["message"] for entry in page.get_log("browser")]


def wait(page: Any, script: str) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(page, 30).until(lambda driver: driver.execute_script(f"return {script}"))


def show_ordinary(page: Any) -> None:
    choose(page, "board", "Synthetic")


def show_figure(page: Any, name: str) -> None:
    page.execute_script(f"document.getElementById('{name}').scrollIntoView()")
    wait(page, f"document.querySelectorAll('#{name}-plot .scatterlayer .trace').length > 0")


def texts(page: Any, selector: str) -> list[str]:
    return page.execute_script(f"return [...document.querySelectorAll('{selector}')].map(e => e.textContent)")


def drawn(page: Any, name: str) -> dict[str, dict[str, Any]]:
    """Where each point of a figure is, by its text, and how far its bars reach."""
    script = f"""
      const bar = (error, i) => error ? [error.arrayminus[i], error.array[i]] : null;
      return Object.fromEntries($('{name}-plot').data.filter(t => t.text).flatMap(t => t.text.map(
        (text, i) => [text, {{at: [t.x[i], t.y[i]], x: bar(t.error_x, i), y: bar(t.error_y, i)}}])));
    """
    return page.execute_script(script)


def test_a_head_sorts_by_keyboard_and_says_so(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    show_ordinary(page)
    assert methods(page) == ["PLE", "RMTL-MMoE", "RMTL-PLE"]
    ranked = ["RMTL-PLE", "PLE"]
    for wanted, order in (("descending", ranked), ("ascending", ranked[::-1])):
        page.find_element("css selector", "[data-key='value 0']").send_keys(Keys.ENTER)
        head = page.find_element("css selector", "th[aria-sort]")
        assert (head.get_attribute("aria-sort"), methods(page)) == (wanted, [*order, "RMTL-MMoE"])
        assert page.switch_to.active_element.get_attribute("data-key") == "value 0"
    assert errors(page) == []


def test_filters(page: Any) -> None:
    show_ordinary(page)
    choose(page, "backbone", "PLE")
    assert methods(page) == ["PLE", "RMTL-PLE"]
    choose(page, "weighting", "RMTL")
    assert methods(page) == ["RMTL-PLE"]
    choose(page, "task", "pay")
    choose(page, "metric", "AUC")
    heads = page.execute_script("return [...document.querySelectorAll('#table thead button')].map(e => e.innerText)")
    assert [head.replace("\n", " ") for head in heads][:2] == ["Method", "pay AUC"]
    page.find_element("css selector", "button[type=reset]").click()
    wait(page, "document.querySelectorAll('#table tbody tr').length === 3")
    page.find_element("id", "search").send_keys("mmoe")
    assert methods(page) == ["RMTL-MMoE"]
    assert page.find_element("id", "count").text == "1 of 3 methods"
    assert errors(page) == []


def test_where_a_number_comes_from(page: Any) -> None:
    show_ordinary(page)
    page.find_element("xpath", "//th/button[text()='RMTL-PLE']").click()
    dialog = page.find_element("id", "details")
    assert dialog.get_attribute("open") is not None
    buttons = dialog.find_elements("css selector", "#seeds button")
    assert [button.text for button in buttons] == ["seed 0", "seed 1"]
    buttons[1].click()
    text = dialog.text
    cell = next(one.cell for one in study() if one.method == "RMTL-PLE" and one.seed == 1)
    for wanted in (cell, "f" * 64, "mtlbench 0.1.0", "0" * 64, "Some CPU", "kept epoch, train"):
        assert wanted in text
    wait(page, "document.querySelectorAll('#cell-plot .scatterlayer .trace').length === 2")
    page.find_element("id", "close").click()
    assert dialog.get_attribute("open") is None
    assert errors(page) == []


def test_every_figure_is_drawn_and_a_picture_is_made(page: Any, tmp_path: Path) -> None:
    show_ordinary(page)
    for figure in ("tradeoff", "spend", "curves"):
        page.execute_script(f"document.getElementById('{figure}').scrollIntoView()")
        wait(page, f"document.querySelectorAll('#{figure}-plot .scatterlayer .trace').length > 0")
    picture = Path(os.environ.get("MTLBENCH_SCREENSHOTS", tmp_path)) / "report.png"
    page.execute_script("scrollTo(0, 0)")
    assert page.save_screenshot(str(picture))
    assert picture.stat().st_size > 20_000
    assert errors(page) == []


def test_bars_of_the_trade_off_are_the_intervals_of_the_board(page: Any) -> None:
    show_ordinary(page)
    show_figure(page, "tradeoff")
    found = drawn(page, "tradeoff")
    [board] = boards(study())
    wanted = {row.method: [row.values[column] for column in board.primaries] for row in board.rows if row.values}
    assert set(found) == set(wanted) == {"PLE", "RMTL-PLE"}
    for method, values in wanted.items():
        assert found[method]["at"] == [value.mean for value in values]
        for axis, value in zip("xy", values, strict=True):
            assert value.interval is not None
            assert found[method][axis] == pytest.approx([value.interval.half_width] * 2, rel=1e-5)
    for axis in "xy":
        assert len(page.find_elements("css selector", f"#tradeoff-plot .errorbar path.{axis}error")) == 2
    assert errors(page) == []


def test_marks_are_named_without_a_pointer(page: Any) -> None:
    show_ordinary(page)
    for figure in ("tradeoff", "spend"):
        show_figure(page, figure)
        assert sorted(texts(page, f"#{figure}-plot .annotation-text")) == ["Constant", "RMTL"]
        names = texts(page, f"#{figure}-plot .legendtext")
        assert [name for name in names if name != "Pareto front"] == ["Constant", "RMTL"]
    symbols = page.execute_script("return $('spend-plot').data.map(t => [t.marker.color, t.marker.symbol])")
    assert len({colour for colour, _ in symbols}) == len({symbol for _, symbol in symbols}) == 2


def test_epochs_and_weights_have_whole_ticks(page: Any) -> None:
    show_ordinary(page)
    for figure, axis, wanted in (
        ("curves", "x", {"0", "1", "2"}),
        ("weights", "x", {"0", "1", "2"}),
        ("weights", "y", {"1", "2"}),
    ):
        show_figure(page, figure)
        ticks = texts(page, f"#{figure}-plot .{axis}tick text")
        assert set(ticks) == wanted
    assert errors(page) == []


def test_paired_differences_are_those_of_the_board(page: Any) -> None:
    show_ordinary(page)
    show_figure(page, "differences")
    script = "x.flatMap((x, i) => x === null ? [] : [[trace.name, x, trace.error_x.array[i]]])"
    points = page.execute_script(f"return $('differences-plot').data.flatMap(trace => trace.{script})")
    [board] = contrasted(boards(study()))
    [row] = [row for row in board.rows if row.method == "RMTL-PLE"]
    firsts = [row.values[column].first for column in board.primaries]
    wanted = [first.difference.estimate for first in firsts if first]
    assert [point[0] for point in points] == ["not told apart"] * 2
    assert [point[1] for point in points] == pytest.approx([estimate.value for estimate in wanted])
    assert [point[2] for point in points] == pytest.approx([estimate.half_width for estimate in wanted], rel=1e-5)
    assert texts(page, "#differences-plot .ytick text")[0] == "RMTL-PLE"


def test_many_methods_open_by_rank_and_the_main_ones_are_named(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    choose(page, "board", "Many")
    assert methods(page)[:2] == [f"W{MANY - 1}-PLE", f"W{MANY - 2}-PLE"]
    assert len(methods(page)) == 100
    assert page.find_element("id", "count").text == f"{MANY} of {MANY} methods, the first 100 shown"
    show_figure(page, "tradeoff")
    assert sorted(texts(page, "#tradeoff-plot .annotation-text")) == ["Constant", f"W{MANY - 1}"]
    assert len(texts(page, "#tradeoff-plot .legendtext")) == 0
    show_figure(page, "differences")
    assert len({name for name in texts(page, "#differences-plot .ytick text") if name}) == 40
    assert f"The first 40 of {MANY - 1} methods" in page.find_element("id", "differences-hint").text
    page.find_element("id", "all").send_keys(Keys.ENTER)
    assert len(methods(page)) == MANY
    assert errors(page) == []


def test_on_paper_every_figure_is_there_and_nothing_is_wider_than_the_page(page: Any) -> None:
    show_ordinary(page)
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    sheet = {"width": 703, "height": 1032, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sheet)
    widths = "map(e => e.getBoundingClientRect().width)"
    for selector in ("#tables table", ".plot svg.main-svg"):
        assert max(page.execute_script(f"return [...document.querySelectorAll('{selector}')].{widths}")) <= 690.5
    tables = len(page.find_elements("css selector", "#tables table"))
    assert tables > 1
    assert texts(page, "#tables thead th:first-child") == ["Method"] * tables
    assert not page.find_elements("css selector", "#tables thead button")
    for figure in ("differences", "tradeoff", "spend", "curves", "weights"):
        assert page.find_elements("css selector", f"#{figure}-plot .scatterlayer .trace")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert len(page.find_elements("css selector", "#tables table")) == 1
    assert errors(page) == []


def test_a_table_has_a_caption_and_heads_of_rows_and_columns(page: Any) -> None:
    show_ordinary(page)
    assert texts(page, "#table caption") == ["Synthetic"]
    assert texts(page, "#table tbody th[scope=row] button") == ["PLE", "RMTL-MMoE", "RMTL-PLE"]
    assert not page.find_elements("css selector", "#table thead th:not([scope=col])")
    for attribute in ("aria-labelledby", "aria-describedby"):
        named = f"return [...document.querySelectorAll('.plot')].map(e => $(e.getAttribute('{attribute}')) !== null)"
        assert page.execute_script(named) == [True] * 7


def test_a_hostile_record_is_shown_and_does_nothing(page: Any) -> None:
    page.execute_script("window.alert = () => document.body.dataset.alerted = 'yes'")
    board = page.execute_script("return content.boards.findIndex(b => b.tasks[0].includes('script'))")
    page.execute_script(f"$('board').value = '{board}'; $('filters').dispatchEvent(new Event('change'))")
    assert any("</script>" in name for name in methods(page))
    for figure in ("tradeoff", "spend", "ranks", "curves", "weights"):
        page.execute_script(f"document.getElementById('{figure}').scrollIntoView()")
    page.execute_script("document.querySelector('#table tbody th button').click()")
    assert "{{ 7*7 }}" in page.find_element("id", "details").text
    assert page.find_elements("css selector", "img[onerror], img[src=x]") == []
    assert page.execute_script("return document.body.dataset.alerted") is None
    assert errors(page) == []
