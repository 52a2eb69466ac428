"""How a camera is reached: address, sign-in, and by which certificate it is known. Crosses a pipe; shown nowhere.

The one place of the door where a password is read. This module must not know what is asked of a camera.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kuramori.certificate_book import is_pinned_here
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.secrets import credentials_directory, read_secret
from kuramori_onvif.device import Credentials, Device, TlsTrust


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that is needed to ask the camera at `url`."""

    url: str
    user: str | None = None
    password: str = field(default="", repr=False)
    fingerprint: str = ""  # 64 hexadecimal digits: configured, or pinned when it was met; "": none
    authority_file: str = ""

    @property
    def is_first_use(self) -> bool:
        """Whether the camera's certificate is to be taken as it is shown now."""
        return self.url.lower().startswith("https:") and not self.fingerprint and not self.authority_file

    def device(self, utc_ms: Callable[[], int]) -> Device:
        """Return the camera to ask; close it afterwards. Raises AddressRefused."""
        credentials = Credentials(self.user, self.password) if self.user is not None else None
        trust = TlsTrust(
            bytes.fromhex(self.fingerprint) if self.fingerprint else None,
            Path(self.authority_file) if self.authority_file else None,
        )
        return Device(self.url, credentials, utc_ms=utc_ms, trust=trust)


def access_of(table: CameraTable, url: str, pinned: str, secrets_directory: Path) -> Access:
    """Return the access to the camera of this table at this address. Raises SecretRefused."""
    password = ""
    if table.user is not None and table.password is not None:
        password = read_secret(
            table.password,
            credentials_directory=credentials_directory(),
            secrets_directory=table.secrets_directory or secrets_directory,
        ).reveal()
    configured = table.tls_fingerprint.removeprefix("sha256:") if table.tls_fingerprint is not None else ""
    return Access(
        url=url,
        user=table.user,
        password=password,
        fingerprint=configured or (pinned if is_pinned_here(table) else ""),
        authority_file=str(table.tls_ca_file) if table.tls_ca_file is not None else "",
    )
