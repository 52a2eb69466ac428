"""Addresses that a camera hands out: bound to the host that we know, or refused. Pure.

A camera may name only paths and ports; never another host (it would get our sign-in or our connection), never a
password. Doubled ports, as some firmwares write, are put right. This module must not know what is behind an address.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

MAX_ADDRESS_CHARACTERS = 1024
_SECRET_KEYS = frozenset({"user", "username", "usr", "password", "passwd", "pass", "pwd", "auth"})
_SECRET_IN_PATH = re.compile(r"(?:pass(?:word|wd)?|pwd)[=:]", re.IGNORECASE)
_ALLOWED = re.compile(r"[\x21-\x7e]+")
_UNSAFE = frozenset('<>"\\^`{}|')


class Unusable(ValueError):
    """The address cannot be used; the text says why, without repeating a secret."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """An address bound to our host. `replaced_host` is the one that the camera named, if another."""

    url: str
    replaced_host: str | None


def split(address: str, schemes: tuple[str, ...]) -> SplitResult:
    """Take an address apart. Raises Unusable for another scheme, no host, odd characters, excess length."""
    if not address or len(address) > MAX_ADDRESS_CHARACTERS:
        raise Unusable("empty" if not address else f"longer than {MAX_ADDRESS_CHARACTERS} characters")
    if not _ALLOWED.fullmatch(address) or _UNSAFE & set(address):
        raise Unusable("characters that no address has")
    try:
        parts = urlsplit(_without_doubled_port(address))
        port = parts.port
    except ValueError:
        raise Unusable("not an address") from None
    if parts.scheme.lower() not in schemes:
        raise Unusable(f"its scheme is not {' or '.join(schemes)}")
    if not parts.hostname or port == 0:
        raise Unusable("it names no host" if not parts.hostname else "port 0")
    return parts


def _without_doubled_port(address: str) -> str:
    """`http://h:8106:8106/x` becomes `http://h:8106/x` (seen in subscription addresses)."""
    scheme, separator, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if "[" not in host and host.count(":") > 1:
        name, port, *_ = host.split(":")
        host = f"{name}:{port}"
    return f"{scheme}{separator}{user}{at}{host}{slash}{path}"


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL: IPv6 in brackets, its zone escaped (RFC 6874)."""
    if ":" not in host:
        return host
    address, percent, zone = host.partition("%")
    return f"[{address}%25{zone}]" if percent else f"[{address}]"


def same_host(one: str, other: str) -> bool:
    """Compare two hosts: names without case, addresses by value, a zone ignored."""
    return _canonical(one) == _canonical(other)


def _canonical(host: str) -> str:
    bare = host.strip("[]").split("%", 1)[0].rstrip(".").lower()
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return bare
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def pin(address: str, host: str, schemes: tuple[str, ...]) -> Pinned:
    """Bind an address that a camera handed out to `host`: scheme, port, path and harmless query stay.

    User, password and fragment are dropped, query keys that carry a sign-in too. Raises Unusable for what `split`
    refuses and for a password inside the path, which cannot be taken out without breaking the address.
    """
    parts = split(address, schemes)
    if _SECRET_IN_PATH.search(parts.path):
        raise Unusable("it carries a password in its path")
    port = f":{parts.port}" if parts.port is not None else ""
    query = _clean_query(parts.query)
    url = f"{parts.scheme.lower()}://{bracketed(host)}{port}{parts.path}{'?' if query else ''}{query}"
    named = parts.hostname or ""
    return Pinned(url, None if same_host(named, host) else named)


def _clean_query(query: str) -> str:
    """Drop `user=…&password=…`; keep the other pieces exactly as written."""
    kept = [piece for piece in query.split("&") if piece and not _is_secret(piece)]
    return "&".join(kept)


def _is_secret(piece: str) -> bool:
    key = next((key for key, _ in parse_qsl(piece, keep_blank_values=True)), piece)
    return key.lower() in _SECRET_KEYS


def endpoint(url: str) -> str:
    """Return host:port of a URL, for messages; never a user or password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "an unreadable address"
    default = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}.get(parts.scheme, 0)
    return f"{bracketed(unquote(parts.hostname or '?'))}:{port or default}"
