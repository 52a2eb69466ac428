"""A desk that speaks HTTP over a Unix socket and gives prepared answers; for tests of the command line."""

import json
import socketserver
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Answer = Callable[[str, dict[str, str]], tuple[int, Any]]  # (path, query) -> (status, JSON value)


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    answer: Answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _UnixServer

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        status, value = self.server.answer(parts.path, dict(urllib.parse.parse_qsl(parts.query)))
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def fake_desk(socket_path: Path, answer: Answer) -> Iterator[None]:
    """Answer on `socket_path` until the block ends."""
    with _UnixServer(str(socket_path), _Handler) as server:
        server.answer = answer
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
