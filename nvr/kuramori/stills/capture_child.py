"""The capture child: opens one camera's stream as the recorder would, hands over its first key frame, and ends.

    python -m kuramori.stills.capture_child         order on standard input, key frame on standard output

It decodes nothing and writes no file. The password is read here, from where the configuration says, so that the desk
never has it. This module must not know pictures, the desk or the register.
"""

import asyncio
import contextlib
import os
import resource
import sys
from pathlib import Path

from kuramori.camera_sources import CameraSources, StreamBook
from kuramori.capture.source import AccessUnit, AudioFrame, SenderReport, SourceEnded
from kuramori.certificate_book import CertificateBook
from kuramori.places import Places
from kuramori.process import end_with_parent
from kuramori.stills.still_wire import (
    LINE_BYTES_MOST,
    KeyFrame,
    StillFailed,
    StillOrder,
    encode_failure,
    encode_frame,
    parse_order,
)
from kuramori.timebase import SystemClock
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration

KEY_FRAME_SECONDS = 20.0  # cameras with one key frame in ten seconds exist
DRAIN_SECONDS = 0.05
ADDRESS_SPACE_BYTES = 2 << 30


class FirstKeyFrame:
    """A sink that keeps the first whole key frame, and the parameter sets that came before it."""

    def __init__(self) -> None:
        self.parameter_sets: tuple[bytes, ...] = ()
        self.payload: bytes | None = None

    def on_access_unit(self, unit: AccessUnit) -> None:
        """See the contract in `source`."""
        if self.payload is None and unit.is_key and not unit.damaged:
            self.payload = bytes(unit.payload)

    def on_audio_frame(self, frame: AudioFrame) -> None:
        """Let it go."""

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """See the contract in `source`."""
        if self.payload is None:
            self.parameter_sets = parameter_sets

    def on_sender_report(self, report: SenderReport) -> None:
        """Let it go."""


async def capture(order: StillOrder) -> KeyFrame:
    """Return the first key frame of a camera. Raises StillFailed."""
    try:
        configuration = await asyncio.to_thread(load_configuration, Path(order.config))
    except ConfigurationFault:
        raise StillFailed("configuration", "the configuration cannot be used") from None
    table = configuration.camera_named(order.camera)
    if table is None:
        raise StillFailed("configuration", "the camera is not in the configuration")
    places = Places.of(configuration)
    book = StreamBook(places.streams)
    clock = SystemClock()
    certificates = CertificateBook(places.stream_certificates, clock.utc_ms, writes=False)
    sources = CameraSources(
        configuration.recorder, configuration.network, places.secrets, book, certificates, clock.boot_ns
    )
    factory = sources.factory_for(table.model_copy(update={"audio": None}))  # a picture needs no sound
    if factory is None:
        raise StillFailed("unknown-address", "the camera has not been found on the network yet")
    sink = FirstKeyFrame()
    source = factory(sink)
    try:
        async with asyncio.timeout(KEY_FRAME_SECONDS):
            description = await source.open()
            sink.parameter_sets = sink.parameter_sets or description.parameter_sets
            ended = asyncio.create_task(source.ended())
            while sink.payload is None and not ended.done():
                source.drain()
                await asyncio.wait({ended}, timeout=DRAIN_SECONDS)
            if sink.payload is None:
                raise ended.result()
            ended.cancel()
    except TimeoutError:
        raise StillFailed("no-key-frame", f"no key frame came within {KEY_FRAME_SECONDS:g} s") from None
    except SourceEnded as over:
        raise StillFailed(over.reason.value, over.detail) from None
    finally:
        await source.close()
    return KeyFrame(description.codec, sink.parameter_sets, sink.payload)


def main() -> None:
    """Do one order."""
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError):  # a lower limit was set from outside
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    try:
        answer = encode_frame(asyncio.run(capture(parse_order(sys.stdin.buffer.readline(LINE_BYTES_MOST)))))
    except StillFailed as failed:
        answer = encode_failure(failed)
    view = memoryview(answer)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


if __name__ == "__main__":
    main()
