"""The receiving loop: exact loss, boundaries of pictures, limits, and what a stream may do in the middle."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori.capture.access_unit import INITIAL_BYTES, MAX_UNIT_BYTES, UNITS_BETWEEN_SHRINKS
from kuramori.capture.source import Codec, EndReason
from kuramori.capture.video_receiver import MAX_REJECTED_IN_A_ROW
from kuramori.simulator.material import Packetising, rtp_payloads
from tests.fakes.rtp_wire import SSRC, PacketWriter, ReceivingEnd, packet, pieces, receiving_end

SPS, PPS = bytes.fromhex("6742c028da01e0089f9610000003001000000303c8f1832a"), bytes.fromhex("68ce0fc8")
TIME_ORIGIN = 1 << 32


def picture(number: int, size: int = 40, key: bool = False) -> bytes:
    """An H.264 slice that can be told apart from every other."""
    return (b"\x65\x88" if key else b"\x41\x9a") + number.to_bytes(4, "big") + b"." * size


def units_of(end: ReceivingEnd) -> list[tuple[bytes, ...]]:
    return [unit.nals for unit in end.sink.units]


def sent(units: list[list[bytes]], how: Packetising, sequence: int = 100) -> list[bytes]:
    writer = PacketWriter(sequence, marker=how.marker)
    return [
        one
        for index, unit in enumerate(units)
        for one in writer.unit(rtp_payloads(unit, Codec.H264, how), 3000 * index)
    ]


@given(
    st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=2, max_size=12),
    st.sets(st.integers(0, 200)),
    st.booleans(),
    st.integers(0, 65535),
    st.data(),
)
@settings(deadline=None, max_examples=200)
def test_loss_is_exact_and_nothing_with_a_hole_is_delivered(
    shapes: list[tuple[int, bool]], dropped: set[int], marker: bool, sequence: int, data: st.DataObject
) -> None:
    """Any packets missing: the count is exact, every unit is one that was sent, and a whole one says so."""
    units = [[picture(index, size, key)] for index, (size, key) in enumerate(shapes)]
    packets = sent(units, Packetising(mtu_bytes=60, marker=marker), sequence)
    kept = [index for index in range(len(packets)) if index not in dropped]
    end = receiving_end(Codec.H264)
    stream = b"".join(packets[index] for index in kept)
    for piece in pieces(stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=4))):
        end.feed(piece)
    end.receiver.finish()
    expected = kept[-1] - kept[0] + 1 - len(kept) if kept else 0
    assert end.statistics.lost_packets == expected
    assert end.statistics.rtp_packets == len(kept)
    assert sum(unit.lost_packets for unit in end.sink.units) <= expected
    by_time = {TIME_ORIGIN + 3000 * index: tuple(unit) for index, unit in enumerate(units)}
    for unit in end.sink.units:
        assert unit.nals == by_time[unit.rtp_time]
    whole, position = set(), 0
    for index, unit in enumerate(units):
        count = len(list(rtp_payloads(unit, Codec.H264, Packetising(mtu_bytes=60))))
        if not dropped & set(range(position, position + count)):
            whole.add(TIME_ORIGIN + 3000 * index)
        position += count
    assert {unit.rtp_time for unit in end.sink.units} == whole


def test_a_picture_with_a_missing_slice_is_delivered_as_damaged() -> None:
    """What is left of it is kept, marked, and the loss stands with it."""
    slices = [picture(0, key=True), b"\x65\x40second", b"\x65\x20third"]
    for missing, left in ((0, slices[1:]), (1, [slices[0], slices[2]]), (2, slices[:2])):
        packets = sent([[picture(9)], slices, [picture(1)], [picture(2)]], Packetising())
        del packets[1 + missing]
        end = receiving_end(Codec.H264)
        end.feed(b"".join(packets))
        assert units_of(end) == [(picture(9),), tuple(left), (picture(1),), (picture(2),)]
        assert [unit.damaged for unit in end.sink.units] == [False, True, False, False]
        assert [unit.lost_packets for unit in end.sink.units] == [0, 1, 0, 0]


def test_a_wholly_missing_picture_damages_no_other() -> None:
    """Its packets are counted before the next picture, which is whole."""
    packets = sent([[picture(0)], [picture(1, 300)], [picture(2)]], Packetising(mtu_bytes=60))
    end = receiving_end(Codec.H264)
    end.feed(packets[0] + packets[-1])
    assert [(unit.damaged, unit.lost_packets) for unit in end.sink.units] == [
        (False, 0),
        (False, len(packets) - 2),
    ]


def test_numbers_and_time_wrap_round_in_the_middle_of_a_picture() -> None:
    """Sequence 65535 → 0 within one fragmented unit; time stamps past 2^32."""
    for start in range(65_520, 65_540):
        writer, end = PacketWriter(start % 65_536), receiving_end(Codec.H264)
        units = [[picture(index, 2000)] for index in range(4)]
        for index, unit in enumerate(units):
            payloads = rtp_payloads(unit, Codec.H264, Packetising(mtu_bytes=200))
            end.feed(b"".join(writer.unit(payloads, 2**32 - 6000 + 3000 * index)))
        assert units_of(end) == [tuple(unit) for unit in units]
        assert end.statistics.lost_packets == 0
        times = [unit.rtp_time for unit in end.sink.units]
        assert times == [2 * 2**32 - 6000 + 3000 * index for index in range(4)]


def test_pictures_out_of_display_order_keep_their_own_times() -> None:
    """B-frames: decode order is kept, time steps back."""
    end, writer = receiving_end(Codec.H264), PacketWriter()
    stamps = [0, 9000, 3000, 6000, 18_000, 12_000, 15_000]
    for index, stamp in enumerate(stamps):
        end.feed(b"".join(writer.unit([picture(index)], stamp)))
    assert [unit.rtp_time - TIME_ORIGIN for unit in end.sink.units] == stamps


@pytest.mark.parametrize("marks", [[], [0], [0, 1, 2], [2], [1]])
def test_markers_may_be_missing_or_on_every_packet(marks: list[int]) -> None:
    """However a camera marks its slices, a picture with all of them comes out."""
    end = receiving_end(Codec.H264)
    expected, number = [], 0
    for index in range(6):
        slices = [picture(index), b"\x41\x40two" + bytes([index]), b"\x41\x20three" + bytes([index])]
        expected.append(tuple(slices))
        for position, nal in enumerate(slices):
            end.feed(packet(nal, number, 3000 * index, marker=position in marks))
            number += 1
    end.receiver.finish()
    assert units_of(end)[-4:] == expected[-4:]
    assert [nal for unit in units_of(end) for nal in unit] == [nal for unit in expected for nal in unit]


def test_pictures_are_told_apart_without_marker_and_time() -> None:
    """A camera that sets no marker and one time stamp for everything: the order of NAL units decides."""
    first = [SPS, PPS, b"\x06sei", picture(0, key=True), b"\x65\x40more"]
    second = [b"\x09\xf0", picture(1)]
    third = [picture(2), b"\x41\x40more"]
    end = receiving_end(Codec.H264)
    for number, nal in enumerate(first + second + third):
        end.feed(packet(nal, number, 0))
    end.receiver.finish()
    assert units_of(end) == [tuple(first), tuple(second), tuple(third)]


def test_parameter_sets_before_every_slice_tear_no_picture_apart() -> None:
    """GStreamer does that; only a slice that begins a picture begins one."""
    first = [SPS, PPS, picture(0, key=True), SPS, PPS, b"\x65\x40more"]
    second = [SPS, PPS, picture(1, key=True), SPS, PPS, b"\x65\x40more"]
    for markers in (True, False):
        end = receiving_end(Codec.H264)
        for number, nal in enumerate(first + second):
            marker = markers and number in (5, 11)
            end.feed(packet(nal, number, 0 if number < 6 else 3000 * markers, marker=marker))
        end.receiver.finish()
        assert units_of(end) == [tuple(first), tuple(second)]
        assert end.sink.parameter_sets == [(0, (SPS, PPS))]


def test_parameter_sets_between_pictures_are_told_with_the_one_they_open() -> None:
    """Without marker and time, what stands between two pictures belongs to the second."""
    other = SPS[:-1] + b"\x3a"
    end = receiving_end(Codec.H264, (SPS, PPS))
    for number, nal in enumerate([picture(0), other, picture(1, key=True), picture(2)]):
        end.feed(packet(nal, number, 0))
    end.receiver.finish()
    assert units_of(end) == [(picture(0),), (other, picture(1, key=True)), (picture(2),)]
    assert end.sink.parameter_sets == [(1, (other, PPS))]


def test_parameter_sets_that_change_all_the_time_end_the_stream() -> None:
    """Each change becomes a record; a change now and then is no reason."""
    for pause, ends in ((0, True), (150, False)):
        end, writer = receiving_end(Codec.H264), PacketWriter()
        stamps = iter(range(0, 90_000_000, 3000))
        for change in range(40):
            sps = SPS[:-1] + bytes([change])
            end.feed(b"".join(writer.unit([sps, PPS, picture(0, key=True)], next(stamps))))
            for _ in range(pause):
                end.feed(b"".join(writer.unit([picture(1)], next(stamps))))
        assert (end.receiver.trouble is not None) is ends
        assert len(end.sink.parameter_sets) == (17 if ends else 40)


def test_two_fields_of_one_frame_stay_together() -> None:
    """A camera that marks its frames: two pictures of the same time before the marker are one unit."""
    end = receiving_end(Codec.H264)
    for index in range(4):
        end.feed(packet(picture(2 * index), 2 * index, 3000 * index))
        end.feed(packet(picture(2 * index + 1), 2 * index + 1, 3000 * index, marker=True))
    assert units_of(end)[-3:] == [(picture(2 * i), picture(2 * i + 1)) for i in (1, 2, 3)]


def test_parameter_sets_sent_ahead_join_their_picture() -> None:
    """Under another time stamp, with a marker of their own: some cameras do."""
    end = receiving_end(Codec.H264)
    end.feed(packet(SPS, 1, 0, marker=True) + packet(PPS, 2, 10, marker=True))
    end.feed(packet(picture(0, key=True), 3, 3000, marker=True))
    assert units_of(end) == [(SPS, PPS, picture(0, key=True))]
    assert end.sink.units[0].rtp_time == TIME_ORIGIN + 3000
    assert not end.sink.units[0].damaged


def test_parameter_sets_are_told_when_they_change() -> None:
    """Before the unit that brings them; not when they repeat what the description said."""
    other = SPS[:-1] + b"\x3a"
    end, writer = receiving_end(Codec.H264, (SPS, PPS)), PacketWriter()
    for index, unit in enumerate(
        [[SPS, PPS, picture(0, key=True)], [picture(1)], [other, PPS, picture(2, key=True)], [picture(3)]]
    ):
        end.feed(b"".join(writer.unit(unit, 3000 * index)))
    assert end.sink.parameter_sets == [(2, (other, PPS))]
    fresh, writer = receiving_end(Codec.H264), PacketWriter()
    fresh.feed(b"".join(writer.unit([SPS, PPS, picture(0, key=True)], 0)))
    assert fresh.sink.parameter_sets == [(0, (SPS, PPS))]


def test_arrival_is_when_the_last_byte_came() -> None:
    """Also when only the next picture shows that this one is complete."""
    for marker in (True, False):
        packets = sent([[picture(0, 100)], [picture(1, 100)]], Packetising(mtu_bytes=60, marker=marker))
        end = receiving_end(Codec.H264)
        for moment, one in enumerate(packets, 1):
            end.feed(one, moment)
        assert end.sink.units[0].arrival_boot_ns == len(packets) // 2


def test_joining_in_the_middle_of_a_picture() -> None:
    """The half picture is not delivered, nothing counts as lost or malformed, the next one is whole."""
    packets = sent([[picture(0, 400)], [picture(1, 400)]], Packetising(mtu_bytes=60))
    end = receiving_end(Codec.H264)
    end.feed(b"".join(packets[3:]))
    assert units_of(end) == [(picture(1, 400),)]
    assert not end.sink.units[0].damaged
    assert end.statistics.rejected_packets == end.statistics.lost_packets == 0


def test_a_camera_that_counts_anew_loses_nothing_on_paper() -> None:
    """Another SSRC, or a number far back: what is missing cannot be known, and the next picture is whole."""
    for ssrc in (SSRC, SSRC + 1):
        end = receiving_end(Codec.H264)
        end.feed(packet(picture(0), 20_000, 0, marker=True))
        end.feed(packet(picture(1), 5, 3000, marker=True, ssrc=ssrc))
        end.feed(packet(picture(2), 6, 6000, marker=True, ssrc=ssrc))
        assert units_of(end) == [(picture(0),), (picture(1),), (picture(2),)]
        assert end.statistics.lost_packets == 0


def test_a_repeated_packet_is_left_out() -> None:
    """It would double a slice."""
    one, two = sent([[picture(0)], [picture(1)]], Packetising())
    end = receiving_end(Codec.H264)
    end.feed(one + two + one + two)
    assert units_of(end) == [(picture(0),), (picture(1),)]
    assert end.statistics.rejected_packets == 2


def test_a_giant_is_dropped_and_the_buffer_shrinks_back() -> None:
    """Beyond 8 MiB a unit goes, its packets count as missing before the next, and memory is given back."""
    packets_per_giant = MAX_UNIT_BYTES // 60_000 + 2
    giant = b"\x65\x88" + bytes(60_000 * packets_per_giant)
    packets = sent([[picture(0)], [giant], [picture(2)]], Packetising(mtu_bytes=60_000))
    end = receiving_end(Codec.H264)
    end.feed(b"".join(packets))
    assert units_of(end) == [(picture(0),), (picture(2),)]
    assert end.statistics.dropped_units == 1
    assert end.statistics.lost_packets == 0
    assert end.sink.units[1].lost_packets == len(packets) - 2
    assert not end.sink.units[1].damaged
    unit = end.receiver._unit
    assert unit.capacity_bytes <= MAX_UNIT_BYTES
    writer = PacketWriter(100 + len(packets))
    for index in range(2 * UNITS_BETWEEN_SHRINKS):
        end.feed(b"".join(writer.unit([picture(index)], 9000 + 3000 * index)))
    assert unit.capacity_bytes == INITIAL_BYTES
    assert len(end.sink.units) == 2 + 2 * UNITS_BETWEEN_SHRINKS


def test_pieces_without_end_are_dropped() -> None:
    """A camera that sends ten thousand units and never a picture fills nothing."""
    end, writer = receiving_end(Codec.H264), PacketWriter()
    for index in range(10_000):
        end.feed(b"".join(writer.unit([b"\x06" + bytes(50)], 3000 * index)))
    assert end.sink.units == []
    assert end.receiver._unit.fill <= MAX_UNIT_BYTES
    end.feed(b"".join(writer.unit([picture(1)], 0)))
    end.feed(b"".join(writer.unit([picture(2)], 3000)))
    assert end.sink.units[-1].nals == (picture(2),)


def test_what_nobody_asked_for_is_counted_and_left_out() -> None:
    """Audio pushed on another channel, or as another payload type in the video's channel."""
    end = receiving_end(Codec.H264)
    end.feed(packet(picture(0), 1, 0, marker=True))
    end.feed(packet(b"sound", 1, 0, channel=2) + packet(b"sound", 2, 0, payload_type=0))
    end.feed(packet(picture(1), 2, 3000, marker=True))
    assert units_of(end) == [(picture(0),), (picture(1),)]
    assert end.statistics.rejected_packets == 2


