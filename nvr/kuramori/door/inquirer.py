"""The inquirer: a short-lived process that asks cameras, so that what they answer is parsed where it can do no harm.

It reads inquiries from standard input, writes replies to standard output, and ends when its input does. The SOAP
library lives here only: between two rounds of asking nobody keeps its 40 MB in memory, and an answer that holds or
breaks the parser costs this process and nothing else. This module must not know configuration or the recorder.
"""

import asyncio
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from kuramori.door.inquiry import LINE_LIMIT_BYTES, Inquiry, Reply, Unanswered, decode_inquiry, encode
from kuramori.door_messages import DoorCameraState
from kuramori.process import end_with_parent
from kuramori.timebase import SystemClock
from kuramori_onvif.device import Credentials, Device, TlsTrust
from kuramori_onvif.errors import (
    CameraUnreachable,
    CertificateUntrusted,
    CredentialsMissing,
    CredentialsRefused,
    DeadlineExceeded,
    OnvifError,
)

ADDRESS_SPACE_BYTES = 1 << 30


async def inquire(inquiry: Inquiry, utc_ms: Callable[[], int]) -> Reply:
    """Ask one camera. Every failure is a reply."""
    credentials = Credentials(inquiry.user, inquiry.password) if inquiry.user is not None else None
    trust = TlsTrust(
        bytes.fromhex(inquiry.fingerprint) if inquiry.fingerprint is not None else None,
        Path(inquiry.authority_file) if inquiry.authority_file is not None else None,
    )
    try:
        async with Device(inquiry.url, credentials, utc_ms=utc_ms, trust=trust) as device:
            return Reply(description=await device.describe(inquiry.profile))
    except OnvifError as error:
        return Reply(unanswered=Unanswered(_state(error), str(error)))


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
