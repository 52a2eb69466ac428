"""Asking one camera at one address: credentials, trust, the questions; a description or the state it leaves.

The one place of the door where a password is read. This module must not know discovery, the recorder or waiting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kuramori.door_messages import CameraStream, DoorCameraState
from kuramori_config.faults import SecretRefused
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.secrets import credentials_directory, read_secret
from kuramori_onvif.device import CameraDescription, Credentials, Device, TlsTrust
from kuramori_onvif.errors import (
    CameraUnreachable,
    CertificateUntrusted,
    CredentialsMissing,
    CredentialsRefused,
    DeadlineExceeded,
    OnvifError,
)
from kuramori_onvif.models import AudioFact
from kuramori_onvif.transport import TOTAL_SECONDS

_CODECS = {"H264": "h264", "H265": "h265"}


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why there is no description: the state, and a sentence for the operator without secrets."""

    state: DoorCameraState
    detail: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks cameras. `utc_ms` is our clock."""

    secrets_directory: Path
    utc_ms: Callable[[], int]
    total_seconds: float = TOTAL_SECONDS

    async def ask(self, table: CameraTable, url: str) -> CameraDescription | Unanswered:
        """Ask the camera at this address everything that recording needs."""
        try:
            credentials = self._credentials(table)
            device = Device(url, credentials, utc_ms=self.utc_ms, trust=_trust(table), total_seconds=self.total_seconds)
            async with device:
                return await device.describe(table.profile)
        except (CameraUnreachable, DeadlineExceeded) as error:
            return Unanswered(DoorCameraState.UNREACHABLE, str(error))
        except (CredentialsMissing, CredentialsRefused, CertificateUntrusted, SecretRefused) as error:
            return Unanswered(DoorCameraState.REFUSED, str(error))
        except OnvifError as error:
            return Unanswered(DoorCameraState.UNSUITABLE, str(error))

    def _credentials(self, table: CameraTable) -> Credentials | None:
        if table.user is None:
            return None
        password = ""
        if table.password is not None:
            password = read_secret(
                table.password,
                credentials_directory=credentials_directory(),
                secrets_directory=self.secrets_directory,
            ).reveal()
        return Credentials(table.user, password)


def _trust(table: CameraTable) -> TlsTrust:
    fingerprint = table.tls_fingerprint
    pinned = None if fingerprint is None else bytes.fromhex(fingerprint.removeprefix("sha256:"))
    return TlsTrust(pinned, table.tls_ca_file)


def camera_stream(camera: str, found: CameraDescription, endpoint_id: str) -> CameraStream:
    """Return what the recorder is told of a camera."""
    choice = found.choice
    return CameraStream(
        camera=camera,
        stream_uri=found.stream.uri,
        endpoint_uuid=endpoint_id,
        profile=choice.profile.token,
        audio_encoder=choice.profile.audio is not AudioFact.ABSENT,
        detail="; ".join(found.oddities),
        codec=_CODECS.get(choice.video.encoding, ""),
        width=choice.video.width,
        height=choice.video.height,
        audio_encoding=choice.profile.audio_encoding,
        clock_offset_ms=found.clock.offset_ms,
    )
