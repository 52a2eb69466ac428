"""A page on this machine that shows a picture once: from memory, to whoever has the address first, never cached.

The address holds a random word; after one visit, or after PATIENCE_SECONDS, nothing answers there any more. This module
must not know where the picture comes from.
"""

import base64
import hmac
import html
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic
from typing import Any

import typer

from kuramori.cli.client import CommandFailure
from kuramori.texts import tr

PATIENCE_SECONDS = 120.0
LOOPBACK = "127.0.0.1"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Type": "text/html; charset=utf-8",
}


class _OneVisit(HTTPServer):
    """Serves one page to one visitor."""

    page = b""
    path = ""
    served = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who breaks off is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: _OneVisit
    timeout = 10.0

    def do_GET(self) -> None:
        """Give the page, once, to whoever knows the word."""
        host, port = self.server.server_address[:2]
        ours = self.headers.get("Host", "") == f"{host!s}:{port}"
        if self.server.served or not ours or not hmac.compare_digest(self.path.encode(), self.server.path.encode()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.server.served = True
        self.send_response(HTTPStatus.OK)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.page)))
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, *_: Any) -> None:
        """The address is nobody else's business."""


def show_once(
    jpeg: bytes, camera: str, *, patience_seconds: float = PATIENCE_SECONDS, tell: Callable[[str], None] = typer.echo
) -> None:
    """Print the address and wait for the one visit. Raises CommandFailure where nobody came."""
    with _OneVisit((LOOPBACK, 0), _Handler) as server:
        server.path = f"/{secrets.token_urlsafe(32)}"
        server.page = _page(jpeg, camera)
        server.timeout = 1.0
        tell(
            tr(
                f"Open once, on this machine: http://{LOOPBACK}:{server.server_address[1]}{server.path}",
                f"この端末で1回だけ開けます: http://{LOOPBACK}:{server.server_address[1]}{server.path}",
            )
        )
        until = monotonic() + patience_seconds
        while not server.served and monotonic() < until:
            server.handle_request()
        if not server.served:
            raise CommandFailure(
                tr("Nobody opened the page; the picture is gone.", "ページが開かれなかったため、画像を破棄しました。")
            )


def _page(jpeg: bytes, camera: str) -> bytes:
    title = html.escape(camera)
    picture = base64.b64encode(jpeg).decode()
    return (
        f'<!doctype html><meta charset="utf-8"><title>{title}</title>'
        "<style>body{margin:0;background:#000}img{max-width:100%;max-height:100vh}</style>"
        f'<img alt="{title}" src="data:image/jpeg;base64,{picture}">'
    ).encode()
