"""The inquirer: a short-lived process that asks cameras, so that what they answer is parsed where it can do no harm.

It reads inquiries from standard input, writes replies to standard output, and ends when its input does. The SOAP
library lives here only: between two rounds of asking nobody keeps its 40 MB in memory, and an answer that holds or
breaks the parser costs this process and nothing else. This module must not know configuration or the recorder.
"""

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from kuramori.camera_fault_texts import camera_fault_text
from kuramori.door.inquiry import (
    LINE_LIMIT_BYTES,
    CameraLook,
    CardAnswer,
    CardQuestion,
    Description,
    Inquiry,
    Look,
    Reply,
    Unanswered,
    decode_inquiry,
    encode,
)
from kuramori.door_messages import CardStretch, DoorCameraState
from kuramori.process import end_with_parent
from kuramori.timebase import SystemClock
from kuramori_onvif.card_models import CardReport
from kuramori_onvif.card_search import find_recordings, replay_uri
from kuramori_onvif.device import Device
from kuramori_onvif.edge_storage import inspect_card
from kuramori_onvif.errors import (
    CameraUnreachable,
    CertificateUntrusted,
    CredentialsMissing,
    CredentialsRefused,
    DeadlineExceeded,
    OnvifError,
)
from kuramori_onvif.event_states import EventStates
from kuramori_onvif.transport import peer_fingerprint

ADDRESS_SPACE_BYTES = 1 << 30
STRETCHES_MOST = 1024  # of a card; the latest
PROBLEMS_MOST = 8
_HOPELESS = (CameraUnreachable, DeadlineExceeded, CredentialsMissing, CredentialsRefused, CertificateUntrusted)

Answer = TypeVar("Answer")


async def inquire(inquiry: Inquiry, utc_ms: Callable[[], int]) -> Reply:
    """Ask one camera. Every failure is a reply.

    A camera without a known certificate is known by the one that it shows now, before anything is sent to it.
    """
    access, first_seen = inquiry.access, ""
    try:
        if access.is_first_use:
            first_seen = (await peer_fingerprint(access.url)).hex()
            access = replace(access, fingerprint=first_seen)
        async with access.device(utc_ms) as device:
            if inquiry.card is not None:
                return Reply(card=await what_the_card_has(device, inquiry.card), certificate=first_seen)
            if inquiry.look is not None:
                return Reply(look=await look(device, inquiry.look), certificate=first_seen)
            wanted = inquiry.description or Description()
            found = await device.describe(
                wanted.profile,
                may_make_profile=wanted.changes.make,
                may_edit_profile=wanted.changes.edit,
                shun_made=wanted.changes.shun_made,
            )
            return Reply(description=found, certificate=first_seen)
    except OnvifError as error:
        return Reply(unanswered=unanswered(error), certificate=first_seen)


async def look(device: Device, wanted: Look) -> CameraLook:
    """Ask masks, time servers and card; what the camera does not answer costs only itself. Raises OnvifError."""
    problems: list[str] = []

    async def told(question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        try:
            return await question()
        except _HOPELESS:
            raise
        except OnvifError as error:
            problems.append(camera_fault_text(error))
            return None

    await device.clock()  # what the sign-in is dated with
    masks = await told(device.privacy_masks)
    ntp = network_time = None
    server = wanted.ntp_server
    if server is not None:
        ntp = await told(lambda: device.set_network_time(server))
    else:
        network_time = await told(device.network_time)
    card = await told(lambda: inspect_card(device, EventStates(wanted.states), wanted.earlier))
    return CameraLook(
        masks=masks.on if masks is not None else None,
        ntp=ntp,
        network_time=network_time,
        card=card or CardReport(),
        problems=tuple(problems),
    )


async def what_the_card_has(device: Device, wanted: CardQuestion) -> CardAnswer:
    """Ask for recordings and where each is replayed; one that is not replayed costs only itself. Raises OnvifError."""
    await device.clock()  # what the sign-in is dated with
    stretches: list[CardStretch] = []
    problems: list[str] = []
    for recording in await find_recordings(device, wanted.from_camera_utc_ms, wanted.to_camera_utc_ms):
        try:
            address = await replay_uri(device, recording.token)
        except _HOPELESS:
            raise
        except OnvifError as error:
            problems.append(camera_fault_text(error))
            continue
        stretches += [
            CardStretch(recording.token, address.uri, span.from_utc_ms, span.until_utc_ms, recording.spans_exact)
            for span in recording.spans
        ]
        if len(stretches) >= STRETCHES_MOST:
            break
    return CardAnswer(tuple(stretches[-STRETCHES_MOST:]), tuple(problems[:PROBLEMS_MOST]))


def unanswered(error: OnvifError) -> Unanswered:
    """Return the state of a camera that failed in this way, with the sentence for the operator."""
    untrusted = error.presented if isinstance(error, CertificateUntrusted) else ""
    return Unanswered(_state(error), camera_fault_text(error), untrusted)


def _state(error: OnvifError) -> DoorCameraState:
    match error:
        case CameraUnreachable() | DeadlineExceeded():
            return DoorCameraState.UNREACHABLE
        case CredentialsMissing() | CredentialsRefused() | CertificateUntrusted():
            return DoorCameraState.REFUSED
        case _:
            return DoorCameraState.UNSUITABLE


async def main() -> None:
    """Answer until standard input ends; inquiries run side by side."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_LIMIT_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    utc_ms = SystemClock().utc_ms

    async def answer(line: bytes) -> None:
        number, inquiry = decode_inquiry(line)
        sys.stdout.buffer.write(encode(number, await inquire(inquiry, utc_ms)))
        sys.stdout.buffer.flush()

    async with asyncio.TaskGroup() as running:
        while line := await reader.readline():
            running.create_task(answer(line))


if __name__ == "__main__":
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    asyncio.run(main())
