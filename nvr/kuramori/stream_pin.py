"""By which certificate the recorder knows one camera that streams over RTSPS: the first one that it showed.

The book of certificates as a connection sees it. This module must not know TLS or sockets.
"""

import asyncio
from dataclasses import dataclass

from kuramori.certificate_book import CertificateBook
from kuramori.texts import tr


@dataclass(frozen=True, slots=True)
class StreamPin:
    """The memory of one camera, configured at this address; see `rtsp_connection.CertificateMemory`."""

    book: CertificateBook
    camera: str
    configured_url: str

    @property
    def known(self) -> bytes | None:
        """Return the SHA-256 that it is known by, None of a stranger."""
        pinned = self.book.pinned(self.camera, self.configured_url)
        return bytes.fromhex(pinned) if pinned else None

    async def first_seen(self, fingerprint_sha256: bytes) -> None:
        """Pin it; nothing is sent to the camera before that is durable, or has failed."""
        await asyncio.to_thread(self.book.pin, self.camera, self.configured_url, fingerprint_sha256.hex())

    def refused(self, fingerprint_sha256: bytes) -> str:
        """Note what was shown; return how to accept it."""
        self.book.refuse(self.camera, fingerprint_sha256.hex())
        command = f"kuramori camera accept-certificate {self.camera}"
        return tr(f"if it was changed on purpose: {command}", f"意図した変更であれば: {command}")

    def well(self) -> None:
        """Forget what was refused before."""
        self.book.well(self.camera)
