"""The certificates that cameras are known by: the first one seen of each is pinned, another one is refused.

A pin belongs to a camera at its configured address; another address in the configuration makes it a stranger. Who
accepts another certificate is an operator, and accepts exactly the one that was shown. Kept on disk without secrets;
writing blocks and is small. This module must not know TLS or sockets.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kuramori import log
from kuramori.durable_file import write_file
from kuramori.wire import WireInvalid, from_plain, to_plain
from kuramori_config.schema import Camera as CameraTable

VERSION = 1
MOST_BYTES = 1024 * 1024
FINGERPRINT_DIGITS = 64  # SHA-256 in hexadecimal


@dataclass(frozen=True, slots=True)
class PinnedCertificate:
    """One pin: of which camera, configured at which address, what, since when."""

    camera: str
    configured_url: str
    sha256: str
    pinned_utc_ms: int


@dataclass(frozen=True, slots=True)
class _File:
    version: int
    certificates: tuple[PinnedCertificate, ...]


class CertificateBook:
    """The pins by camera name. An unreadable file counts as empty, which is logged: the cameras are met again.

    One process writes a file; another one that only looks has a book that does not (`writes` False).
    """

    def __init__(self, path: Path, utc_ms: Callable[[], int], *, writes: bool = True) -> None:
        self._path = path
        self._utc_ms = utc_ms
        self._writes = writes
        self._pins: dict[str, PinnedCertificate] = {}
        self._shown: dict[str, str] = {}
        try:
            found = from_plain(_File, json.loads(path.read_bytes()[:MOST_BYTES]))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError, WireInvalid) as fault:
            log.get().error("certificates_unreadable", path=str(path), detail=str(fault))
            return
        if found.version == VERSION:
            self._pins = {pin.camera: pin for pin in found.certificates}

    def pinned(self, camera: str, configured_url: str) -> str:
        """Return the SHA-256 (hexadecimal) that the camera at this configured address is known by, "" of a stranger."""
        pin = self._pins.get(camera)
        return pin.sha256 if pin is not None and pin.configured_url == configured_url else ""

    def refused(self, camera: str) -> str:
        """Return the certificate that was shown and refused last, "" where none was since one was accepted."""
        return self._shown.get(camera, "")

    def pin(self, camera: str, configured_url: str, sha256: str) -> None:
        """Know the camera by this certificate from now on. Where it cannot be written, until the end of the process."""
        self._pins = {**self._pins, camera: PinnedCertificate(camera, configured_url, sha256, self._utc_ms())}
        self._shown.pop(camera, None)
        if not self._writes:
            return
        log.get(camera=camera).warning("certificate_pinned", sha256=sha256)
        try:
            document = to_plain(_File(VERSION, tuple(self._pins.values())))
            write_file(self._path, json.dumps(document, indent=1).encode())
        except OSError as error:
            log.get(camera=camera).error("certificate_not_kept", why=error.strerror)

    def refuse(self, camera: str, sha256: str) -> None:
        """Note that this certificate was shown and refused; logged once for each."""
        if self._shown.get(camera) != sha256:
            self._shown[camera] = sha256
            pin = self._pins.get(camera)
            log.get(camera=camera).error("certificate_changed", shown=sha256, pinned=pin.sha256 if pin else "")

    def well(self, camera: str) -> None:
        """Note that the camera showed the certificate that it is known by."""
        self._shown.pop(camera, None)

    def accept(self, camera: str, configured_url: str, sha256: str) -> bool:
        """Pin what an operator accepts, if it is what was shown and refused last; tell whether it was."""
        if not sha256 or self._shown.get(camera) != sha256:
            return False
        self.pin(camera, configured_url, sha256)
        return True


def is_pinned_here(table: CameraTable) -> bool:
    """Tell whether the camera's certificate is remembered: the configuration does not say whom to trust."""
    return table.tls_fingerprint is None and table.tls_ca_file is None


def plain_fingerprint(text: str) -> str:
    """Return a fingerprint as a person gives it ("sha256:AB:CD…") in the form of this book; "" if it is none."""
    digits = text.strip().lower().removeprefix("sha256:").replace(":", "")
    hexadecimal = len(digits) == FINGERPRINT_DIGITS and all(digit in "0123456789abcdef" for digit in digits)
    return digits if hexadecimal else ""
