"""Tries a camera before it is taken into service: does it answer, with these credentials, and what does it offer?

An ONVIF camera is asked by the inspector, in a process of its own; a stream is described by the native capture, in
this one. Nothing is set up, changed or recorded. This module must not know the configuration file or the terminal.
"""

import asyncio
import contextlib
import ssl
import sys
from dataclasses import dataclass, field, replace

from kuramori.camera_fault_texts import camera_fault_text
from kuramori.capture.rtsp_connection import TlsTrust
from kuramori.capture.rtsp_source import RtspOptions, describe
from kuramori.capture.rtsp_url import Credentials, parse_stream_url
from kuramori.capture.source import EndReason, SourceEnded
from kuramori.door.camera_access import Access
from kuramori.door.inspector import (
    LINE_BYTES_MOST,
    InspectionAnswer,
    InspectionGarbled,
    InspectionOrder,
    encode,
    parse_answer,
)
from kuramori.local_source import resolve
from kuramori.timebase import SystemClock
from kuramori_config.addresses import CameraAddress, may_travel_unencrypted
from kuramori_config.schema import Network
from kuramori_onvif.camera_description import CameraInspection
from kuramori_onvif.errors import CameraUnreachable, CertificateUntrusted, OnvifError
from kuramori_onvif.models import AudioFact
from kuramori_onvif.transport import peer_fingerprint

COMMAND = (sys.executable, "-m", "kuramori.door.inspector")
ANSWER_SECONDS = 120.0
PORTS = {"https": 443, "rtsps": 322}
CHAIN_SECONDS = 10.0


class TrialFailed(Exception):
    """The camera cannot be taken into service like this. `reason` is stable, the text a sentence without secrets."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OfferedProfile:
    """One way to record the camera. Numbers are None where it does not tell; `audio` likewise."""

    token: str
    name: str
    codec: str
    width: int | None
    height: int | None
    frames_per_second: float | None
    bitrate_kbps: int | None
    audio: bool | None
    audio_encoding: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What a camera that answered is and offers. `proposed` is a token, "" where there is nothing to choose."""

    profiles: tuple[OfferedProfile, ...]
    proposed: str
    why: str  # "configured", "silent", "video_only", "only": why this one
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    endpoint_id: str = ""
    clock_offset_ms: int | None = None
    sign_in: str = ""
    oddities: tuple[str, ...] = field(default=())


