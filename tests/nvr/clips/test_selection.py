"""Which access units a named range takes: each picture once, and what is needed to decode it."""

from kuramori.clips.selection import Selection, SourceUnit
from kuramori_segments.numbering import FIRST_FILLED_NUMBER
from kuramori_segments.records import FLAG_KEY_FRAME, AccessUnitRecord

GOP = 5


def unit(number: int, segment: int = 0) -> SourceUnit:
    """A picture a second; every fifth is a key frame."""
    flags = FLAG_KEY_FRAME if number % GOP == 0 else 0
    record = AccessUnitRecord(number, number % FIRST_FILLED_NUMBER * 1_000_000, 0, 0, 0, 1, flags, b"\0\0\0\1A")
    return SourceUnit(record, segment, ())


def taken(units: list[SourceUnit]) -> list[int]:
    selection = Selection(0, 1 << 52)
    return [chosen.record.number for one in units for chosen in selection.take(one)]


def test_a_picture_that_stands_in_two_segments_is_taken_once() -> None:
    """A stop came after a commit hung and before it was taken back: both volumes hold pictures 5 to 9."""
    first = [unit(number) for number in range(10)]
    again = [unit(number, segment=1) for number in range(5, 15)]
    assert taken(first + again) == list(range(15))


def test_filled_pictures_may_come_in_any_order() -> None:
    """Their numbers say when they were fetched, not when they were filmed."""
    first = FIRST_FILLED_NUMBER + -FIRST_FILLED_NUMBER % GOP
    numbers = [0, 1, first + 2 * GOP, first, GOP, GOP + 1]
    assert taken([unit(number) for number in numbers]) == numbers
