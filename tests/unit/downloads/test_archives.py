"""Hostile and damaged archives: nothing is ever written outside the target, and nothing at all of a bad one."""

import io
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlbench import api
from mtlbench.downloads import archives
from mtlbench.downloads.archives import unpack

Make = Callable[[Path], object]


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> Make:
    def make(path: Path) -> None:
        with tarfile.open(path, "w:gz") as archive:
            for member in members:
                if isinstance(member, tarfile.TarInfo):
                    archive.addfile(member)
                else:
                    info = tarfile.TarInfo(member[0])
                    info.size = len(member[1])
                    archive.addfile(info, io.BytesIO(member[1]))

    return make


def bag(*members: tuple[str | zipfile.ZipInfo, bytes]) -> Make:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members:
                archive.writestr(name, content)

    return make


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def zipped_link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("log.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


NOISE = random.Random(0).randbytes(50_000)
GOOD = ("ok.csv", b"a\n")
HOSTILE: dict[str, Make] = {
    "parent": tar(GOOD, ("../evil.csv", b"x")),
    "parent inside": tar(GOOD, ("a/../../evil.csv", b"x")),
    "absolute": tar(GOOD, ("/tmp/mtlbench-evil.csv", b"x")),
    "symbolic link": tar(GOOD, link("log.csv", "/etc/passwd")),
    "link to a folder, then through it": tar(GOOD, link("out", "/tmp"), ("out/evil.csv", b"x")),
    "hard link": tar(GOOD, link("log.csv", "../../secret", tarfile.LNKTYPE)),
    "device": tar(GOOD, link("null", "", tarfile.CHRTYPE)),
    "pipe": tar(GOOD, link("pipe", "", tarfile.FIFOTYPE)),
    "zip: parent": bag(GOOD, ("../evil.csv", b"x")),
    "zip: absolute": bag(GOOD, ("/tmp/mtlbench-evil.csv", b"x")),
    "zip: backslashes": bag(GOOD, ("..\\evil.csv", b"x")),
    "zip: drive": bag(GOOD, ("C:\\evil.csv", b"x")),
    "zip: symbolic link": bag(GOOD, (zipped_link(), b"/etc/passwd")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad"
    HOSTILE[name](path)
    target = tmp_path / "data" / "Shop"
    with pytest.raises(api.DataError, match="is not safe to unpack: its entry") as caught:
        unpack(path, target)
    assert "\n" not in str(caught.value)
    assert below(tmp_path) == ["bad"]
    assert not Path("/tmp/mtlbench-evil.csv").exists()


@pytest.mark.parametrize("make", [tar(("Shop/a/log.csv", NOISE)), bag(("Shop/a/log.csv", NOISE))])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_archive_is_named_and_leaves_nothing(make: Make, share: float, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    make(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(api.DataError, match=r"cut cannot be unpacked: .*download it again"):
        unpack(path, tmp_path / "data" / "Shop")
    assert below(tmp_path) == ["cut"]


def test_a_flipped_byte_of_a_zip_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "flipped"
    bag(("log.csv", b"x" * 5000))(path)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    with pytest.raises(api.DataError, match="cannot be unpacked"):
        unpack(path, tmp_path / "Shop")


@pytest.mark.parametrize("make", [tar(("log.csv", b"x" * 5000)), bag(("log.csv", b"x" * 5000))])
def test_an_archive_larger_than_the_disk_is_not_begun(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb"
    make(path)
    usage = archives.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(api.DataError, match="does not fit on the disk"):
        unpack(path, tmp_path / "Shop")
    assert below(tmp_path) == ["bomb"]


@pytest.mark.parametrize("make", [tar, bag])
@pytest.mark.parametrize("top", ["Shop/", "", "Other/"])
def test_the_folder_of_the_same_name_becomes_the_target(make: Callable[..., Make], top: str, tmp_path: Path) -> None:
    path = tmp_path / "good"
    make((f"{top}data/log.csv", b"a\n"), (f"{top}README", b"hi"))(path)
    unpack(path, tmp_path / "Shop")
    inner = "" if top in {"Shop/", ""} else top
    assert below(tmp_path / "Shop") == [f"{inner}README", f"{inner}data/log.csv"]


def test_other_files_of_the_target_stay(tmp_path: Path) -> None:
    (tmp_path / "Shop").mkdir()
    (tmp_path / "Shop" / "mine.txt").write_text("mine")
    (tmp_path / "Shop" / "log.csv").write_text("old")
    tar(("Shop/log.csv", b"new"))(tmp_path / "good")
    unpack(tmp_path / "good", tmp_path / "Shop")
    assert below(tmp_path / "Shop") == ["log.csv", "mine.txt"]
    assert (tmp_path / "Shop" / "log.csv").read_text() == "new"


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_that_grows_out_of_all_proportion_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtlbench.downloads.archives.ALWAYS_ALLOWED", 1000)
    zeros = ("zeros.csv", bytes(20_000_000))
    if kind == "tar":
        tar(GOOD, zeros)(tmp_path / "a")
    else:
        with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(*zeros)
    with pytest.raises(api.DataError, match="times its size"):
        unpack(tmp_path / "a", tmp_path / "data")
    assert not (tmp_path / "data").exists()
