"""Downloads from a server on loopback: interrupted, corrupted, moved, missing, changed."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from file_server import Files, serve

from mtlbench import api
from mtlbench.downloads import download, resuming

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setattr(resuming, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(resuming, "PIECE", 10_000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as files:
        files.content["/log.csv"] = CONTENT
        yield files


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


def publication(server: Files, name: str = "log.csv", content: bytes = CONTENT, **changes: object) -> api.Publication:
    fields = {"path": f"shop/{name}", "size": len(content), "checksum": md5(content)} | changes
    return api.Publication("page", "licence", files=[api.RemoteFile(f"{server.url}/{name}", **fields)])  # type: ignore[arg-type]


def archive(names: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_lands_where_it_belongs_and_nothing_else_stays(server: Files, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int | None]] = []
    download(publication(server), tmp_path, lambda *event: heard.append(event))
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT
    assert below(tmp_path) == ["shop/log.csv"]
    assert list(tmp_path.iterdir()) == [tmp_path / "shop"]
    assert heard[0] == ("log.csv", 0, len(CONTENT))
    assert heard[-1] == ("log.csv", len(CONTENT), len(CONTENT))


def test_what_is_there_already_is_not_fetched_again(server: Files, tmp_path: Path) -> None:
    download(publication(server), tmp_path)
    download(publication(server), tmp_path)
    assert len(server.asked) == 1


def test_a_connection_that_breaks_is_taken_up_where_it_broke(server: Files, tmp_path: Path) -> None:
    server.break_after = [100_000, 50_000, 10_000]
    download(publication(server), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT
    assert [ranged for _, ranged in server.asked] == [None, "bytes=100000-", "bytes=150000-", "bytes=160000-"]
    assert server.sent == len(CONTENT)


def test_a_second_run_goes_on_where_the_first_gave_up(server: Files, tmp_path: Path) -> None:
    server.break_after = [100_000] + [0] * resuming.ATTEMPTS
    with pytest.raises(api.UsageError, match=r"broke off 5 times in a row after 100,000 bytes.*same command again"):
        download(publication(server), tmp_path)
    assert below(tmp_path) == [".downloads/log.csv.part", ".downloads/log.csv.part.validator"]
    download(publication(server), tmp_path)
    assert below(tmp_path) == ["shop/log.csv"]
    assert server.sent == len(CONTENT)


def test_an_interrupt_leaves_what_came_for_the_next_run(server: Files, tmp_path: Path) -> None:
    def interrupt(name: str, done: int, total: int | None) -> None:
        if done >= 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(publication(server), tmp_path, interrupt)
    assert 300_000 <= (tmp_path / ".downloads" / "log.csv.part").stat().st_size < len(CONTENT)
    download(publication(server), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT
    assert server.asked[-1][1] is not None


def test_a_whole_part_that_was_never_named_is_not_fetched_again(server: Files, tmp_path: Path) -> None:
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "log.csv.part").write_bytes(CONTENT)
    download(publication(server), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT
    assert server.sent == 0


@pytest.mark.parametrize("tags", [True, False])
def test_a_server_that_cannot_resume_sends_all_again(tags: bool, server: Files, tmp_path: Path) -> None:
    server.break_after, server.resumable, server.tags = [100_000], False, tags
    download(publication(server), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_starts_anew(server: Files, tmp_path: Path) -> None:
    server.content["/log.csv"] = b"old" * 100_000
    server.break_after = [100_000] + [0] * resuming.ATTEMPTS
    with pytest.raises(api.UsageError):
        download(publication(server), tmp_path)
    server.content["/log.csv"] = CONTENT
    download(publication(server), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_starts_anew(server: Files, tmp_path: Path) -> None:
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "log.csv.part").write_bytes(CONTENT + b"more")
    download(publication(server), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT


def test_a_corrupted_file_is_refused_and_removed(server: Files, tmp_path: Path) -> None:
    server.content["/log.csv"] = CONTENT[:-1] + b"x"
    with pytest.raises(api.DataError, match=r"not the file that was published.*checksum") as caught:
        download(publication(server), tmp_path)
    assert server.url in str(caught.value)
    assert below(tmp_path) == []
    server.content["/log.csv"] = CONTENT
    download(publication(server), tmp_path)
    assert below(tmp_path) == ["shop/log.csv"]


def test_a_corrupted_part_is_found_by_the_checksum(server: Files, tmp_path: Path) -> None:
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "log.csv.part").write_bytes(b"x" * 1000)
    server.tags = False
    with pytest.raises(api.DataError, match="checksum"):
        download(publication(server), tmp_path)
    assert below(tmp_path) == []


def test_a_wrong_checksum_of_ours_is_named(server: Files, tmp_path: Path) -> None:
    with pytest.raises(api.DataError, match=md5(b"other")):
        download(publication(server, checksum=md5(b"other")), tmp_path)


def test_without_a_published_checksum_the_file_is_taken(server: Files, tmp_path: Path) -> None:
    download(publication(server, checksum=None), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_missing_file_is_named_at_once(status: int, server: Files, tmp_path: Path) -> None:
    server.fail_with = [status]
    with pytest.raises(api.UsageError, match=rf"log\.csv cannot be downloaded: the server answers {status}"):
        download(publication(server), tmp_path)
    assert len(server.asked) == 1
    assert below(tmp_path) == []


def test_a_server_out_of_breath_is_asked_again(server: Files, tmp_path: Path) -> None:
    server.fail_with = [503, 500]
    download(publication(server), tmp_path)
    assert len(server.asked) == 3


def test_redirects_are_followed(server: Files, tmp_path: Path) -> None:
    server.redirects = {"/log.csv": f"{server.url}/elsewhere", "/elsewhere": "/files/1"}
    server.content["/files/1"] = CONTENT
    server.break_after = [1000]
    download(publication(server), tmp_path)
    assert (tmp_path / "shop" / "log.csv").read_bytes() == CONTENT


def test_a_circle_of_redirects_ends(server: Files, tmp_path: Path) -> None:
    server.redirects = {"/log.csv": "/log.csv"}
    with pytest.raises(api.UsageError, match="redirect"):
        download(publication(server), tmp_path)


def test_without_a_connection_the_message_says_what_to_do(server: Files, tmp_path: Path) -> None:
    file = api.RemoteFile("http://127.0.0.1:9/log.csv", "shop/log.csv", 10)
    with pytest.raises(api.UsageError, match=r"127\.0\.0\.1 cannot be reached.*offline.*fetch http") as caught:
        download(api.Publication("page", "licence", files=[file]), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_seen_before_the_download(server: Files, tmp_path: Path) -> None:
    with pytest.raises(api.UsageError, match=r"has no room for log\.csv"):
        download(publication(server, size=10**18), tmp_path)
    assert server.asked == []


def test_an_archive_is_unpacked_and_goes(server: Files, tmp_path: Path) -> None:
    packed = archive({"Shop/data/log.csv": b"a,b\n", "Shop/LICENSE": b"free"})
    server.content["/Shop.tar.gz"] = packed
    download(publication(server, "Shop.tar.gz", packed, path="Shop", unpack=True), tmp_path)
    assert below(tmp_path) == ["Shop/LICENSE", "Shop/data/log.csv"]


def test_an_archive_that_somebody_brought_is_checked_and_unpacked(server: Files, tmp_path: Path) -> None:
    packed = archive({"Shop/log.csv": b"a,b\n"})
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "Shop.tar.gz").write_bytes(packed)
    download(publication(server, "Shop.tar.gz", packed, path="Shop", unpack=True), tmp_path)
    assert below(tmp_path) == ["Shop/log.csv"]
    assert server.asked == []


def test_the_parts_of_other_downloads_stay(server: Files, tmp_path: Path) -> None:
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "other.part").write_bytes(b"half")
    download(publication(server), tmp_path)
    assert below(tmp_path) == [".downloads/other.part", "shop/log.csv"]


def no_socks(*_: object, **__: object) -> None:
    """What requests has in place of SOCKS where its package lacks."""
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")


@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY"])
def test_a_socks_proxy_without_its_package_is_named_with_the_remedy(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "socks5h://me:secret@proxy.example:1080")
    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", no_socks)
    files = [api.RemoteFile("https://data.example/log.csv", "shop/log.csv", 10)]
    with pytest.raises(api.UsageError) as caught:
        download(api.Publication("page", "licence", files=files), tmp_path)
    message = str(caught.value)
    assert "the proxy socks5h://proxy.example needs the package PySocks: run `pip install PySocks`" in message
    assert "secret" not in message
    assert "moved" not in message


def test_a_proxy_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy.example")
    files = [api.RemoteFile("https://data.example/log.csv", "shop/log.csv", 10)]
    with pytest.raises(api.UsageError, match=r"the proxy gopher://proxy\.example is no proxy that can be used"):
        download(api.Publication("page", "licence", files=files), tmp_path)
