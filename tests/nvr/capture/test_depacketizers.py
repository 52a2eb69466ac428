"""H.264 and H.265 out of RTP: cut any way, put together again; rubbish counted, never fatal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori.capture.access_unit import MAX_AGGREGATED_NALS
from kuramori.capture.source import Codec
from kuramori.simulator.material import Packetising, rtp_payloads
from kuramori.simulator.nal_units import is_key_picture
from tests.fakes.clips import clip_units
from tests.fakes.rtp_wire import PacketWriter, pieces, receiving_end

FIRST_SLICE, LATER_SLICE = b"\x80", b"\x40"


def nal_headers(codec: Codec, nal_type: int) -> bytes:
    return bytes([0x60 | nal_type]) if codec is Codec.H264 else bytes([nal_type << 1, 1])


@st.composite
def pictures(draw: st.DrawFn, codec: Codec) -> list[list[bytes]]:
    """Access units of random NAL units: leading ones, a first slice, later slices."""
    leading = [6, 7, 8, 9] if codec is Codec.H264 else [32, 33, 34, 35, 39]
    slices = [1, 5] if codec is Codec.H264 else [0, 1, 19, 20, 21]
    body = st.binary(min_size=1, max_size=300)
    units = []
    for _ in range(draw(st.integers(1, 5))):
        before = draw(st.lists(st.tuples(st.sampled_from(leading), body), max_size=4))
        kind = draw(st.sampled_from(slices))
        later = draw(st.lists(body, max_size=3))
        unit = [nal_headers(codec, number) + content for number, content in before]
        unit.append(nal_headers(codec, kind) + FIRST_SLICE + draw(body))
        unit += [nal_headers(codec, kind) + LATER_SLICE + content for content in later]
        units.append(unit)
    return units


PACKETISINGS = st.builds(Packetising, mtu_bytes=st.integers(6, 120), marker=st.booleans(), aggregate=st.booleans())


@pytest.mark.parametrize("codec", list(Codec))
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_units_survive_any_packetising_and_any_cutting(codec: Codec, data: st.DataObject) -> None:
    """Random NAL units, any packet size, aggregated or not, marker or not, read in any pieces: the same units."""
    units = data.draw(pictures(codec))
    how = data.draw(PACKETISINGS)
    writer = PacketWriter(sequence=data.draw(st.integers(0, 65535)), marker=how.marker)
    first = data.draw(st.integers(0, 2**32 - 1))
    stream = b"".join(
        b"".join(writer.unit(rtp_payloads(unit, codec, how), first + 3000 * index)) for index, unit in enumerate(units)
    )
    end = receiving_end(codec)
    for piece in pieces(stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=8))):
        end.feed(piece)
    end.receiver.finish()
    assert [list(unit.nals) for unit in end.sink.units] == units
    assert [unit.is_key for unit in end.sink.units] == [
        any(is_key_picture(codec, nal) for nal in unit) for unit in units
    ]
    assert not any(unit.damaged or unit.lost_packets for unit in end.sink.units)
    times = [unit.rtp_time for unit in end.sink.units]
    assert times == [times[0] + 3000 * index for index in range(len(units))]
    assert end.statistics.rejected_packets == end.statistics.lost_packets == 0
    assert end.statistics.access_units == len(units)


@pytest.mark.parametrize("codec", list(Codec))
def test_an_encoders_stream_survives(codec: Codec) -> None:
    """Real pictures, packets of the usual size, every NAL unit byte for byte."""
    units = clip_units(codec)
    writer, end = PacketWriter(), receiving_end(codec)
    for index, unit in enumerate(units):
        for packet in writer.unit(rtp_payloads(unit, codec, Packetising()), 3000 * index):
            end.feed(packet)
    assert [unit.nals for unit in end.sink.units] == list(units)
    assert end.statistics.key_frames == 2


def test_a_fragment_that_is_first_and_last_is_taken() -> None:
    """Forbidden by the RFC, sent by cameras."""
    for codec, payload, nal in (
        (Codec.H264, b"\x7c\xc5\x88xyz", b"\x65\x88xyz"),
        (Codec.H265, b"\x62\x01\xd3\x88xyz", b"\x26\x01\x88xyz"),
    ):
        end = receiving_end(codec)
        end.feed(b"".join(PacketWriter().unit([payload], 0)))
        assert end.sink.nals == [nal]


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (Codec.H264, b"\x00"),  # type 0
        (Codec.H264, b"\xe5\x88"),  # forbidden bit
        (Codec.H264, b"\x79\x00\x01\x05"),  # STAP-B
        (Codec.H264, b"\x7d\x85\x00\x00"),  # FU-B
        (Codec.H264, b"\x7c\x85"),  # a fragment of nothing
        (Codec.H264, b"\x7c\x9c\x88"),  # a fragment of a fragment
        (Codec.H264, b"\x7c\x05\x88"),  # a middle without a beginning
        (Codec.H264, b"\x78\x00\x05\x65"),  # aggregate longer than the packet
        (Codec.H264, b"\x78\x00\x00"),  # aggregate of an empty unit
        (Codec.H264, b"\x78"),  # aggregate of nothing
        (Codec.H264, b"\x78" + b"\x00\x01\x06" * (MAX_AGGREGATED_NALS + 1)),  # aggregate of far too much
        (Codec.H264, b"\x78\x00\x02\x78\x00"),  # aggregate in an aggregate
        (Codec.H265, b"\x26"),  # half a header
        (Codec.H265, b"\x26\x00\x88"),  # temporal id 0
        (Codec.H265, b"\xa6\x01\x88"),  # forbidden bit
        (Codec.H265, b"\x64\x01\x00\x00"),  # PACI
        (Codec.H265, b"\x62\x01\x93"),  # a fragment of nothing
        (Codec.H265, b"\x62\x01\x13\x88"),  # a middle without a beginning
        (Codec.H265, b"\x60\x01\x00\x09\x26\x01"),  # aggregate longer than the packet
        (Codec.H265, b"\x60\x01" + b"\x00\x02\x4e\x01" * (MAX_AGGREGATED_NALS + 1)),  # aggregate of far too much
        (Codec.H265, b"\x60\x01\x00\x01\x26"),  # unit without a whole header
    ],
)
def test_do_not_take_malformed_payloads(codec: Codec, payload: bytes) -> None:
    """Each is counted, leaves no trace, and the next picture is whole."""
    end, writer = receiving_end(codec), PacketWriter()
    picture = nal_headers(codec, 5 if codec is Codec.H264 else 19) + FIRST_SLICE + b"picture"
    for packet in [
        *writer.unit([picture], 0),
        *writer.unit([payload], 3000),
        *writer.unit([picture], 6000),
    ]:
        end.feed(packet)
    assert end.sink.nals == [picture, picture]
    assert end.statistics.rejected_packets == 1
    assert not end.sink.units[1].damaged


@pytest.mark.parametrize("codec", list(Codec))
@given(payloads=st.lists(st.binary(min_size=1, max_size=40), max_size=40), data=st.data())
def test_any_payloads_are_survived(codec: Codec, payloads: list[bytes], data: st.DataObject) -> None:
    """Hostile payloads: whatever is delivered adds up, and a true picture afterwards arrives whole."""
    end, writer = receiving_end(codec), PacketWriter()
    for index, payload in enumerate(payloads):
        stamp = 3000 * (index // data.draw(st.integers(1, 4)))
        for packet in writer.unit([payload], stamp):
            end.feed(packet)
    picture = nal_headers(codec, 5 if codec is Codec.H264 else 19) + FIRST_SLICE + b"picture"
    for packet in [*writer.unit([picture], 900_000), *writer.unit([picture], 903_000)]:
        end.feed(packet)
    end.receiver.finish()
    assert end.sink.units[-1].nals == (picture,)
    assert not end.sink.units[-1].damaged
