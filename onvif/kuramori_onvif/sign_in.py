"""How to sign in to one camera: HTTP Digest where it challenges, WS-UsernameToken else; what worked is kept. Pure.

One `SignIn` lives as long as the camera's connection; one `Attempts` as long as one operation. A password that is
refused is sent at most once by each method, so that a camera does not lock the account. This module must not know
HTTP or SOAP messages.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from kuramori_onvif.http_digest import Challenge, Credentials, authorization


class Method(StrEnum):
    """The ways to sign in; the values stand in messages."""

    NONE = "none"
    DIGEST = "HTTP Digest"
    TOKEN = "WS-UsernameToken"  # noqa: S105 -- the name of a method


@dataclass(slots=True)
class SignIn:
    """What is known of how this camera wants it."""

    credentials: Credentials | None = None
    method: Method = Method.NONE
    challenge: Challenge | None = None
    nonce_uses: int = 0
    clock_offset_ms: int = 0  # camera minus us: the token carries the camera's time

    def digest_header(self, http_method: str, target: str, cnonce: str) -> str | None:
        """Return the Authorization header value for the next request, or None when Digest is not in use."""
        if self.method is not Method.DIGEST or self.challenge is None or self.credentials is None:
            return None
        self.nonce_uses += 1
        return authorization(
            self.challenge, self.credentials, http_method, target, count=self.nonce_uses, cnonce=cnonce
        )

    def token_credentials(self) -> Credentials | None:
        """Return the credentials when a WS-UsernameToken is to be sent, else None."""
        return self.credentials if self.method is Method.TOKEN else None


@dataclass(slots=True)
class Attempts:
    """The attempts of one operation. `refused` says whether and how to go on."""

    sign_in: SignIn
    failed: list[Method] = field(default_factory=list)
    _renewed: bool = False

    def refused(self, challenge: Challenge | None) -> bool:
        """The camera refused; choose the next method. False: nothing is left to try."""
        sign_in = self.sign_in
        if sign_in.credentials is None:
            return False
        if sign_in.method is Method.DIGEST and challenge is not None and not self._renewed and self._expired(challenge):
            self._renewed = True
            self._use_digest(challenge)
            return True
        if sign_in.method is not Method.NONE:
            self.failed.append(sign_in.method)
        if challenge is not None and Method.DIGEST not in self.failed:
            self._use_digest(challenge)
        elif Method.TOKEN not in self.failed:
            sign_in.method, sign_in.challenge = Method.TOKEN, None
        else:
            sign_in.method, sign_in.challenge = Method.NONE, None
            return False
        return True

    def _expired(self, challenge: Challenge) -> bool:
        """The nonce had been good before, or the camera says that it is stale."""
        return challenge.stale or self.sign_in.nonce_uses > 1

    def _use_digest(self, challenge: Challenge) -> None:
        self.sign_in.method = Method.DIGEST
        self.sign_in.challenge = challenge
        self.sign_in.nonce_uses = 0
