"""Parameter sets: numbered, replaced, never growing without bound."""

from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.parameter_sets import MAX_PARAMETER_SETS, ParameterSets, parameter_set_number
from kuramori.capture.source import Codec
from tests.fakes.clips import clip_units

H264_SPS = bytes.fromhex("6742c028da01e0089f9610000003001000000303c8f1832a")
H264_SPS_1 = bytes.fromhex("6742c0284d01e0089f96")  # the same with seq_parameter_set_id 1
H265_SPS = bytes.fromhex("420101016000000300900000030000030078a003c0801107cb96e92930b9a020000003002000000303c1")


def test_numbers_are_read_as_the_standards_write_them() -> None:
    """Behind the profile, Exp-Golomb coded."""
    assert parameter_set_number(Codec.H264, H264_SPS) == 0
    assert parameter_set_number(Codec.H264, H264_SPS_1) == 1
    assert parameter_set_number(Codec.H264, bytes.fromhex("68ce0fc8")) == 0
    assert parameter_set_number(Codec.H264, b"\x68\x60") == 2
    assert parameter_set_number(Codec.H265, bytes.fromhex("40010c01ffff01")) == 0
    assert parameter_set_number(Codec.H265, H265_SPS) == 0
    assert parameter_set_number(Codec.H265, bytes.fromhex("4401c0718312")) == 0


def test_an_encoders_sets_are_known_at_the_second_key_frame() -> None:
    """What was in the first key frame changes nothing when it comes again."""
    for codec in Codec:
        sets = ParameterSets(codec)
        kinds = (7, 8) if codec is Codec.H264 else (32, 33, 34)
        type_of = (lambda nal: nal[0] & 31) if codec is Codec.H264 else (lambda nal: nal[0] >> 1 & 63)
        found = [nal for unit in clip_units(codec) for nal in unit if type_of(nal) in kinds]
        assert sets.update(found[: len(kinds)])
        assert not sets.update(found)
        assert sets.all() == tuple(found[: len(kinds)])


def test_a_changed_set_replaces_its_number_and_another_number_is_added() -> None:
    """SPS before PPS, each by number."""
    sets = ParameterSets(Codec.H264, [H264_SPS, b"\x68\xce"])
    assert sets.update([H264_SPS_1])
    changed = H264_SPS[:-1] + b"\x00"
    assert sets.update([changed])
    assert sets.all() == (changed, H264_SPS_1, b"\x68\xce")


@given(st.lists(st.binary(max_size=40), max_size=200), st.sampled_from(Codec))
def test_any_units_stay_within_bounds(units: list[bytes], codec: Codec) -> None:
    """A camera that invents sets without end fills nothing."""
    sets = ParameterSets(codec, units)
    assert len(sets.all()) <= MAX_PARAMETER_SETS
    assert not sets.update(sets.all())
