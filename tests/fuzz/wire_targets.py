"""Readers of what cameras send over RTSP and RTP."""

import struct
from collections.abc import Callable

from kuramori.capture.audio_offer import NoSuitableAudio, choose_audio
from kuramori.capture.audio_receiver import AudioReceiver
from kuramori.capture.audio_specific_config import NotAac, read_specific_config
from kuramori.capture.rtcp import parse_rtcp
from kuramori.capture.rtsp_auth import parse_challenges
from kuramori.capture.rtsp_message import RtspMalformed, parse_message
from kuramori.capture.rtsp_url import NotAStreamUrl, parse_stream_url
from kuramori.capture.sdp import NoSuitableVideo, NotADescription, choose_video, parse_session_description
from kuramori.capture.source import Codec, SourceStatistics
from kuramori.capture.video_receiver import VideoReceiver
from kuramori.simulator.material import Packetising, rtp_payloads
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.rtp_wire import PacketWriter, ReceivingEnd, packet, receiving_end
from tests.fakes.sound import aac_fragments, aac_payload
from tests.fuzz.target import Target

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=Media\r\nt=0 0\r\na=control:*\r\na=range:npt=now-\r\n"
    b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=64001f;"
    b"sprop-parameter-sets=Z2QAH6zZQFAFuhAAAAMAEAAAAwPI8YMZYA==,aO+8sA==\r\na=control:trackID=1\r\n"
    b"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\na=fmtp:97 streamtype=5;mode=AAC-hbr;"
    b"config=1408;sizelength=13;indexlength=3;indexdeltalength=3\r\na=control:trackID=2\r\n"
)
SDP_H265 = (
    b"v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n"
    b"a=fmtp:96 sprop-vps=QAEMAf//AWAAAAMAAAMAAAMAAAMAlqwJ;sprop-sps=QgEBAWAAAAMAAAMAAAMAAAMAlqAB4CACHFlRS5K8;"
    b"sprop-pps=RAHBc9GJ\r\na=control:rtsp://127.0.0.1:554/stream/trackID=1\r\nm=audio 0 RTP/AVP 0\r\n"
)
MESSAGES = (
    (
        b'RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm="cam", nonce="a8b1", qop="auth", '
        b'algorithm=SHA-256\r\nWWW-Authenticate: Basic realm="cam"\r\n\r\n'
    ),
    (
        b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession: 12345678;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;"
        b"ssrc=1234ABCD\r\nRTP-Info: url=trackID=1;seq=4711;rtptime=90000\r\n\r\n"
    ),
    b"RTSP/1.0 200 OK\nCSeq: 3\nContent-Length: 3\n\nabc",
    b"ANNOUNCE rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 9\r\nContent-Length: 0\r\n\r\n",
)
CHALLENGES = (
    b'Digest realm="cam", nonce="a8b1", opaque="x", qop="auth,auth-int", algorithm=SHA-256, stale=true',
    b'Basic realm="a,b=c"',
    b'Digest realm=cam,nonce="",algorithm=MD5',
)
URLS = (
    b"rtsp://user:secret@192.168.1.2:554/stream1?a=b",
    b"rtsps://[fe80::1]:322/live",
    b"rtsp://camera.example/h264/ch1/main/av_stream",
)
RTCP = (
    struct.pack(">BBHIQIII", 0x80, 200, 6, 7, 1 << 60, 90_000, 10, 1000),
    struct.pack(">BBHIQIII", 0x80, 200, 6, 7, 1 << 60, 90_000, 10, 1000) + struct.pack(">BBHI", 0x81, 203, 1, 7),
    struct.pack(">BBHI", 0x81, 202, 2, 7) + b"\x01\x03cam\0\0\0",
)


def _interleaved(codec: Codec, units: list[list[bytes]]) -> tuple[bytes, ...]:
    writer = PacketWriter()
    single = b"".join(
        b"".join(writer.unit(rtp_payloads(unit, codec, Packetising(mtu_bytes=120)), 3000 * index))
        for index, unit in enumerate(units)
    )
    reports = struct.pack(">BBH", 0x24, 1, len(RTCP[0])) + RTCP[0]
    return single, single + reports + single, reports + packet(b"\x41\x9a" + bytes(40), 7, 7, marker=True)


H264_UNITS = [
    [
        bytes.fromhex("6742c028da01e0089f9610000003001000000303c8f1832a"),
        bytes.fromhex("68ce0fc8"),
        b"\x65\x88" + b"k" * 500,
    ],
    *([b"\x41\x9a" + bytes([n]) * 300] for n in range(8)),
]
H265_UNITS = [
    [b"\x40\x01" + b"v" * 20, b"\x42\x01" + b"s" * 30, b"\x44\x01" + b"p" * 8, b"\x26\x01\x80" + b"k" * 500],
    *([b"\x02\x01\x80" + bytes([n]) * 300] for n in range(8)),
]


def _receive(codec: Codec) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        end = receiving_end(codec)
        for at in range(0, len(data), 777):
            end.feed(data[at : at + 777])
        end.receiver.finish()
        return end.statistics

    return read


def _heard(data: bytes) -> object:
    sink, statistics = RecordingSink(), SourceStatistics()
    offer = choose_audio(parse_session_description(SDP))
    audio = AudioReceiver(offer, 2, 3, sink, statistics)
    video = VideoReceiver(choose_video(parse_session_description(SDP)), 0, 1, sink, statistics, audio)
    end = ReceivingEnd(video, sink, statistics)
    for at in range(0, len(data), 777):
        end.feed(data[at : at + 777])
    return end.statistics


def _sound() -> bytes:
    payloads = [aac_payload(b"frame" * 20, b"another"), *aac_fragments(b"in pieces" * 30, 100), aac_payload(b"last")]
    return b"".join(
        packet(payload, number, 1024 * number, marker=True, channel=2, payload_type=97)
        for number, payload in enumerate(payloads)
    )


def _describe(data: bytes) -> object:
    return choose_video(parse_session_description(data))


WIRE_TARGETS = (
    Target("RTSP messages", MESSAGES, lambda data: parse_message(data, 0, len(data)), (RtspMalformed,)),
    Target("RTSP challenges", CHALLENGES, lambda data: parse_challenges([data.decode("latin-1")]), ()),
    Target("stream URLs", URLS, lambda data: parse_stream_url(data.decode("latin-1")), (NotAStreamUrl,)),
    Target("session descriptions (SDP)", (SDP, SDP_H265), _describe, (NotADescription, NoSuitableVideo)),
    Target(
        "sound in session descriptions (SDP)",
        (SDP,),
        lambda data: choose_audio(parse_session_description(data)),
        (NotADescription, NoSuitableAudio),
    ),
    Target(
        "AudioSpecificConfig",
        (b"\x14\x08", b"\x2b\x8a\x08\x00", b"\x17\x80\x3e\x80\x08"),
        read_specific_config,
        (NotAac,),
    ),
    Target(
        "RTP of AAC beside H.264, interleaved",
        (_sound(), _sound() + _interleaved(Codec.H264, H264_UNITS)[0]),
        _heard,
        (),
    ),
    Target("RTCP", RTCP, lambda data: list(parse_rtcp(data)), ()),
    Target("RTP of H.264, interleaved", _interleaved(Codec.H264, H264_UNITS), _receive(Codec.H264), ()),
    Target("RTP of H.265, interleaved", _interleaved(Codec.H265, H265_UNITS), _receive(Codec.H265), ()),
)
