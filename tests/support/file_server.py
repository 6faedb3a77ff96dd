"""A web server on loopback that misbehaves as asked: it breaks off, moves, loses, changes and denies files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Files:
    """What the server has, and what it was asked."""

    content: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    break_after: list[int] = field(default_factory=list)
    """Bytes after which to break off, for each of the next answers."""
    fail_with: list[int] = field(default_factory=list)
    """Status codes of the next answers."""
    resumable: bool = True
    tags: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and range of each request."""
    sent: int = 0
    """Bytes of files sent in all."""
    url: str = ""


@contextmanager
def serve() -> Iterator[Files]:
    """A server for the time of the context."""
    files = Files()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            ranged = self.headers.get("Range")
            files.asked.append((self.path, ranged))
            if self.path in files.redirects:
                self.send_response(302)
                self.send_header("Location", files.redirects[self.path])
                self.end_headers()
                return
            if files.fail_with:
                self.send_error(files.fail_with.pop(0))
                return
            if self.path not in files.content:
                self.send_error(404)
                return
            self._send(files.content[self.path], ranged)

        def _send(self, content: bytes, ranged: str | None) -> None:
            tag = f'"{hash(content)}"'
            start = int(ranged.removeprefix("bytes=").removesuffix("-")) if ranged and files.resumable else 0
            if self.headers.get("If-Range", tag) != tag:
                start = 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if files.tags:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            rest = content[start:]
            if files.break_after:
                rest = rest[: files.break_after.pop(0)]
            files.sent += len(rest)
            self.wfile.write(rest)
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
