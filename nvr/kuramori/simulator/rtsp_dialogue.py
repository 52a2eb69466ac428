"""Requests and answers of a simulated camera's RTSP server, as plain values (RFC 2326).

Pure: bytes in, requests out; an answer in, bytes out. It shares no code with the recorder's own parser, so that
a fault in one is not hidden by the same fault in the other.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

MAX_REQUEST_BYTES = 65_536

_REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    457: "Invalid Range",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
    551: "Option not supported",
}


class NotRtsp(Exception):
    """A client sent what is not an RTSP request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Path and query of the URL, without a trailing slash."""
        parts = urlsplit(self.url)
        query = f"?{parts.query}" if parts.query else ""
        return (parts.path + query).rstrip("/")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; the sender adds CSeq and Content-Length."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def to_bytes(self, sequence: str, server: str) -> bytes:
        """Write the answer to the request with this CSeq."""
        lines = [f"RTSP/1.0 {self.status} {_REASONS.get(self.status, 'Unknown')}", f"CSeq: {sequence}"]
        lines.append(f"Server: {server}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(slots=True)
class RequestReader:
    """Cuts requests out of a byte stream; interleaved frames of the client (RTCP) are counted and skipped."""

    client_frames: int = 0
    _waiting: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that `data` completes. Raises NotRtsp."""
        self._waiting += data
        requests: list[Request] = []
        while True:
            if self._waiting[:1] == b"$":
                if not self._skip_frame():
                    return requests
                continue
            request = self._next_request()
            if request is None:
                return requests
            requests.append(request)

    def _skip_frame(self) -> bool:
        waiting = self._waiting
        if len(waiting) < 4 or len(waiting) < 4 + (waiting[2] << 8 | waiting[3]):
            return False
        del waiting[: 4 + (waiting[2] << 8 | waiting[3])]
        self.client_frames += 1
        return True

    def _next_request(self) -> Request | None:
        end = self._waiting.find(b"\r\n\r\n")
        if end < 0:
            if len(self._waiting) > MAX_REQUEST_BYTES:
                raise NotRtsp
            return None
        lines = self._waiting[:end].decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("RTSP/"):
            raise NotRtsp
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
            raise NotRtsp
        stop = end + 4 + int(length)
        if len(self._waiting) < stop:
            return None
        body = bytes(self._waiting[end + 4 : stop])
        del self._waiting[:stop]
        return Request(words[0], words[1], headers, body)
