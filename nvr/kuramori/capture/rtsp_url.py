"""The address of a stream: taken apart once, and never again seen together with its credentials.

Pure. Everything behind this module handles URLs without user names and passwords.
"""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

MAX_URL_CHARACTERS = 2048
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}


class NotAStreamUrl(Exception):
    """A text is not the URL of an RTSP stream. The text is not repeated: it may hold a password."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"this is not the URL of a stream: {expected}")
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password of a camera; the password appears in no repr."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamUrl:
    """Where a stream is. `text` is what stands in requests: without credentials or fragment."""

    text: str
    host: str
    port: int
    secure: bool  # rtsps


def is_plain_text(text: str) -> bool:
    """Tell whether a text can stand in a request line: visible ASCII only."""
    return all("!" <= character <= "~" for character in text)


def parse_stream_url(text: str) -> tuple[StreamUrl, Credentials | None]:
    """Take rtsp://user:password@host:port/path?query apart (RFC 2326 section 3.2). Raises NotAStreamUrl."""
    if len(text) > MAX_URL_CHARACTERS or not is_plain_text(text):
        raise NotAStreamUrl(f"at most {MAX_URL_CHARACTERS} visible ASCII characters were expected")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise NotAStreamUrl("its host or port cannot be read") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise NotAStreamUrl("it must begin with rtsp:// or rtsps://")
    if not parts.hostname:
        raise NotAStreamUrl("it names no host")
    credentials = None
    if parts.username is not None:
        credentials = Credentials(unquote(parts.username), unquote(parts.password or ""))
    number = port if port is not None else _DEFAULT_PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port is None else f"{host}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    plain = f"{parts.scheme}://{authority}{parts.path}{query}"
    return StreamUrl(plain, parts.hostname, number, parts.scheme == "rtsps"), credentials


def without_credentials(text: str) -> str:
    """Return a URL that a camera sent with what stands before an "@" in its authority cut out."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
