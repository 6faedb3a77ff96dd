"""Answers about plugins are kept between processes, and only while nothing that they depend on has changed."""

import contextlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_sources import write

import mtlbench
from mtlbench.discovery import cache, cached


class Site:
    """A folder of installed packages, one of which names plugins, beside a plugin file; and one who asks about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = [write(folder.parent, "file.py", "value = 1\n")]
        self.install("mtlkept", "from mtlkept import part\nimport mtlhelper\n")
        write(folder / "mtlkept", "part.py", "value = 1\n")
        write(folder / "mtlkept", "data.txt", "one")
        write(folder, "mtlhelper.py", "value = 1\n")
        write(folder.parent / "linked", "data.txt", "one")
        (folder / "mtlkept" / "linked").symlink_to(folder.parent / "linked")
        (folder.parent / "linked" / "loop").symlink_to(folder / "mtlkept")
        self.asked = 0

    def install(self, package: str, init: str = "") -> None:
        write(self.folder / package, "__init__.py", init)
        info = self.folder / f"{package}-1.5.dist-info"
        write(info, "METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
        write(info, "entry_points.txt", f"[mtlbench]\n{package} = {package}\n")

    def ask(self, question: str = "question", lasting: bool = True, meanwhile: Callable[[], Any] = lambda: None) -> Any:
        """The answer that a new process would get: the packages are imported anew."""
        for name in [name for name in sys.modules if name.startswith(("mtlkept", "mtlhelper", "mtldependency"))]:
            del sys.modules[name]
        importlib.invalidate_caches()

        def find() -> tuple[Any, bool]:
            self.asked += 1
            for package in ("mtlkept", "mtlother"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(package)
            meanwhile()
            return {"asked": self.asked, "tuple": (1, None)}, lasting

        return cached(question, self.files, find)


@pytest.fixture
def site(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    # As in a process that has imported no plugin yet.
    monkeypatch.delitem(sys.modules, cache.INTERFACE, raising=False)
    return Site(folder)


def kept(cache_dir: Path) -> list[Path]:
    return sorted((cache_dir / "plugins").glob("*"))


def test_an_answer_is_found_once_and_is_the_same_plain_json_each_time(site: Site, cache_dir: Path) -> None:
    assert site.ask() == site.ask() == site.ask() == {"asked": 1, "tuple": [1, None]}
    assert len(kept(cache_dir)) == 1
    assert site.ask("another question") == {"asked": 2, "tuple": [1, None]}
    assert site.ask("../../x\udc80\0") == site.ask("../../x\udc80\0")
    assert len(kept(cache_dir)) == 3


def one_character(file: Path) -> None:
    """Another content of the same size and the same time of change."""
    state = file.stat()
    file.write_text(file.read_text().replace("1", "2"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


CHANGES: dict[str, Callable[[Site], Any]] = {
    "a character of a plugin file": lambda site: one_character(site.files[0]),
    "a character of a module of the package": lambda site: one_character(site.folder / "mtlkept" / "part.py"),
    "a module of the package is new": lambda site: write(site.folder / "mtlkept" / "new", "plugin.py", ""),
    "a module of the package is gone": lambda site: (site.folder / "mtlkept" / "part.py").unlink(),
    "a data file of the package": lambda site: write(site.folder / "mtlkept", "data.txt", "three"),
    "a file in a folder that is linked": lambda site: write(site.folder.parent / "linked", "new.txt", ""),
    "a module elsewhere that was imported": lambda site: write(site.folder, "mtlhelper.py", "value = 22\n"),
    "a module elsewhere is gone": lambda site: (site.folder / "mtlhelper.py").unlink(),
    "a package with plugins is installed": lambda site: site.install("mtlother"),
    "a dependency is installed": lambda site: write(site.folder / "mtldependency", "__init__.py", ""),
    "a module that may hide another": lambda site: write(site.folder, "mtldependency.py", ""),
    "a package is upgraded": lambda site: write(
        site.folder / "mtlkept-1.5.dist-info", "METADATA", "Metadata-Version: 2.1\nName: mtlkept\nVersion: 2.0\n"
    ),
    "an entry point": lambda site: write(
        site.folder / "mtlkept-1.5.dist-info", "entry_points.txt", "[mtlbench]\nother = mtlkept.part\n"
    ),
    "a package is removed": lambda site: [
        shutil.rmtree(site.folder / folder) for folder in ("mtlkept", "mtlkept-1.5.dist-info")
    ],
    "no plugin file": lambda site: site.files.clear(),
    "one plugin file more": lambda site: site.files.append(write(site.folder.parent, "more.py", "")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_at_once(site: Site, change: Callable[[Site], Any]) -> None:
    site.ask()
    site.ask()
    assert site.asked == 1
    change(site)
    assert site.ask()["asked"] == 2
    assert site.ask()["asked"] == 2


def test_another_mtlbench_is_seen(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Path(shutil.copytree(Path(mtlbench.__file__).parent, tmp_path / "copy"))
    monkeypatch.setattr(mtlbench, "__file__", str(copy / "__init__.py"))
    site.ask()
    assert site.ask()["asked"] == 1
    version = copy / "__init__.py"
    version.write_text(version.read_text().replace(mtlbench.__version__, "9.9.9"))
    assert site.ask()["asked"] == 2


def test_another_python_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.ask()
    monkeypatch.setattr(sys, "version", "4.0")
    assert site.ask()["asked"] == 2


def test_a_python_without_docstrings_is_another() -> None:
    code = "from mtlbench.discovery.dependencies import fingerprint; print(fingerprint('question', {}))"
    commands = [[sys.executable, *flags, "-c", code] for flags in ([], [], ["-OO"])]
    plain, again, stripped = (subprocess.run(command, capture_output=True, check=True).stdout for command in commands)
    assert plain == again != stripped


def test_a_file_that_nothing_depends_on_changes_nothing(site: Site) -> None:
    site.ask()
    write(site.folder, "notes.txt", "")
    write(site.folder / "results", "records.json", "")
    write(site.folder / "mtlkept" / "__pycache__", "part.pyc", "")
    one = site.folder / "mtlkept" / "part.py"
    os.utime(one, (1, 1))
    assert site.ask()["asked"] == 1


def test_an_answer_that_may_not_last_is_not_kept(site: Site, cache_dir: Path) -> None:
    assert site.ask(lasting=False)["asked"] == 1
    assert site.ask(lasting=False)["asked"] == 2
    assert kept(cache_dir) == []


@pytest.mark.parametrize("file", ["file.py", "site/mtlkept/part.py", "site/mtlhelper.py"])
def test_an_answer_is_not_kept_where_a_file_changed_meanwhile(site: Site, cache_dir: Path, file: str) -> None:
    site.ask(meanwhile=lambda: write(site.folder.parent, file, "value = 333\n"))
    assert kept(cache_dir) == []
    assert site.ask()["asked"] == 2


def test_a_process_that_has_imported_plugins_asks_them(
    site: Site, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.ask()
    monkeypatch.setitem(sys.modules, cache.INTERFACE, sys)
    assert site.ask() == {"asked": 2, "tuple": [1, None]}
    assert len(kept(cache_dir)) == 1


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def other_answer(content: bytes) -> bytes:
    return content.replace(b'"asked": 1', b'"asked": 7')


@pytest.mark.parametrize(
    "damage",
    [lambda content: b"", cut, other_answer, lambda content: b"\xff" * 99, lambda content: b"{}", lambda _: b"[]\n1"],
    ids=["empty", "cut", "another-answer", "no-text", "no-answer", "no-checksum"],
)
def test_a_damaged_answer_is_asked_for_again_and_mended(
    site: Site, cache_dir: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[bytes], bytes]
) -> None:
    site.ask()
    [file] = kept(cache_dir)
    file.write_bytes(damage(file.read_bytes()))
    assert site.ask()["asked"] == 2
    assert site.ask()["asked"] == 2
    assert capsys.readouterr() == ("", "")


def test_a_folder_in_place_of_an_answer_is_left_alone(site: Site, cache_dir: Path) -> None:
    site.ask()
    [file] = kept(cache_dir)
    file.unlink()
    file.mkdir()
    assert site.ask()["asked"] == 2
    assert kept(cache_dir) == [file]


@pytest.mark.parametrize("folder", ["file.py", "file.py/below", "~no-such-user/cache"])
def test_a_cache_that_cannot_be_written_is_no_hindrance(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    monkeypatch.chdir(site.folder.parent)
    monkeypatch.setenv("MTLBENCH_CACHE", folder)
    assert site.ask()["asked"] == 1
    assert site.ask()["asked"] == 2
    assert capsys.readouterr() == ("", "")
    assert {path.name for path in site.folder.parent.iterdir()} == {"site", "linked", "file.py"}


def test_a_full_disk_leaves_nothing_behind(site: Site, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert site.ask()["asked"] == 1
    assert kept(cache_dir) == []


def test_only_the_latest_answers_are_kept(site: Site, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT", 3)
    for number in range(5):
        site.ask(str(number))
        for file in kept(cache_dir):
            os.utime(file, ns=(0, file.stat().st_mtime_ns - 10**9))
    assert len(kept(cache_dir)) == 3
    assert [site.ask(str(number))["asked"] for number in (4, 3, 2)] == [5, 4, 3]
