"""The page on the handler's own machine: to one browser, once, from memory, until the viewing ends.

Listens on loopback only. The address holds a word behind `#`, which a browser sends to nobody; the page exchanges it,
once, for another word that stands in its memory and goes with every question in a header: no cookie, nothing in a log,
nothing for another page to send along. Other hosts' names, other origins, frames and a second visitor are refused.
Must not know the desk, keys or pictures.
"""

import hmac
import json
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from time import monotonic
from typing import Any

from kuramori.texts import tr

LOOPBACK = "127.0.0.1"
WORD_HEADER = "Kuramori-Viewing"
NEXT_HEADER = "Kuramori-Next-Utc-Ms"
BODY_BYTES_MOST = 1024
CONNECTION_SECONDS = 30.0
HEADERS = {
    "Cache-Control": "no-store, max-age=0",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), display-capture=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PAGES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}


class PicturesMissing(Exception):
    """There are no pictures; its text is one sentence for the person."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks for, as it stands in the address."""

    camera: str
    detail: str
    from_utc_ms: int
    to_utc_ms: int


Fetch = Callable[[Asked], tuple[bytes, int]]  # pictures, and where to go on; raises PicturesMissing


class PageServer(ThreadingHTTPServer):
    """Serves one page. `ended` is set when its visitor has had enough."""

    daemon_threads = True

    def __init__(self, facts: Mapping[str, Any], fetch: Fetch) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.facts = facts
        self.ended = threading.Event()
        self.asked_seconds = monotonic()
        self._fetch = fetch
        self._turn = threading.Lock()
        self._token: str | None = secrets.token_urlsafe(32)
        self._word = ""

    @property
    def origin(self) -> str:
        """Where the page stands."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    @property
    def address(self) -> str:
        """The address that opens the page, once."""
        return f"{self.origin}/#{self._token or ''}"

    def enter(self, token: str) -> str | None:
        """Exchange the address's word for the page's; None for a wrong one and for everybody after the first."""
        with self._turn:
            if self._token is None or not hmac.compare_digest(token.encode(), self._token.encode()):
                return None
            self._token, self._word = None, secrets.token_urlsafe(32)
            return self._word

    def knows(self, word: str) -> bool:
        """Tell whether this is the page's word."""
        return bool(self._word) and hmac.compare_digest(word.encode(), self._word.encode())

    def fetch(self, asked: Asked) -> tuple[bytes, int]:
        """Return pictures, one question after the other. Raises PicturesMissing."""
        self.asked_seconds = monotonic()
        with self._turn:
            if self.ended.is_set():
                raise PicturesMissing(tr("The viewing has ended.", "閲覧は終了しました。"))
            return self._fetch(asked)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who breaks off is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = CONNECTION_SECONDS

    def do_GET(self) -> None:
        """Give the page and its parts to its own browser, pictures to its own page."""
        path, _, query = self.path.partition("?")
        if not self._is_ours(document=path == "/"):
            self._refuse(HTTPStatus.FORBIDDEN)
        elif path in PAGES:
            name, kind = PAGES[path]
            self._answer(HTTPStatus.OK, _page(name), kind)
        elif path == "/pictures" and self.server.knows(self.headers.get(WORD_HEADER, "")):
            self._pictures(query)
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Let the first visitor in; end for whoever is in."""
        size = self.headers.get("Content-Length", "")
        if not size.isascii() or not size.isdecimal() or int(size) > BODY_BYTES_MOST:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(int(size))
        if not self._is_ours() or self.headers.get("Origin") != self.server.origin:
            self._refuse(HTTPStatus.FORBIDDEN)
        elif self.path == "/enter":
            self._enter(body)
        elif self.path == "/end" and self.server.knows(self.headers.get(WORD_HEADER, "")):
            self._answer(HTTPStatus.OK, b"{}", "application/json")
            self.server.ended.set()
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _is_ours(self, *, document: bool = False) -> bool:
        """Tell whether a browser came here by this address, and not led or framed by another page."""
        if self.headers.get_all("Host") != [self.server.origin.removeprefix("http://")]:
            return False
        site, target = self.headers.get("Sec-Fetch-Site"), self.headers.get("Sec-Fetch-Dest")
        if document:
            return site in (None, "none", "same-origin") and target in (None, "document")
        return site in (None, "same-origin")

    def _enter(self, body: bytes) -> None:
        try:
            token = json.loads(body)["token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            token = ""
        word = self.server.enter(token) if isinstance(token, str) else None
        if word is None:
            said = tr(
                "This address was opened already, or is not whole. A page that was opened anew ends its viewing: "
                "begin another with kuramori view.",
                "このアドレスは既に使われたか、正しくありません。再読込みをすると閲覧は終了します。"
                "kuramori view で改めて始めてください。",
            )
            self._answer(HTTPStatus.FORBIDDEN, said.encode(), "text/plain; charset=utf-8")
            return
        content = json.dumps({"word": word, "facts": dict(self.server.facts)}).encode()
        self._answer(HTTPStatus.OK, content, "application/json")

    def _pictures(self, query: str) -> None:
        found = dict(urllib.parse.parse_qsl(query))
        try:
            asked = Asked(found["camera"], found["detail"], int(found["from_utc_ms"]), int(found["to_utc_ms"]))
            pictures, following = self.server.fetch(asked)
        except (KeyError, ValueError):
            self._refuse(HTTPStatus.BAD_REQUEST)
        except PicturesMissing as missing:
            self._answer(HTTPStatus.BAD_GATEWAY, str(missing).encode(), "text/plain; charset=utf-8")
        else:
            more = {NEXT_HEADER: str(following)}
            self._answer(HTTPStatus.OK, pictures, "application/octet-stream", more)

    def _refuse(self, status: HTTPStatus) -> None:
        self._answer(status, b"", "text/plain")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {**HEADERS, "Content-Type": kind, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Which minutes are looked at is nobody else's business; the register has it."""


@cache
def _page(name: str) -> bytes:
    return (files("kuramori.viewing") / "page" / name).read_bytes()
