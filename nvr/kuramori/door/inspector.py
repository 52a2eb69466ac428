"""The inspector: a process that asks one camera what there is to choose from, before it is in service, and ends.

    python -m kuramori.door.inspector        access on standard input, what was found on standard output

Like the inquirer it lives alone, because it parses what a stranger answers; nothing is changed in the camera. This
module must not know configuration, the service or who asks.
"""

import asyncio
import json
import resource
import sys
from dataclasses import dataclass

from kuramori.door.camera_access import Access
from kuramori.door.inquirer import ADDRESS_SPACE_BYTES, unanswered
from kuramori.door.inquiry import Unanswered
from kuramori.process import end_with_parent
from kuramori.timebase import SystemClock
from kuramori.wire import WireInvalid, from_plain, to_plain
from kuramori_onvif.camera_description import CameraInspection
from kuramori_onvif.errors import OnvifError

LINE_BYTES_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class InspectionOrder:
    """Ask the camera that is reached so; `profile`: one that is wanted, by token or name."""

    access: Access
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class InspectionAnswer:
    """One of the two."""

    found: CameraInspection | None = None
    unanswered: Unanswered | None = None


class InspectionGarbled(ValueError):
    """A line is neither order nor answer."""


def encode(value: InspectionOrder | InspectionAnswer) -> bytes:
    """Return the line of an order or an answer."""
    return json.dumps(to_plain(value), ensure_ascii=False).encode() + b"\n"


def parse_order(line: bytes) -> InspectionOrder:
    """Return the order of a line. Raises InspectionGarbled."""
    try:
        return from_plain(InspectionOrder, json.loads(line))
    except (ValueError, RecursionError, WireInvalid):
        raise InspectionGarbled from None


def parse_answer(line: bytes) -> InspectionAnswer:
    """Return the answer of a line: one of the two is there. Raises InspectionGarbled."""
    try:
        answer = from_plain(InspectionAnswer, json.loads(line))
    except (ValueError, RecursionError, WireInvalid):
        raise InspectionGarbled from None
    if (answer.found is None) is (answer.unanswered is None):
        raise InspectionGarbled
    return answer


async def inspect(order: InspectionOrder) -> InspectionAnswer:
    """Ask one camera. Every failure is an answer."""
    try:
        async with order.access.device(SystemClock().utc_ms) as device:
            return InspectionAnswer(found=await device.inspect(order.profile))
    except OnvifError as error:
        return InspectionAnswer(unanswered=unanswered(error))


def main() -> None:
    """Do one order."""
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    order = parse_order(sys.stdin.buffer.readline(LINE_BYTES_MOST))
    sys.stdout.buffer.write(encode(asyncio.run(inspect(order))))


if __name__ == "__main__":
    main()