def test_nothing_but_rubbish_ends_the_stream() -> None:
    """After so many packets in a row that fit nothing."""
    end = receiving_end(Codec.H264)
    for number in range(MAX_REJECTED_IN_A_ROW):
        assert end.receiver.trouble is None
        end.feed(packet(b"sound", number, 0, payload_type=0))
    assert end.receiver.trouble is not None
    assert end.receiver.trouble.reason is EndReason.GARBAGE


def test_another_codec_in_mid_stream_ends_it() -> None:
    """A payload type that the description gave to the other codec."""
    end = receiving_end(Codec.H264, other=frozenset({98}))
    end.feed(packet(picture(0), 1, 0, marker=True) + packet(b"\x26\x01\x80", 2, 3000, payload_type=98))
    assert end.receiver.trouble is not None
    assert end.receiver.trouble.reason is EndReason.CODEC_CHANGED


def control(kind: int, ssrc: int, *more: int) -> bytes:
    body = struct.pack(f">{1 + len(more)}I", ssrc, *more)
    packed = struct.pack(">BBH", 0x81 if kind == 203 else 0x80, kind, len(body) // 4) + body
    return struct.pack(">BBH", 0x24, 1, len(packed)) + packed


def test_the_cameras_clock_is_passed_on_in_extended_time() -> None:
    """A sender report between packets, its time just past the wrap; before any packet it is not placed."""
    end = receiving_end(Codec.H264)
    end.feed(control(200, SSRC, 1, 2, 77, 0, 0))
    end.feed(packet(picture(0), 1, 2**32 - 10, marker=True) + control(200, SSRC, 0x11, 0x22, 5, 0, 0), 9)
    (report,) = end.sink.reports
    assert (report.ntp, report.rtp_time, report.arrival_boot_ns) == (0x11_0000_0022, 2 * 2**32 + 5, 9)


def test_a_goodbye_ends_the_stream_and_rubbish_in_rtcp_does_not() -> None:
    """Only one that names the video's sender."""
    end = receiving_end(Codec.H264)
    end.feed(packet(picture(0), 1, 0, marker=True))
    end.feed(b"$\x01\x00\x03abc" + control(203, SSRC + 1))
    assert end.receiver.trouble is None
    end.feed(control(203, SSRC))
    assert end.receiver.trouble is not None
    assert end.receiver.trouble.reason is EndReason.VANISHED


def test_a_receiver_report_tells_the_loss_since_the_last_one() -> None:
    """Nothing before the first sender report; then totals and the share of the last interval."""
    end = receiving_end(Codec.H264)
    end.feed(packet(picture(0), 65_535, 0, marker=True))
    assert end.receiver.reception(0) is None
    end.feed(control(200, SSRC, 3, 4, 77, 0, 0), 1000)
    end.feed(packet(picture(1), 2, 3000, marker=True) + packet(picture(2), 3, 6000, marker=True))
    told = end.receiver.reception(5000)
    assert told is not None
    assert (told.lost_packets, told.fraction_lost) == (2, 256 * 2 // 5)
    assert (told.highest_sequence, told.since_report_ns) == (1 << 16 | 3, 4000)
    again = end.receiver.reception(5000)
    assert again is not None
    assert (again.lost_packets, again.fraction_lost) == (2, 0)


FRAGMENTS = st.builds(
    lambda payload, sequence, stamp, marker, channel, kind: packet(
        payload, sequence, 3000 * stamp, marker=marker, channel=channel, payload_type=kind
    ),
    st.binary(max_size=30).map(lambda body: b"\x7c" + body)
    | st.binary(max_size=30).map(lambda body: b"\x62\x01" + body)
    | st.binary(max_size=30),
    st.integers(0, 8) | st.integers(65_530, 65_535),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([0, 0, 0, 0, 1, 2]),
    st.sampled_from([96, 96, 96, 96, 0, 98]),
)


@pytest.mark.parametrize("codec", list(Codec))
@given(chunks=st.lists(FRAGMENTS | st.binary(max_size=20), max_size=60), cuts=st.lists(st.integers(0, 2000)))
@settings(deadline=None, max_examples=150)
def test_any_bytes_cut_anywhere_give_the_same_and_never_an_error(
    codec: Codec, chunks: list[bytes], cuts: list[int]
) -> None:
    """Hostile streams: what is delivered does not depend on how the bytes were cut."""
    stream = b"".join(chunks)
    whole, cut = receiving_end(codec), receiving_end(codec)
    whole.feed(stream)
    for piece in pieces(stream, cuts):
        cut.feed(piece)
    whole.receiver.finish()
    cut.receiver.finish()
    assert cut.sink.units == whole.sink.units
    assert cut.statistics == whole.statistics
    assert cut.waiting == whole.waiting


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("rubbish", [b"\x7c", b"\x62", b"\xff", b"\x7c\x05", b"\x62\x01"])
def test_rubbish_amid_a_fragmented_unit_breaks_nothing(codec: Codec, rubbish: bytes) -> None:
    """A packet too short for any header, where the next fragment belongs: the next picture is whole."""
    fragment = b"\x7c\x85" if codec is Codec.H264 else b"\x62\x01\x93"
    picture = b"\x65\x88" + b"p" * 30 if codec is Codec.H264 else b"\x26\x01\xaf" + b"p" * 30
    end = receiving_end(codec)
    end.feed(packet(fragment + b"\x88" * 40, 1, 0) + packet(rubbish, 2, 0) + packet(rubbish, 3, 0))
    end.feed(packet(picture, 4, 3000, marker=True))
    assert end.sink.units[-1].nals == (picture,)
    assert not end.sink.units[-1].damaged
