"""What capture costs: CPU per camera-minute over loopback, and of the receiving loop alone.

Run: python -m tests.bench.bench_capture [cameras] [seconds]. The simulated cameras run in a process of their own.
"""

import asyncio
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

from kuramori.capture.rtsp_connection import ReceiveBuffer
from kuramori.capture.rtsp_source import RtspOptions, RtspSource
from kuramori.capture.rtsp_url import parse_stream_url
from kuramori.capture.sdp import VideoOffer
from kuramori.capture.source import AccessUnit, AudioFrame, Codec, SenderReport, SourceStatistics
from kuramori.capture.video_receiver import VideoReceiver
from kuramori.simulator.challenge import Account
from kuramori.simulator.material import VIDEO_PAYLOAD_TYPE, synthetic_material
from kuramori.simulator.rtsp_server import Mount, RtspServer
from kuramori.timebase import SystemClock

PASSWORD = "bench"
SETTLE_SECONDS = 3.0
READ_BYTES = 256 << 10


@dataclass(slots=True)
class CountingSink:
    """Takes everything and keeps nothing."""

    units: int = 0
    octets: int = 0
    lost: int = 0

    def on_access_unit(self, unit: AccessUnit) -> None:
        self.units += 1
        self.octets += len(unit.payload)
        self.lost += unit.lost_packets

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None: ...

    def on_sender_report(self, report: SenderReport) -> None: ...

    def on_audio_frame(self, frame: AudioFrame) -> None: ...


async def serve(cameras: int) -> None:
    """Run the simulated cameras until killed."""
    material = synthetic_material(Codec.H264)
    account = Account("bench", PASSWORD)
    server = RtspServer([Mount(f"/cam{number}", material, account=account) for number in range(cameras)])
    await server.start()
    print(server.port, flush=True)
    await asyncio.Event().wait()


async def record(port: int, cameras: int, seconds: float) -> None:
    """Capture every camera and print what it cost."""
    buffer, clock = ReceiveBuffer(), SystemClock()
    sinks = [CountingSink() for _ in range(cameras)]
    sources = []
    for number, sink in enumerate(sinks):
        url, credentials = parse_stream_url(f"rtsp://bench:{PASSWORD}@127.0.0.1:{port}/cam{number}")
        sources.append(RtspSource(RtspOptions(url, credentials), sink, boot_ns=clock.boot_ns, receive_buffer=buffer))
    began = time.process_time()
    await asyncio.gather(*(source.open() for source in sources))
    print(f"opened {cameras} cameras with {1000 * (time.process_time() - began) / cameras:.2f} ms CPU each")

    async def tick(for_seconds: float) -> None:
        end = time.monotonic() + for_seconds
        while time.monotonic() < end:
            for source in sources:
                source.drain()
            await asyncio.sleep(1.0)

    await tick(SETTLE_SECONDS)
    before = [(source.statistics.rtp_packets, source.statistics.wake_ups) for source in sources]
    octets, cpu, wall = sum(sink.octets for sink in sinks), time.process_time(), time.monotonic()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    await tick(seconds)
    minutes = (time.monotonic() - wall) / 60 * cameras
    after_usage = resource.getrusage(resource.RUSAGE_SELF)
    packets = sum(s.statistics.rtp_packets - b[0] for s, b in zip(sources, before, strict=True))
    wakes = sum(s.statistics.wake_ups - b[1] for s, b in zip(sources, before, strict=True))
    print(
        f"{cameras} cameras: {1000 * (time.process_time() - cpu) / minutes:.1f} ms CPU per camera-minute "
        f"(user {1000 * (after_usage.ru_utime - usage.ru_utime) / minutes:.1f}, "
        f"system {1000 * (after_usage.ru_stime - usage.ru_stime) / minutes:.1f}); "
        f"{packets / minutes:.0f} packets, {(sum(s.octets for s in sinks) - octets) / minutes / 1e6:.1f} MB, "
        f"{wakes / minutes:.0f} reads per camera-minute; lost {sum(sink.lost for sink in sinks)}; "
        f"peak RSS {after_usage.ru_maxrss // 1024} MB"
    )
    await asyncio.gather(*(source.close() for source in sources))


def measure_loop(codec: Codec) -> None:
    """Feed prepared bytes to the receiver, without any socket."""
    material = synthetic_material(codec, gops=4)
    stream, sequence = bytearray(), 65_000
    for index, frame in enumerate(material.frames):
        for offset in frame.offsets:
            frame.wire[offset + 2 : offset + 12] = (
                (sequence & 0xFFFF).to_bytes(2, "big") + (index * 3000).to_bytes(4, "big") + b"SSRC"
            )
            sequence += 1
        stream += frame.wire
    buffer = ReceiveBuffer()
    best = float("inf")
    for _ in range(5):
        statistics = SourceStatistics()
        offer = VideoOffer(codec, VIDEO_PAYLOAD_TYPE, frozenset(), 90_000, (), None)
        receiver = VideoReceiver(offer, 0, 1, CountingSink(), statistics)
        spent, at = 0.0, 0
        while at < len(stream):
            end = min(READ_BYTES, len(stream) - at)
            buffer.view[:end] = stream[at : at + end]  # what the kernel does
            began = time.process_time()
            at += receiver.walk(buffer.data, buffer.view, 0, end, 0)
            spent += time.process_time() - began
        best = min(best, spent)
    minutes = len(material.frames) / material.frames_per_second / 60
    print(f"loop alone, {codec}: {1000 * best / minutes:.1f} ms per camera-minute, "
          f"{1e9 * best / statistics.rtp_packets:.0f} ns per packet")  # fmt: skip


def main() -> None:
    """Measure."""
    cameras = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    if len(sys.argv) > 3:
        asyncio.run(serve(cameras))
        return
    for codec in Codec:
        measure_loop(codec)
    command = [sys.executable, "-m", "tests.bench.bench_capture", str(cameras), "0", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline()) if server.stdout is not None else 0
            asyncio.run(record(port, cameras, seconds))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
