"""R3 on the wire: a packet capture of the loopback interface while the recorder records a camera that offers sound."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.wire import directions, interleaved, requests
from tests.nvr.capture.test_gstreamer import gstreamer
from tests.peers import require_gstreamer_rtsp, require_program, require_root

VIDEO_PAYLOAD_TYPE = 96
SOUND_PAYLOAD_TYPE = 97


@pytest.mark.root
@pytest.mark.parametrize("audio", ["pcmu", "aac"])
async def test_exactly_one_setup_and_no_byte_of_sound(tmp_path: Path, audio: str) -> None:
    """GStreamer offers sound; on the wire: DESCRIBE, one SETUP, PLAY, and nothing but video packets."""
    require_root()
    tcpdump, python = require_program("tcpdump"), require_gstreamer_rtsp()
    capture = tmp_path / "wire.pcap"
    async with gstreamer(python, Path("live"), Codec.H264, audio) as (port, log):
        command = [tcpdump, "-Z", "root", "-i", "lo", "-U", "-w", str(capture), "-B", "65536", f"tcp port {port}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as dump:
            assert dump.stderr is not None
            assert "listening" in (await asyncio.to_thread(dump.stderr.readline)).decode()
            site = Installation(tmp_path / "site", [CameraAt("gate", f"rtsp://127.0.0.1:{port}/cam")], "300 MiB").make()
            site.start()
            try:
                await site.until_recording()
                await asyncio.sleep(3)
                figures = (await site.recorder.statistics()).cameras[0]
            finally:
                site.stop()
                dump.terminate()
    found = directions(capture)
    asked = [method for direction in found if direction.to_port == port for method in requests(direction)]
    played = [frame for direction in found if direction.from_port == port for frame in interleaved(direction)]
    assert [method for method in asked if method in {"DESCRIBE", "SETUP", "PLAY"}] == ["DESCRIBE", "SETUP", "PLAY"]
    assert [line.split()[0] for line in log].count("SETUP") == 1
    assert {channel for channel, _ in played} <= {0, 1}
    assert {payload[1] & 127 for channel, payload in played if channel == 0} == {VIDEO_PAYLOAD_TYPE}
    assert len(played) > 60
    assert figures.audio_offered
    assert figures.audio_setups == 0


@pytest.mark.root
@pytest.mark.parametrize(("audio", "setups"), [("aac", 2), ("pcmu", 1)])
async def test_with_a_written_decision_exactly_two_setups_and_only_for_aac(
    tmp_path: Path, audio: str, setups: int
) -> None:
    """By decision AAC comes on channels 2 and 3, one SETUP more; another codec is not asked for all the same."""
    require_root()
    tcpdump, python = require_program("tcpdump"), require_gstreamer_rtsp()
    capture = tmp_path / "wire.pcap"
    async with gstreamer(python, Path("live"), Codec.H264, audio) as (port, log):
        command = [tcpdump, "-Z", "root", "-i", "lo", "-U", "-w", str(capture), "-B", "65536", f"tcp port {port}"]
        camera = CameraAt("gate", f"rtsp://127.0.0.1:{port}/cam", decision="mayor Yamada")
        with subprocess.Popen(command, stderr=subprocess.PIPE) as dump:
            assert dump.stderr is not None
            assert "listening" in (await asyncio.to_thread(dump.stderr.readline)).decode()
            site = Installation(tmp_path / "site", [camera], "300 MiB").make()
            site.start()
            try:
                await site.until_recording()
                await asyncio.sleep(3)
            finally:
                site.stop()
                dump.terminate()
    found = directions(capture)
    asked = [method for direction in found if direction.to_port == port for method in requests(direction)]
    played = [frame for direction in found if direction.from_port == port for frame in interleaved(direction)]
    wanted = ["DESCRIBE", *["SETUP"] * setups, "PLAY"]
    assert [method for method in asked if method in {"DESCRIBE", "SETUP", "PLAY"}] == wanted
    assert [line.split()[0] for line in log].count("SETUP") == setups
    assert {channel for channel, _ in played} <= set(range(2 * setups))
    types = {channel: {payload[1] & 127 for at, payload in played if at == channel} for channel in (0, 2)}
    assert types == {0: {VIDEO_PAYLOAD_TYPE}, 2: {SOUND_PAYLOAD_TYPE} if setups == 2 else set()}
