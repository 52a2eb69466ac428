"""RTSPS: whom the recorder believes, and that nobody else gets a byte."""

import asyncio
from dataclasses import replace
from pathlib import Path

from kuramori.capture.rtsp_connection import TlsTrust
from kuramori.capture.rtsp_url import parse_stream_url
from kuramori.capture.source import Codec, EndReason
from tests.fakes.certificates import make_certificate
from tests.fakes.clips import clip_units
from tests.fakes.native_source import a_source, opened, refused
from tests.fakes.rtsp_camera import ACCOUNT, HangsUp, Mount, clip_material, fast_material, running_camera


async def test_a_pinned_certificate_is_enough(tmp_path: Path) -> None:
    """Self-signed, whatever name it carries: the fingerprint decides, and the video comes whole."""
    context, fingerprint, _ = make_certificate(tmp_path, "camera")
    units = clip_units(Codec.H264)
    mount = Mount("/cam", replace(clip_material(Codec.H264), frames_per_second=200), account=ACCOUNT, phase=0.0)
    async with running_camera(mount, tls=context) as server:
        assert server.url("/cam").startswith("rtsps://")
        async with opened(server, "/cam", trust=TlsTrust(fingerprint)) as recording:
            await recording.until_units(70)
            taken = [unit.nals for unit in recording.sink.units]
            assert taken == [units[index % len(units)] for index in range(len(taken))]
        while server.requests[-1].method != "TEARDOWN":
            await asyncio.sleep(0.005)


async def test_another_certificate_gets_not_a_byte(tmp_path: Path) -> None:
    """No request, no password; the operator is told the fingerprint that was seen."""
    context, fingerprint, _ = make_certificate(tmp_path, "camera")
    _, other, _ = make_certificate(tmp_path, "other")
    async with running_camera(Mount("/cam", fast_material(), account=ACCOUNT), tls=context) as server:
        ended = await refused(a_source(server, "/cam", trust=TlsTrust(other)))
        assert ended.reason is EndReason.UNTRUSTED
        assert fingerprint.hex() in ended.detail
        assert not server.requests


async def test_a_ca_vouches_for_a_name(tmp_path: Path) -> None:
    """Right CA and name: trusted; wrong name, wrong CA or no CA at all: not."""
    context, _, pem = make_certificate(tmp_path, "camera")
    _, _, other_pem = make_certificate(tmp_path, "other")
    async with running_camera(Mount("/cam", fast_material()), tls=context, host="localhost") as server:
        async with opened(server, "/cam", trust=TlsTrust(ca_file=pem)) as recording:
            await recording.until_units(5)
        by_number, _ = parse_stream_url(f"rtsps://127.0.0.1:{server.port}/cam")
        for changes in (
            {"trust": TlsTrust(ca_file=pem), "url": by_number},
            {"trust": TlsTrust(ca_file=other_pem)},
            {"trust": TlsTrust()},
        ):
            asked = len(server.requests)
            ended = await refused(a_source(server, "/cam", **changes))
            assert ended.reason is EndReason.UNTRUSTED
            assert len(server.requests) == asked


async def test_a_camera_without_tls_is_not_spoken_to(tmp_path: Path) -> None:
    """RTSPS asked, RTSP found."""
    async with running_camera(Mount("/cam", fast_material())) as server:
        url, _ = parse_stream_url(server.url("/cam").replace("rtsp://", "rtsps://"))
        ended = await refused(a_source(server, "/cam", url=url, trust=TlsTrust(bytes(32)), connect_seconds=0.3))
        assert ended.reason in (EndReason.GARBAGE, EndReason.UNREACHABLE)


async def test_a_camera_that_hangs_up_vanishes(tmp_path: Path) -> None:
    """Over TLS as without."""
    context, fingerprint, _ = make_certificate(tmp_path, "camera")
    mount = Mount("/cam", fast_material())
    async with (
        running_camera(mount, tls=context, behaviour=HangsUp(30)) as server,
        opened(server, "/cam", trust=TlsTrust(fingerprint)) as recording,
    ):
        assert (await recording.until_over()).reason is EndReason.VANISHED
