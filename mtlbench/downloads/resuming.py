"""A downloader for pooch that goes on where a download stopped, in this run or an earlier one."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from mtlbench.errors import UsageError

ATTEMPTS = 5
"""Tries in a row that bring nothing new, after which the download stops."""
SECONDS_BETWEEN = 1.0
TIMEOUT = (10, 60)
"""Seconds to wait for a connection, and for the next bytes of an answer."""
PIECE = 1 << 16
"""Bytes written at once, and at most lost when a connection breaks."""

Report = Callable[[int, int | None], None]
"""Hears how many bytes are there, and of how many; ``None`` where the server does not say."""


class BrokenOffError(Exception):
    """The connection broke before the whole file was there."""


class ResumingDownloader:
    """Downloads to ``partial``, then hands the whole file to pooch, which checks and names it.

    The server's validator of the file (its entity tag or date) is kept beside ``partial``, so that a file that has
    changed meanwhile starts anew.
    """

    def __init__(self, partial: Path, report: Report) -> None:
        self._partial, self._report = partial, report
        self._validator = partial.with_name(f"{partial.name}.validator")

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Download ``url`` to ``output_file``, as pooch asks.

        Raises:
            UsageError: the server cannot be reached, has no such file, or breaks off again and again.
        """
        idle = 0
        while True:
            before = self._size()
            try:
                self._continue(url)
                break
            except (requests.ConnectionError, requests.Timeout, BrokenOffError) as error:
                idle = 0 if self._size() > before else idle + 1
                if idle >= ATTEMPTS:
                    raise UsageError(_unreachable(url, self._size(), error)) from error
                time.sleep(SECONDS_BETWEEN * idle)
            except requests.RequestException as error:  # such as a circle of redirects
                raise UsageError(f"{url} cannot be downloaded: {_refusal(url, error)}") from error
        shutil.move(self._partial, output_file)
        self._validator.unlink(missing_ok=True)

    def _size(self) -> int:
        return self._partial.stat().st_size if self._partial.exists() else 0

    def _continue(self, url: str) -> None:
        """One request for what is missing."""
        have = self._size()
        headers = {"Accept-Encoding": "identity"}  # what is stored is what is checked
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._validator.exists():
                headers["If-Range"] = self._validator.read_text()
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                if answer.headers.get("Content-Range") == f"bytes */{have}":
                    return  # all of it was here
                self._partial.unlink(missing_ok=True)
                raise BrokenOffError("what was here is not a part of the file: starting anew")
            if answer.status_code >= 500:
                raise BrokenOffError(f"the server answers {answer.status_code} {answer.reason}")
            if not answer.ok:
                raise UsageError(
                    f"{url} cannot be downloaded: the server answers {answer.status_code} {answer.reason}; see whether "
                    "the file has moved, on the page of the dataset"
                )
            goes_on = answer.status_code == requests.codes.partial_content and _starts_at(answer, have)
            start = have if goes_on else 0
            self._keep_validator(answer)
            self._receive(answer, start)

    def _receive(self, answer: requests.Response, start: int) -> None:
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        with self._partial.open("ab" if start else "wb") as file:
            try:
                self._report(start, total)
                for piece in answer.iter_content(PIECE):
                    file.write(piece)
                    self._report(file.tell(), total)
            except requests.RequestException as error:
                raise BrokenOffError(str(error)) from error
            except OSError as error:
                raise UsageError(
                    f"cannot write {self._partial}: {error.strerror}; free some space and run the same command again, "
                    "which goes on from here"
                ) from error
            if total is not None and file.tell() < total:
                raise BrokenOffError(f"{file.tell():,} of {total:,} bytes came")

    def _keep_validator(self, answer: requests.Response) -> None:
        tag = answer.headers.get("ETag", "")
        validator = answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag
        if validator:
            self._validator.write_text(validator)
        else:
            self._validator.unlink(missing_ok=True)


def _starts_at(answer: requests.Response, start: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _refusal(url: str, error: Exception) -> str:
    """Why a request was not even sent, or led nowhere, and what to do."""
    proxy = _proxy(url)
    if proxy and isinstance(error, requests.exceptions.InvalidSchema):
        return (
            f"{proxy} needs the package PySocks: run `pip install PySocks`, or name an HTTP proxy by HTTPS_PROXY, or "
            "none"
        )
    if proxy and isinstance(error, requests.exceptions.InvalidURL):
        return f"{proxy} is no proxy that can be used ({error}); correct or unset HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
    return f"{error}; see whether the file has moved, on the page of the dataset"


def _proxy(url: str) -> str:
    """The proxy that the environment names for ``url``, without its password; empty where it names none."""
    named = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    parts = urlsplit(named or "")
    return f"the proxy {parts.scheme}://{parts.hostname}" if named else ""


def _unreachable(url: str, have: int, error: Exception) -> str:
    host, proxy = urlsplit(url).hostname, _proxy(url)
    through = f" through {proxy}" if proxy else ""
    if have:
        return (
            f"the download of {url} broke off {ATTEMPTS} times in a row after {have:,} bytes ({error}); run the same "
            "command again, which goes on from there"
        )
    return (
        f"{host} cannot be reached{through} ({type(error).__name__}); this machine may be offline: run the same "
        f"command where there is a connection, or fetch {url} elsewhere"
    )
