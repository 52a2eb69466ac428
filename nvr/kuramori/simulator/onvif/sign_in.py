"""How a simulated camera's ONVIF services let somebody in: HTTP Digest or WS-UsernameToken (ONVIF Core 5.9).

Pure; the time is handed in. Written apart from the recorder's own sign-in. It must not know what is asked.
"""

import base64
import binascii
import hashlib
import hmac
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kuramori.simulator.challenge import Account, Challenge
from kuramori_onvif import hardened_xml as xml

TOKEN_WINDOW_SECONDS = 300
NONCES_KEPT = 1000


@dataclass(slots=True)
class SignInDesk:
    """Remembers the nonces that were used."""

    _nonces: deque[bytes] = field(default_factory=lambda: deque(maxlen=NONCES_KEPT))

    def admits(
        self,
        account: Account,
        challenge: Challenge | None,
        root: xml.Element,
        authorization: str,
        camera_utc_ms: int,
    ) -> bool:
        """Tell whether header or token prove that the password is known."""
        if authorization:
            return challenge is not None and challenge.admits(account, "POST", authorization)
        token = xml.child(root, "Header", "Security", "UsernameToken")
        return token is not None and self._token_admitted(token, account, camera_utc_ms)

    def _token_admitted(self, token: xml.Element, account: Account, camera_utc_ms: int) -> bool:
        """Check a password digest (OASIS UsernameToken Profile 1.0): fresh, unused, and of the right password."""
        created = xml.text(token, "Created")
        try:
            nonce = base64.b64decode(xml.text(token, "Nonce"), validate=True)
            moment = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except (ValueError, binascii.Error):
            return False
        if abs(moment.timestamp() - camera_utc_ms / 1000) > TOKEN_WINDOW_SECONDS or nonce in self._nonces:
            return False
        material = nonce + created.encode() + account.password.encode()
        proof = base64.b64encode(hashlib.sha1(material, usedforsecurity=False).digest()).decode()
        admitted = xml.text(token, "Username") == account.user and hmac.compare_digest(
            proof.encode(), xml.text(token, "Password").encode()
        )
        if admitted:
            self._nonces.append(nonce)
        return admitted
