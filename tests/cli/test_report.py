"""The HTML report in a real browser: it sorts, filters, draws and says where numbers come from, without an error."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_records import epoch, hostile, study

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
    """Two boards: an ordinary one, and one of a hostile plugin."""
    out = tmp_path_factory.mktemp("report")
    store = RecordStore(out)
    for one in [*study(), *hostile()]:
        curve = [epoch(1, 0.6), epoch(2, 0.65)] if one.status == "done" and "click" in one.dataset.tasks else []
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
