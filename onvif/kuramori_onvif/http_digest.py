"""HTTP Digest sign-in (RFC 7616, RFC 2617) for SOAP requests: challenge in, header value out. Pure.

Takes the strongest algorithm that is offered (cameras send several WWW-Authenticate headers); qop `auth` or none.
Basic is never answered: it would hand the password over. This module must not know sockets or SOAP.
"""

import hashlib
import re
from dataclasses import dataclass

MAX_CHALLENGE_CHARACTERS = 4096
MAX_CHALLENGES = 8
_ALGORITHMS = ("SHA-256", "SHA-256-SESS", "MD5", "MD5-SESS")  # strongest first
_PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"(?:^|,\s*)([A-Za-z][\w-]*)\s+(?=[A-Za-z][\w-]*\s*=)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A Digest challenge that we can answer."""

    realm: str
    nonce: str
    opaque: str | None
    algorithm: str  # one of _ALGORITHMS
    algorithm_named: bool  # was it written out? then we write it too
    with_qop: bool
    stale: bool


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A user and password for one camera. Never shown: not by repr, not in errors."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(…)"


def choose_challenge(headers: tuple[str, ...]) -> Challenge | None:
    """Return the strongest Digest challenge of the WWW-Authenticate header values, or None."""
    found: list[Challenge] = []
    for header in headers[:MAX_CHALLENGES]:
        if len(header) > MAX_CHALLENGE_CHARACTERS:
            continue
        for scheme, parameters in _split(header)[:MAX_CHALLENGES]:
            challenge = _challenge(parameters) if scheme.lower() == "digest" else None
            if challenge is not None:
                found.append(challenge)
    return min(found, key=lambda one: _ALGORITHMS.index(one.algorithm), default=None)


def _split(header: str) -> list[tuple[str, str]]:
    """Cut a header value that holds one or more challenges into (scheme, parameters)."""
    starts = [*_SCHEME.finditer(header)]
    if not starts:
        return []
    ends = [*(match.start() for match in starts[1:]), len(header)]
    return [(match.group(1), header[match.end() : end]) for match, end in zip(starts, ends, strict=True)]


def _challenge(parameters: str) -> Challenge | None:
    values = {
        match.group(1).lower(): re.sub(r"\\(.)", r"\1", match.group(2))
        if match.group(2) is not None
        else match.group(3)
        for match in _PARAMETER.finditer(parameters)
    }
    named = values.get("algorithm")
    algorithm = (named or "MD5").upper()
    qops = [word.strip().lower() for word in values.get("qop", "").split(",") if word.strip()]
    if not values.get("nonce") or "realm" not in values or algorithm not in _ALGORITHMS:
        return None
    if qops and "auth" not in qops:
        return None  # auth-int alone: no camera asks for it
    return Challenge(
        realm=values["realm"],
        nonce=values["nonce"],
        opaque=values.get("opaque"),
        algorithm=algorithm,
        algorithm_named=named is not None,
        with_qop=bool(qops),
        stale=values.get("stale", "").lower() == "true",
    )


def authorization(
    challenge: Challenge, credentials: Credentials, method: str, target: str, *, count: int, cnonce: str
) -> str:
    """Return the Authorization header value. `count` is this nonce's use, from 1; `cnonce` fresh random text.

    Header texts are Latin-1 (as bytes were decoded); user and password travel in UTF-8 inside them (RFC 7616 3.4).
    """
    digest = _sha256 if challenge.algorithm.startswith("SHA-256") else _md5
    user, password = _wire(credentials.user), _wire(credentials.password)
    first = digest(f"{user}:{challenge.realm}:{password}")
    if challenge.algorithm.endswith("-SESS"):
        first = digest(f"{first}:{challenge.nonce}:{cnonce}")
    second = digest(f"{method}:{target}")
    middle = f":{count:08x}:{cnonce}:auth" if challenge.with_qop else ""
    response = digest(f"{first}:{challenge.nonce}{middle}:{second}")
    pieces = [
        f'username="{_escaped(user)}"',
        f'realm="{_escaped(challenge.realm)}"',
        f'nonce="{_escaped(challenge.nonce)}"',
        f'uri="{_escaped(target)}"',
        f'response="{response}"',
    ]
    if challenge.algorithm_named:
        pieces.append(f"algorithm={challenge.algorithm.replace('-SESS', '-sess')}")
    if challenge.opaque is not None:
        pieces.append(f'opaque="{_escaped(challenge.opaque)}"')
    if challenge.with_qop:
        pieces += ["qop=auth", f"nc={count:08x}", f'cnonce="{cnonce}"']
    elif challenge.algorithm.endswith("-SESS"):
        pieces.append(f'cnonce="{cnonce}"')
    return "Digest " + ", ".join(pieces)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _wire(text: str) -> str:
    return text.encode().decode("latin-1")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("latin-1")).hexdigest()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("latin-1"), usedforsecurity=False).hexdigest()  # as RFC 2617 demands
