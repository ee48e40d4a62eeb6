"""A small web server on the loopback, for the tests of `uri` and `get_url`: each path shows one behaviour."""
from __future__ import annotations

import gzip
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from engine.agent.host import Host

CONTENT = b"file content\n"
SUM = hashlib.sha256(CONTENT).hexdigest()


class Paths(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        self.server.seen.append((self.command, self.path, dict(self.headers)))  # type: ignore[attr-defined]
        status, headers, out = self.answer(path, query, body)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304 and path != "/short":
            self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(out)
        if path == "/short":
            self.close_connection = True

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_GET

    def answer(self, path: str, query: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        if path == "/echo":
            said = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body.decode("latin1")}
            return 200, [("Content-Type", "application/json")], json.dumps(said).encode()
        if path == "/file.txt":
            headers = [("Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT"), ("Content-Type", "text/plain")]
            return (304, headers, b"") if self.headers.get("If-Modified-Since") else (200, headers, CONTENT)
        if path == "/auth":
            right = self.headers.get("Authorization") == "Basic dTpw"
            return (200, [], b"in") if right else (401, [("WWW-Authenticate", 'Basic realm="x"')], b"")
        if path in ("/redir", "/redir307"):
            return 302 if path == "/redir" else 307, [("Location", query or "/echo")], b""
        if path == "/status":
            return int(query), [], b"err body"
        if path == "/short":
            return 200, [("Content-Length", "100")], b"only this"
        return FIXED.get(path, (404, [], b"nope"))


FIXED: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {
    "/text": (200, [("Content-Type", "text/plain"), ("Set-Cookie", "a=1; Path=/")], b"hello\n"),
    "/named": (200, [("Content-Disposition", 'attachment; filename="../../named.bin"')], b"x"),
    "/gz": (200, [("Content-Encoding", "gzip"), ("Content-Type", "text/plain")], gzip.compress(b"unzipped")),
    "/sums": (200, [], f"{SUM}  file.txt\n{'0' * 64}  ./other.txt\n".encode()),
    "/badjson": (200, [("Content-Type", "application/json")], b"{bad"),
    "/latin": (200, [("Content-Type", "text/plain; charset=latin1")], "é".encode("latin1")),
    "/twice": (200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-M", "1"), ("X-M", "2")], b"d"),
}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that refuses our certificate is what the test wants."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Paths)
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Here(Host):
    """This machine, with a home and a spool directory of the test's own, and no proxies."""

    def __init__(self, home: Path) -> None:
        super().__init__(environ={"HOME": str(home), "no_proxy": "*"})
        self.home = home

    def spool(self) -> str:
        (self.home / "spool").mkdir(mode=0o700, exist_ok=True)
        return str(self.home / "spool")


def here(home: Path) -> Host:
    return Here(home)
