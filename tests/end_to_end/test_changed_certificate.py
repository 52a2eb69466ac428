"""A camera that streams over RTSPS: known by its first certificate, refused with another, accepted by an operator."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.messages import CameraStatus, FailureCode
from kuramori.recorder_client import RecorderRefused
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.end_to_end.installation import PATIENCE_SECONDS, CameraAt, Installation
from tests.fakes.certificates import make_certificate
from tests.fakes.rtsp_camera import ACCOUNT, clip_material


@asynccontextmanager
async def _camera(tls: ssl.SSLContext, port: int = 0) -> AsyncIterator[RtspServer]:
    server = RtspServer((Mount("/cam", clip_material(Codec.H264), account=ACCOUNT),), port=port, tls=tls)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def _until(site: Installation, wanted: Callable[[CameraStatus], bool]) -> CameraStatus:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            (camera,) = (await site.recorder.status()).cameras
            if wanted(camera):
                return camera
            await asyncio.sleep(0.05)


async def test_a_changed_certificate_gets_not_a_byte_until_it_is_accepted(tmp_path: Path) -> None:
    """The first one is pinned. Another one: no request, no password; how to accept it is told."""
    tls, first, _ = make_certificate(tmp_path, "first")
    other_tls, other, _ = make_certificate(tmp_path, "other")
    async with _camera(tls) as server:
        at = CameraAt("gate", server.url("/cam"), user=ACCOUNT.user, password=ACCOUNT.password)
        site = await asyncio.to_thread(Installation(tmp_path / "site", [at], "1 GiB").make)
        site.start()
        await site.until_recording()
        known = await _until(site, lambda camera: camera.certificate is not None)
        assert known.certificate is not None
        assert (known.certificate.pinned, known.certificate.refused) == (first.hex(), "")
    try:
        async with _camera(other_tls, server.port) as changed:
            refused = await _until(site, lambda one: bool(one.certificate and one.certificate.refused))
            assert refused.certificate is not None
            assert refused.certificate.refused == other.hex()
            said = await _until(site, lambda one: "accept-certificate gate" in one.detail)
            assert (said.gap_reason, other.hex() in said.detail) == ("camera_refused", True)
            assert not changed.requests
            with pytest.raises(RecorderRefused) as refusal:
                await site.recorder.accept_certificate("gate", first.hex())
            assert refusal.value.code is FailureCode.CERTIFICATE
            await site.recorder.accept_certificate("gate", f"sha256:{other.hex()}")
            await _until(site, lambda one: one.state == "recording")
        assert other.hex() in site.places.stream_certificates.read_text()
        assert ACCOUNT.password not in site.log_path.read_text()
    finally:
        await asyncio.to_thread(site.stop)
