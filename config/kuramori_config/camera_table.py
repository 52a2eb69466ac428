"""The tables [[camera]]: where a camera is, how it is reached, how long its pictures are kept.

This file must not read files, resolve names or look at the machine.
"""

from enum import StrEnum

from kuramori_config.addresses import ONVIF_SHAPE, RTSP_SHAPE
from kuramori_config.base_table import Table
from kuramori_config.faults import Wording
from kuramori_config.option import PATH, TEXT, YES_OR_NO, number_shape, option, table
from kuramori_config.quantities import DURATION_SHAPE
from kuramori_config.rules import DEFAULT_FLOOR
from kuramori_config.values import (
    CAMERA_NAME,
    FINGERPRINT,
    SECRET_NAME,
    CameraName,
    Fingerprint,
    Location,
    Number,
    OnvifAddress,
    Retention,
    RtspAddress,
    SecretName,
    Span,
    Switch,
    Text,
)
from kuramori_config.written_acts import Decision


class Transport(StrEnum):
    """Which of the two RTSP sources reads a camera."""

    NATIVE = "native"
    AV = "av"


class Camera(Table):
    """One camera: where it is, how it is reached, how long its pictures are kept."""

    name: CameraName = option(
        "Short name, used in commands and file names. Never reused for another camera.",
        shape=CAMERA_NAME,
        example='"gate-north"',
    )
    place: Text = option(
        "Where it stands, as in the rule book.", shape=TEXT, example='"North gate, pole 14, facing the crossing"'
    )
    purpose: Text | None = option(
        "Purpose of this camera where it differs from the site's.",
        shape=TEXT,
        example='"Bicycle theft at the station front"',
        default=None,
    )
    retention: Retention = option(
        "How long its pictures are kept: as short as the purpose allows.", shape=DURATION_SHAPE, example='"14 days"'
    )
    floor: Span = option(
        "How long pictures are kept at least, even when the ring is short, so that a lawful request can be met.",
        shape=DURATION_SHAPE,
        example='"7 days"',
        default=DEFAULT_FLOOR,
    )
    rtsp: RtspAddress | None = option(
        "The stream's address. Either this or `onvif`.",
        shape=RTSP_SHAPE,
        example='"rtsp://192.168.10.21:554/stream1"',
        default=None,
    )
    onvif: OnvifAddress | None = option(
        "The camera's ONVIF device service; the stream is then asked for. Either this or `rtsp`.",
        shape=ONVIF_SHAPE,
        example='"http://192.168.10.21/onvif/device_service"',
        default=None,
    )
    user: Text | None = option("The account on the camera.", shape=TEXT, example='"recorder"', default=None)
    password: SecretName | None = option(
        "The name of the secret that holds the password; the password itself never stands in this file.",
        shape=SECRET_NAME,
        example='"gate-north"',
        default=None,
    )
    secrets_directory: Location | None = option(
        "Where this camera's secret lies as a file, where that is not `storage.secrets_directory`.",
        shape=PATH,
        example='"/var/lib/kuramori/enrolled-secrets"',
        default=None,
    )
    transport: Transport = option(
        "native: the recorder's own RTSP over TCP. av: FFmpeg in a child process, for cameras that need UDP.",
        shape=Wording('"native" or "av"', '"native" または "av"'),
        example='"native"',
        default=Transport.NATIVE,
    )
    tls_fingerprint: Fingerprint | None = option(
        "The camera's certificate, pinned by its SHA-256 (for rtsps:// and https://). Without this and without "
        "`tls_ca_file` the first certificate that the camera shows is pinned, and another one refused.",
        shape=FINGERPRINT,
        example='"sha256:' + "00" * 32 + '"',
        default=None,
    )
    tls_ca_file: Location | None = option(
        "PEM file of the authority that signed the camera's certificate (for rtsps:// and https://).",
        shape=PATH,
        example='"/etc/kuramori/camera-ca.pem"',
        default=None,
    )
    profile: Text | None = option(
        "Media profile to record, by token or name (ONVIF); otherwise the best one without audio is chosen.",
        shape=TEXT,
        example='"mainStream"',
        default=None,
    )
    expected_mbit_per_second: Number = option(
        "What the camera sends on average; the ring is planned with it.",
        shape=number_shape(0.02, 200, "Mbit/s", "Mbit/s"),
        example="4",
        default=4.0,
        ge=0.02,
        le=200,
    )
    edit_profile: Switch = option(
        "Where every media profile carries sound and no silent one can be made: take the sound out of an existing "
        "profile. It changes the camera for everybody who uses that profile.",
        shape=YES_OR_NO,
        example="false",
        default=False,
    )
    events: Switch = option(
        "Ask the camera for its events: memory card failure, tampering, restart, motion.",
        shape=YES_OR_NO,
        example="true",
        default=True,
    )
    ntp_server: Text | None = option(
        "Time server that the camera is told to use; without it the camera's clock is watched and never set.",
        shape=TEXT,
        example='"192.168.10.1"',
        default=None,
    )
    privacy_mask: Switch = option(
        "The camera must have a privacy mask; a warning where it is seen to have none or does not tell.",
        shape=YES_OR_NO,
        example="false",
        default=False,
    )
    card_recording: Switch = option(
        "The camera may record on its own memory card, which lies outside the vault; otherwise such recording is "
        "reported.",
        shape=YES_OR_NO,
        example="false",
        default=False,
    )
    fill_gaps: Switch = option(
        "After an outage fetch the missing minutes from the camera's card, where `card_recording` allows it. What is "
        "filled carries no sound, even where sound is decided; gaps under 1 s are not fetched.",
        shape=YES_OR_NO,
        example="true",
        default=True,
    )
    audio: Decision | None = table(
        "The written decision to record sound (AAC). Without it no sound is ever asked for.",
        default=None,
    )
    retention_decision: Decision | None = table(
        "The written decision to keep pictures beyond the rule set's ceiling.", default=None
    )
