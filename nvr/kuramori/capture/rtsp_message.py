"""RTSP messages and interleaved framing as values: bytes in, messages out, and back (RFC 2326 sections 4-7, 10.12).

Pure. It knows the grammar and its limits, nothing of sessions, media or what a status means. Cameras are
hostile input: whatever comes, the outcome is a message, "more is needed", or RtspMalformed.
"""

import re
import struct
from dataclasses import dataclass

MAX_START_LINE_BYTES = 4096
MAX_HEADER_BYTES = 16_384  # start line and all headers
MAX_HEADERS = 128
MAX_BODY_BYTES = 65_536
MAX_MESSAGE_BYTES = MAX_HEADER_BYTES + MAX_BODY_BYTES
DOLLAR = 0x24  # begins an interleaved frame
INTERLEAVED_HEADER_BYTES = 4
USER_AGENT = "Kuramori"

_STATUS_LINE = re.compile(r"RTSP/1\.\d (\d{3})(?: (.*))?")
_REQUEST_LINE = re.compile(r"([A-Z_]{2,32}) (\S{1,2048}) RTSP/1\.\d")
_BEGINNING = re.compile(rb"[A-Z_]{1,32}[ /]?")
_HEADER_END = re.compile(rb"\r?\n\r?\n")

Headers = tuple[tuple[str, str], ...]


class RtspMalformed(Exception):
    """What came is not an RTSP message, or larger than any honest one."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RtspResponse:
    """An answer to one of our requests."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name (in any case), or None."""
        return _first(self.headers, name)

    def all_headers(self, name: str) -> tuple[str, ...]:
        """Every header of that name, in order."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    def to_bytes(self) -> bytes:
        """Write it out."""
        return _written(f"RTSP/1.0 {self.status} {self.reason}".rstrip(" "), self.headers, self.body)


@dataclass(frozen=True, slots=True)
class RtspRequest:
    """A request: ours, or (rarely) the camera's."""

    method: str
    url: str
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name (in any case), or None."""
        return _first(self.headers, name)

    def to_bytes(self) -> bytes:
        """Write it out."""
        return _written(f"{self.method} {self.url} RTSP/1.0", self.headers, self.body)


RtspMessage = RtspResponse | RtspRequest


def parse_message(data: bytes | bytearray, start: int, end: int) -> tuple[RtspMessage, int] | None:
    """Read the message that begins at `start`; return it and where it ends, or None when more is needed.

    Lines may end in LF alone and empty lines may come first, as some cameras have it. Raises RtspMalformed.
    """
    while start < end and data[start] in b"\r\n":
        start += 1
    if start == end:
        return None
    if not _BEGINNING.match(data, start, end):
        raise RtspMalformed("neither a message nor an interleaved frame begins here")
    line_end = data.find(b"\n", start, min(end, start + MAX_START_LINE_BYTES))
    if line_end < 0:
        if end - start >= MAX_START_LINE_BYTES:
            raise RtspMalformed("the first line does not end")
        return None
    first_line = bytes(data[start:line_end]).decode("latin-1").removesuffix("\r")
    status, request = _STATUS_LINE.fullmatch(first_line), _REQUEST_LINE.fullmatch(first_line)
    if status is None and request is None:
        raise RtspMalformed("the first line is neither a status nor a request")
    found = _HEADER_END.search(data, line_end - 1, min(end, start + MAX_HEADER_BYTES))
    if found is None:
        if end - start >= MAX_HEADER_BYTES:
            raise RtspMalformed(f"headers of more than {MAX_HEADER_BYTES} bytes")
        return None
    text = bytes(data[line_end + 1 : found.start()]).decode("latin-1").replace("\r\n", "\n")
    headers = _parse_headers(text.split("\n") if text else [])
    body_bytes = _content_length(headers)
    stop = found.end() + body_bytes
    if stop > end:
        return None
    body = bytes(data[found.end() : stop])
    if request is not None:
        return RtspRequest(request[1], request[2], headers, body), stop
    code, reason = (status[1], status[2]) if status is not None else ("0", "")
    return RtspResponse(int(code), reason or "", headers, body), stop


def interleave(channel: int, packet: bytes) -> bytes:
    """Frame one packet for sending on the RTSP connection."""
    return struct.pack(">BBH", DOLLAR, channel, len(packet)) + packet


def _parse_headers(lines: list[str]) -> Headers:
    if len(lines) > MAX_HEADERS:
        raise RtspMalformed(f"more than {MAX_HEADERS} headers")
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:  # a folded line goes on with the one before
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise RtspMalformed("a header has no name")
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def _content_length(headers: Headers) -> int:
    text = _first(headers, "content-length")
    if text is None or text == "":
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise RtspMalformed("the content length is not a number")
    if int(text) > MAX_BODY_BYTES:
        raise RtspMalformed(f"a body of more than {MAX_BODY_BYTES} bytes")
    return int(text)


def _first(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


def _written(start_line: str, headers: Headers, body: bytes) -> bytes:
    lines = [start_line, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
