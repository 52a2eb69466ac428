"""Signing in to a camera: Basic and Digest with MD5 or SHA-256 (RFC 7616, RFC 7617, RFC 2326 section 18).

Pure: the client nonce is handed in. Of several challenges the strongest is answered. MD5 is used only because
cameras ask for nothing better; it protects nothing else. The password leaves this module only as a digest, or
as Basic asks for it.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kuramori.capture.rtsp_url import Credentials

MAX_CHALLENGE_CHARACTERS = 4096
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar, RFC 9110 section 5.6.2
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|$|,)")
_STRENGTH = {"MD5": 1, "MD5-SESS": 2, "SHA-256": 3, "SHA-256-SESS": 4}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way of signing in that the camera offers. `strength` 0 is Basic."""

    strength: int
    realm: str
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = ""  # as the camera writes it; "" when it named none
    qop: str = ""  # "auth", "auth-int" or "" (RFC 2069)
    stale: bool = False


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read WWW-Authenticate headers, each of which may hold several challenges; unknown ones are left out."""
    found: list[Challenge] = []
    for header in headers:
        for scheme, parameters in _split_challenges(header[:MAX_CHALLENGE_CHARACTERS]):
            challenge = _understood(scheme.lower(), parameters)
            if challenge is not None:
                found.append(challenge)
    return found


def _split_challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    challenges: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(header):
        parameter = _PARAMETER.match(header, at)
        if parameter is not None and challenges:
            quoted = parameter[2]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else parameter[3]
            challenges[-1][1].setdefault(parameter[1].lower(), value)
            at = parameter.end()
            continue
        scheme = _SCHEME.match(header, at)
        if scheme is None:
            break
        challenges.append((scheme[1], {}))
        at = scheme.end()
    return challenges


def _understood(scheme: str, parameters: dict[str, str]) -> Challenge | None:
    realm = parameters.get("realm", "")
    if scheme == "basic":
        return Challenge(0, realm)
    if scheme != "digest" or "nonce" not in parameters:
        return None
    algorithm = parameters.get("algorithm", "")
    strength = _STRENGTH.get((algorithm or "MD5").upper())
    offered = [word.strip().lower() for word in parameters.get("qop", "").split(",") if word.strip()]
    qop = next((known for known in ("auth", "auth-int") if known in offered), "")
    if strength is None or (offered and not qop):
        return None
    stale = parameters.get("stale", "").lower() == "true"
    return Challenge(strength, realm, parameters["nonce"], parameters.get("opaque"), algorithm, qop, stale)


class Authenticator:
    """Answers the challenges of one connection."""

    def __init__(self, credentials: Credentials, new_client_nonce: Callable[[], str]) -> None:
        self._credentials = credentials
        self._new_client_nonce = new_client_nonce
        self._challenge: Challenge | None = None
        self._count = 0
        self._proven = False  # this password has been accepted once

    def take(self, challenges: Iterable[Challenge], *, signed: bool) -> bool:
        """Take a 401 in; tell whether it is worth asking again.

        `signed` says that the refused request carried an answer already. Asking again is then worth it only
        when the camera says that the nonce is stale, or when the password was accepted before.
        """
        strongest = max(challenges, key=lambda challenge: challenge.strength, default=None)
        if strongest is None:
            return False
        known = self._challenge
        self._challenge, self._count = strongest, 0
        if not signed or known is None:
            return True
        renewed = strongest.nonce != known.nonce
        return renewed and (strongest.stale or self._proven)

    def accepted(self) -> None:
        """A signed request succeeded: the password is right."""
        self._proven = self._challenge is not None

    def authorization(self, method: str, url: str, body: bytes = b"") -> str | None:
        """Return the Authorization header for a request, or None while nothing was asked."""
        challenge = self._challenge
        if challenge is None:
            return None
        user, password = self._credentials.user, self._credentials.password
        if challenge.strength == 0:
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._count += 1
        return _digest_header(challenge, self._credentials, method, url, body, self._count, self._new_client_nonce())


def _digest_header(
    challenge: Challenge,
    credentials: Credentials,
    method: str,
    url: str,
    body: bytes,
    count: int,
    client_nonce: str,
) -> str:
    name = (challenge.algorithm or "MD5").upper()

    def digest(data: bytes) -> str:
        if name.startswith("SHA-256"):
            return hashlib.sha256(data).hexdigest()
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    # What the camera sent was read as Latin-1, byte for byte; what the operator typed is UTF-8.
    user, password = credentials.user.encode(), credentials.password.encode()
    nonce = challenge.nonce.encode("latin-1")
    first = digest(user + b":" + challenge.realm.encode("latin-1") + b":" + password)
    if name.endswith("-SESS"):
        first = digest(b":".join((first.encode(), nonce, client_nonce.encode())))
    second_text = f"{method}:{url}"
    if challenge.qop == "auth-int":
        second_text += f":{digest(body)}"
    second = digest(second_text.encode())
    middle = nonce
    if challenge.qop:
        middle += f":{count:08x}:{client_nonce}:{challenge.qop}".encode()
    response = digest(b":".join((first.encode(), middle, second.encode())))
    fields = [
        f"username={_quoted(user.decode('latin-1'))}",
        f"realm={_quoted(challenge.realm)}",
        f"nonce={_quoted(challenge.nonce)}",
        f'uri="{url}"',
        f'response="{response}"',
    ]
    if challenge.algorithm:
        fields.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        fields.append(f"opaque={_quoted(challenge.opaque)}")
    if challenge.qop:
        fields += [f"qop={challenge.qop}", f"nc={count:08x}", f'cnonce="{client_nonce}"']
    elif name.endswith("-SESS"):
        fields.append(f'cnonce="{client_nonce}"')
    return "Digest " + ", ".join(fields)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
