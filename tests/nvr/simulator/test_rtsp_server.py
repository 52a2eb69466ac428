"""The simulated camera against a client that nobody here wrote, and its own figures."""

import asyncio
import socket
from dataclasses import replace

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.source import Codec
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.material import Packetising, rtp_payloads, synthetic_material
from kuramori.simulator.nal_units import access_units, is_picture, split_annexb
from kuramori.simulator.rtsp_dialogue import MAX_REQUEST_BYTES, NotRtsp, RequestReader
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.fakes.clips import clip, clip_units
from tests.fakes.rtsp_camera import ACCOUNT, clip_material, running_camera


def watch(url: str, transport: str, packets: int) -> tuple[list[str], int, int]:
    """Play with FFmpeg: kinds of the streams, pictures decoded, audio packets met."""
    with av.open(url, options={"rtsp_transport": transport}) as container:
        kinds, pictures, sounds = [stream.type for stream in container.streams], 0, 0
        for count, packet in enumerate(container.demux(), 1):
            if packet.stream.type == "video":
                pictures += len(packet.decode())
            else:
                sounds += 1
            if count >= packets:
                break
        return kinds, pictures, sounds


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("codec", "b_frames", "audio"),
    [(Codec.H264, 2, AudioKind.AAC), (Codec.H265, 0, AudioKind.PCMU)],
    ids=["h264-aac", "h265-pcmu"],
)
async def test_ffmpeg_plays_it(transport: str, codec: Codec, b_frames: int, audio: AudioKind) -> None:
    """Both tracks, both transports, with a password; every picture decodes."""
    mount = Mount("/cam", clip_material(codec, b_frames), audio, ACCOUNT)
    async with running_camera(mount) as server:
        url = server.url("/cam").replace("://", "://viewer:correct%20horse@")
        kinds, pictures, sounds = await asyncio.to_thread(watch, url, transport, 60)
        assert kinds == ["video", "audio"]
        assert pictures + sounds >= 60 - 6  # the decoder keeps a few pictures back
        assert min(pictures, sounds) > 10
        statistics = server.statistics
        assert (statistics.video_setups, statistics.audio_setups, statistics.sessions) == (1, 1, 1)
        assert statistics.packets_withheld == 0


async def ask(server: RtspServer, *requests: str) -> list[int]:
    """Send requests one by one over one connection and return the statuses."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    statuses = []
    for number, request in enumerate(requests):
        method, _, rest = request.partition(" ")
        path, _, headers = rest.partition(" ")
        extra = f"{headers}\r\n" if headers else ""
        writer.write(f"{method} {server.url(path)} RTSP/1.0\r\nCSeq: {number}\r\n{extra}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        statuses.append(int(head.split()[1]))
        length = [line for line in head.split("\r\n") if line.lower().startswith("content-length:")]
        await reader.readexactly(int(length[0].split(":")[1]) if length else 0)
    writer.close()
    await writer.wait_closed()
    return statuses


async def test_what_is_not_allowed_is_refused() -> None:
    """No password, no such stream, no session, no transport, no audio where there is none."""
    open_mount = Mount("/open", clip_material(Codec.H264))
    locked = Mount("/locked", clip_material(Codec.H264), account=ACCOUNT)
    async with running_camera(open_mount, locked) as server:
        statuses = await ask(
            server,
            "OPTIONS /locked",
            "DESCRIBE /locked",
            "DESCRIBE /none",
            "DESCRIBE /open",
            "PLAY /open Session: 1",
            "SETUP /open/track0 Transport: RTP/AVP/MULTICAST",
            "SETUP /open/track1 Transport: RTP/AVP/TCP;interleaved=0-1",
            "RECORD /open",
        )
        assert statuses == [200, 401, 404, 200, 454, 461, 404, 454]
        assert [request.status for request in server.requests] == statuses


async def test_a_client_that_does_not_read_loses_frames_and_costs_no_memory() -> None:
    """Like a camera, it drops whole frames and goes on numbering."""
    material = synthetic_material(Codec.H264, bits_per_second=100_000_000, frames_per_second=100, gop_frames=10)
    async with running_camera(Mount("/cam", material)) as server:
        client = socket.create_connection((server.host, server.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        url = server.url("/cam")
        transport = "Transport: RTP/AVP/TCP;interleaved=0-1"
        await loop.sock_sendall(client, f"SETUP {url}/track0 RTSP/1.0\r\nCSeq: 1\r\n{transport}\r\n\r\n".encode())
        answer = (await loop.sock_recv(client, 4096)).decode()
        session = answer.partition("Session: ")[2].partition(";")[0]
        await loop.sock_sendall(client, f"PLAY {url} RTSP/1.0\r\nCSeq: 2\r\nSession: {session}\r\n\r\n".encode())
        while server.statistics.frames_dropped < 5:
            await asyncio.sleep(0.01)
        assert server.statistics.packets_withheld > 0
        assert next(iter(server.connections)).waiting_bytes < 4_000_000
        client.close()
        while server.statistics.playing:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("codec", list(Codec))
def test_synthetic_material_has_the_rate_that_was_asked_for(codec: Codec) -> None:
    """Within three per cent, with key frames where they belong."""
    material = synthetic_material(codec, bits_per_second=4_000_000, frames_per_second=25, gop_frames=50)
    assert material.bits_per_second == pytest.approx(4_000_000, rel=0.03)
    assert [index for index, frame in enumerate(material.frames) if frame.is_key] == [0, 50]
    assert material.packets_per_second == pytest.approx(4_000_000 / 8 / 1400, rel=0.1)


@given(st.lists(st.binary(min_size=1, max_size=4000), min_size=1, max_size=6), st.integers(10, 1400))
def test_no_packet_is_larger_than_asked(bodies: list[bytes], mtu_bytes: int) -> None:
    """With and without aggregation."""
    nals = [b"\x41" + body for body in bodies]
    for aggregate in (False, True):
        how = Packetising(mtu_bytes=mtu_bytes, aggregate=aggregate)
        assert all(len(payload) <= mtu_bytes for payload in rtp_payloads(nals, Codec.H264, how))


@pytest.mark.parametrize("codec", list(Codec))
def test_an_encoders_stream_is_cut_into_pictures(codec: Codec) -> None:
    """As many as were encoded, each with at least one slice, nothing left out."""
    its = clip(codec)
    units = clip_units(codec)
    assert len(units) == len(its.presentation) == 60
    assert all(any(is_picture(codec, nal) for nal in unit) for unit in units)
    assert [nal for unit in units for nal in unit] == list(split_annexb(its.stream))
    assert list(access_units(codec, iter([]))) == []


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_requests_or_refused(data: bytes, step: int) -> None:
    """The server outlives its clients."""
    reader = RequestReader()
    try:
        for at in range(0, len(data), step):
            reader.feed(data[at : at + step])
    except NotRtsp:
        return
    with pytest.raises(NotRtsp):
        RequestReader().feed(b"x" * (MAX_REQUEST_BYTES + 1))


async def test_a_mount_can_be_given_another_stream_between_sessions() -> None:
    """The camera was reconfigured."""
    mount = Mount("/cam", clip_material(Codec.H264))
    async with running_camera(mount) as server:
        mount.video = replace(clip_material(Codec.H265), frames_per_second=60)
        kinds, _, _ = await asyncio.to_thread(watch, server.url("/cam"), "tcp", 5)
        assert kinds == ["video"]
        assert "H265" in mount.video.sdp_media("track0")
