"""Sound beside the video on one connection: what arrives, what is lost, and that the pictures never suffer."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.audio_offer import AudioOffer
from kuramori.capture.audio_receiver import AudioReceiver
from kuramori.capture.sdp import VideoOffer
from kuramori.capture.source import AudioDescription, Codec, SourceStatistics
from kuramori.capture.video_receiver import MAX_REJECTED_IN_A_ROW, VideoReceiver
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.rtp_wire import ReceivingEnd, packet
from tests.fakes.sound import aac_fragments, aac_payload

OFFER = AudioOffer(97, 1024, "sound", AudioDescription(16_000, 16_000, 1, b"\x14\x08"))
IDR = b"\x65\x88" + b"picture" * 10


def both() -> ReceivingEnd:
    """A receiver of H.264 on channels 0 and 1 and of sound on 2 and 3."""
    sink, statistics = RecordingSink(), SourceStatistics()
    audio = AudioReceiver(OFFER, 2, 3, sink, statistics)
    video = VideoReceiver(VideoOffer(Codec.H264, 96, frozenset(), 90_000, (), None), 0, 1, sink, statistics, audio)
    return ReceivingEnd(video, sink, statistics)


def heard(payload: bytes, sequence: int, timestamp: int, **changes: int) -> bytes:
    """One packet of sound."""
    how: dict[str, int] = {"channel": 2, "payload_type": 97, "ssrc": 9} | changes
    return packet(payload, sequence, timestamp, marker=True, **how)  # type: ignore[arg-type]


def seen(sequence: int, timestamp: int) -> bytes:
    """One packet with a whole key frame."""
    return packet(IDR, sequence, timestamp, marker=True)


def test_frames_and_pictures_come_from_one_connection() -> None:
    """Two frames of a packet lie a frame apart; all of it was taken before the packet's end."""
    end = both()
    end.feed(seen(1, 0) + heard(aac_payload(b"one", b"two"), 70, 5000) + seen(2, 3000), arrival_boot_ns=77)
    assert [unit.nals for unit in end.sink.units] == [(IDR,), (IDR,)]
    first, second = end.sink.sound
    assert (first.payload, second.payload) == (b"one", b"two")
    assert second.rtp_time - first.rtp_time == second.packet_end_rtp_time - second.rtp_time == 1024
    assert first.rtp_time & 0xFFFFFFFF == 5000
    assert {frame.arrival_boot_ns for frame in end.sink.sound} == {77}
    assert end.statistics.rejected_packets == end.statistics.lost_packets == 0


def test_lost_sound_is_counted_apart_from_lost_video() -> None:
    """Missing packets are told with the next frame; a frame in pieces with a hole is left out."""
    end = both()
    pieces = aac_fragments(b"x" * 30, 10)
    for payload, sequence in ((aac_payload(b"a"), 65_535), (aac_payload(b"b"), 3), (pieces[0], 4), (pieces[2], 6)):
        end.feed(heard(payload, sequence, sequence * 1024))
    end.feed(heard(aac_payload(b"c"), 7, 7168) + heard(aac_payload(b"c"), 7, 7168))
    end.feed(heard(aac_payload(b"d"), 8, 8192))
    told = [(frame.payload, frame.lost_packets) for frame in end.sink.sound]
    assert told == [(b"a", 0), (b"b", 3), (b"c", 1), (b"d", 0)]
    assert end.statistics.rejected_audio_packets == 1
    assert end.statistics.lost_audio_packets == 4
    assert end.statistics.lost_packets == 0


def test_time_never_wraps() -> None:
    """The time stamp passes 2^32 and goes on."""
    end = both()
    for number in range(4):
        end.feed(heard(aac_payload(b"x"), number, (1 << 32) - 2048 + number * 1024))
    times = [frame.rtp_time for frame in end.sink.sound]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {1024}


def test_rubbish_on_the_channel_of_sound_leaves_the_video_alone() -> None:
    """However much of it: it is counted, and the pictures go on."""
    end = both()
    for number in range(2 * MAX_REJECTED_IN_A_ROW):
        end.feed(heard(b"\xff" * 9, number, 0) + heard(b"x", number, 0, payload_type=0))
    end.feed(seen(1, 0))
    assert end.receiver.trouble is None
    assert len(end.sink.units) == 1
    assert end.sink.sound == []
    assert end.statistics.rejected_audio_packets == 4 * MAX_REJECTED_IN_A_ROW
    assert end.statistics.rejected_packets == 0


def test_its_rtcp_is_passed_over_and_other_channels_are_rejected() -> None:
    """Channel 3 is the sound's own; channel 4 nobody asked for."""
    end = both()
    end.feed(packet(b"report", 1, 1, channel=3) + packet(b"?", 1, 1, channel=4))
    assert end.statistics.rejected_packets == 1


@given(st.lists(st.binary(max_size=40) | st.sampled_from([aac_payload(b"x"), aac_fragments(b"abc", 1)[0]]), max_size=9))
def test_any_bytes_on_the_channel_give_frames_or_nothing(payloads: list[bytes]) -> None:
    """Raw bytes where RTP belongs, and payloads of any kind: no exception, and the next picture is whole."""
    end = both()
    for number, payload in enumerate(payloads):
        end.feed(b"$\x02" + len(payload).to_bytes(2, "big") + payload + heard(payload, number, number * 1024))
    end.feed(seen(1, 0))
    assert [unit.nals for unit in end.sink.units] == [(IDR,)]
