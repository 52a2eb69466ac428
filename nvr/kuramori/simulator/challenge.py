"""How a simulated camera asks for a password and checks the answer (RFC 7616, RFC 7617).

Pure. Written apart from the recorder's own sign-in, so that the two check one another.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class Scheme(StrEnum):
    """The ways in which a camera may ask."""

    BASIC = "basic"
    DIGEST_PLAIN = "digest-plain"  # RFC 2069: MD5 without qop, as old cameras do
    DIGEST_MD5 = "digest-md5"
    DIGEST_MD5_SESS = "digest-md5-sess"
    DIGEST_SHA256 = "digest-sha-256"
    DIGEST_SHA256_SESS = "digest-sha-256-sess"


_ALGORITHMS = {
    Scheme.DIGEST_PLAIN: "MD5",
    Scheme.DIGEST_MD5: "MD5",
    Scheme.DIGEST_MD5_SESS: "MD5-sess",
    Scheme.DIGEST_SHA256: "SHA-256",
    Scheme.DIGEST_SHA256_SESS: "SHA-256-sess",
}


@dataclass(frozen=True, slots=True)
class Account:
    """Who may look; the password stays out of every repr."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.user!r})"


@dataclass(frozen=True, slots=True)
class Challenge:
    """One nonce under any number of schemes."""

    realm: str
    nonce: str
    schemes: Sequence[Scheme]
    qop: str = "auth"
    stale: bool = False

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return one WWW-Authenticate header for each scheme."""
        return tuple(("WWW-Authenticate", self._header(scheme)) for scheme in self.schemes)

    def _header(self, scheme: Scheme) -> str:
        if scheme is Scheme.BASIC:
            return f'Basic realm="{self.realm}"'
        text = f'Digest realm="{self.realm}", nonce="{self.nonce}"'
        if scheme is not Scheme.DIGEST_PLAIN:
            text += f', algorithm={_ALGORITHMS[scheme]}, qop="{self.qop}"'
        return text + (", stale=true" if self.stale else "")

    def admits(self, account: Account, method: str, authorization: str) -> bool:
        """Tell whether this Authorization header proves knowledge of the password."""
        kind, _, rest = authorization.partition(" ")
        if kind.lower() == "basic" and Scheme.BASIC in self.schemes:
            expected = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
            return rest.strip() == expected
        if kind.lower() != "digest":
            return False
        given = {match[1].lower(): match[2] or match[3] or "" for match in _PARAMETER.finditer(rest)}
        return any(
            self._digest_matches(scheme, account, method, given)
            for scheme in self.schemes
            if scheme is not Scheme.BASIC
        )

    def _digest_matches(self, scheme: Scheme, account: Account, method: str, given: dict[str, str]) -> bool:
        if given.get("nonce") != self.nonce or given.get("username") != account.user:
            return False
        algorithm = _ALGORITHMS[scheme]
        if given.get("algorithm", "MD5").lower() != algorithm.lower():
            return False

        def digest(text: str) -> str:
            hashed = hashlib.new("sha256" if algorithm.startswith("SHA") else "md5", text.encode())
            return hashed.hexdigest()

        first = digest(f"{account.user}:{self.realm}:{account.password}")
        if algorithm.endswith("-sess"):
            first = digest(f"{first}:{self.nonce}:{given.get('cnonce', '')}")
        second_text = f"{method}:{given.get('uri', '')}"
        if given.get("qop") == "auth-int":
            second_text += f":{digest('')}"
        second = digest(second_text)
        if scheme is Scheme.DIGEST_PLAIN:
            return given.get("response") == digest(f"{first}:{self.nonce}:{second}")
        middle = f"{given.get('nc', '')}:{given.get('cnonce', '')}:{given.get('qop', '')}"
        return given.get("response") == digest(f"{first}:{self.nonce}:{middle}:{second}")