async def certificate_shown(address: CameraAddress) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of the certificate that is shown there. Raises TrialFailed."""
    try:
        return (await peer_fingerprint(address.url)).hex()
    except OnvifError as error:
        raise TrialFailed("unreachable", camera_fault_text(error)) from None


async def has_known_authority(address: CameraAddress) -> bool:
    """Tell whether an authority that this machine trusts vouches for the certificate. Raises TrialFailed."""
    port = address.port or PORTS[address.scheme]
    try:
        async with asyncio.timeout(CHAIN_SECONDS):
            _, writer = await asyncio.open_connection(
                address.host, port, ssl=ssl.create_default_context(), server_hostname=address.host
            )
    except ssl.SSLError:
        return False
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or "no answer in time"
        raise TrialFailed(
            "unreachable", camera_fault_text(CameraUnreachable(f"{address.host}:{port}", "", why))
        ) from None
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    return True


async def require_local(address: CameraAddress, network: Network) -> None:
    """Refuse to sign in unencrypted beyond the declared networks, wherever a name leads (O5). Raises TrialFailed."""
    if address.encrypted:
        return
    try:
        found = await resolve(address.host, address.port or 0)
    except OSError:
        raise TrialFailed("unreachable", f"The name {address.host} is not known.") from None
    outside = [ip for ip in found if not may_travel_unencrypted(ip, network.local_networks, network.vpn)]
    if outside:
        raise TrialFailed(
            "untrusted",
            f"{address.host} leads to {', '.join(outside)}, outside network.local_networks: use an encrypted address, "
            "declare the network, or name the VPN in network.vpn.",
        )


async def try_camera(
    address: CameraAddress, user: str | None, password: str, fingerprint: str, profile: str | None = None
) -> Trial:
    """Ask a camera what it is and offers. `fingerprint`: 64 digits, or "". Raises TrialFailed."""
    if address.scheme in ("http", "https"):
        return await _try_onvif(Access(address.url, user, password, fingerprint), profile)
    return await _try_stream(address, user, password, fingerprint)


async def _try_onvif(access: Access, profile: str | None) -> Trial:
    told = await _inspected(InspectionOrder(access, profile))
    if told.unanswered is not None:
        raise TrialFailed(told.unanswered.state.value, told.unanswered.detail)
    answer = told.found
    if answer is None:
        raise TrialFailed("unsuitable", f"The camera at {access.url} told nothing.")
    if answer.proposal is None:
        sentence = answer.oddities[-1] if answer.oddities else "The camera offers nothing that can be recorded."
        raise TrialFailed("unsuitable", sentence)
    information = answer.information
    trial = Trial(
        profiles=_profiles(answer),
        proposed=answer.proposal.profile.token,
        why=answer.proposal.why.value,
        endpoint_id=answer.endpoint_id,
        clock_offset_ms=answer.clock.offset_ms,
        sign_in=answer.sign_in_method,
        oddities=answer.oddities,
    )
    if information is None:
        return trial
    return replace(
        trial,
        vendor=information.manufacturer,
        model=information.model,
        firmware=information.firmware,
        serial=information.serial,
    )


async def _inspected(order: InspectionOrder) -> InspectionAnswer:
    """Run the inspector to its end. Raises TrialFailed."""
    try:
        child = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES_MOST
        )
    except OSError as error:
        raise TrialFailed("no-process", f"No process could be started ({error.strerror}).") from None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            written, _ = await child.communicate(encode(order))
    except TimeoutError:
        seconds = f"{ANSWER_SECONDS:g} s"
        detail = f"The camera at {order.access.url} held the question for {seconds}; it was given up."
        raise TrialFailed("unreachable", detail) from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    try:
        return parse_answer(written[:LINE_BYTES_MOST])
    except InspectionGarbled:
        raise TrialFailed("unsuitable", f"Asking the camera at {order.access.url} ended the inspector.") from None


def _profiles(answer: CameraInspection) -> tuple[OfferedProfile, ...]:
    offered = []
    for profile in answer.profiles:
        video = profile.video
        offered.append(
            OfferedProfile(
                token=profile.token,
                name=profile.name,
                codec=video.encoding if video is not None else "",
                width=video.width if video is not None else None,
                height=video.height if video is not None else None,
                frames_per_second=video.frames_per_second if video is not None else None,
                bitrate_kbps=video.bitrate_kbps if video is not None else None,
                audio={AudioFact.ABSENT: False, AudioFact.CONFIGURED: True}.get(profile.audio),
                audio_encoding=profile.audio_encoding,
                usable=video is not None and video.encoding in ("H264", "H265"),
            )
        )
    return tuple(offered)


async def _try_stream(address: CameraAddress, user: str | None, password: str, fingerprint: str) -> Trial:
    trust = TlsTrust(bytes.fromhex(fingerprint)) if fingerprint else TlsTrust()
    credentials = Credentials(user, password) if user is not None else None
    options = RtspOptions(parse_stream_url(address.url)[0], credentials, trust)
    try:
        described, _ = await describe(options, boot_ns=SystemClock().boot_ns)
    except SourceEnded as ended:
        raise TrialFailed(_REASONS.get(ended.reason, "unsuitable"), _sentence(address, ended)) from None
    offered = ", ".join(described.audio_offered)
    profile = OfferedProfile(
        "", address.url, described.codec.value.upper(), None, None, None, None, bool(offered), offered, usable=True
    )
    return Trial((profile,), "", "only", model=described.server)


_REASONS = {
    EndReason.UNREACHABLE: "unreachable",
    EndReason.VANISHED: "unreachable",
    EndReason.STALLED: "unreachable",
    EndReason.REFUSED: "refused",
    EndReason.UNTRUSTED: "untrusted",
}


def _sentence(address: CameraAddress, ended: SourceEnded) -> str:
    camera = f"{address.host}:{address.port}" if address.port else address.host
    if ended.reason is EndReason.UNTRUSTED:
        return str(CertificateUntrusted(camera, "RTSPS", ended.detail))
    return f"The camera at {camera} cannot be taken like this: {ended.detail}."
