"""DER, as far as reading a signature needs it: elements with definite lengths, walked one level at a time.

Pure, for any bytes: what does not fit is DerInvalid. Must not know what the elements mean.
"""

from dataclasses import dataclass

_LONG_FORM = 0x80
_LENGTH_BYTES_MOST = 3
_HIGH_TAG = 0x1F


class DerInvalid(ValueError):
    """Not DER."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag byte, its content, and all its bytes."""

    tag: int
    content: bytes
    whole: bytes

    def expect(self, tag: int) -> "Element":
        """Return itself where it has this tag. Raises DerInvalid."""
        if self.tag != tag:
            raise DerInvalid(f"tag {self.tag:#x} where {tag:#x} belongs")
        return self


def elements(inside: Element, *tags: int) -> list[Element]:
    """Return the elements inside another; with `tags`, exactly those. Raises DerInvalid."""
    found, data = [], inside.content
    while data:
        element = _first(data)
        found.append(element)
        data = data[len(element.whole) :]
    if not found or (tags and tuple(element.tag for element in found) != tags):
        raise DerInvalid("other elements than expected")
    return found


def only(data: bytes, tag: int) -> Element:
    """Return the one element that the data is. Raises DerInvalid."""
    element = _first(data).expect(tag)
    if len(element.whole) != len(data):
        raise DerInvalid("bytes left over")
    return element


def _first(data: bytes) -> Element:
    if len(data) < 2 or data[0] & _HIGH_TAG == _HIGH_TAG:
        raise DerInvalid("cut off")
    length, start = data[1], 2
    if length & _LONG_FORM:
        count = length & ~_LONG_FORM
        if not 1 <= count <= _LENGTH_BYTES_MOST:
            raise DerInvalid("a length of impossible size")
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    if start + length > len(data):
        raise DerInvalid("cut off")
    return Element(data[0], data[start : start + length], data[: start + length])
