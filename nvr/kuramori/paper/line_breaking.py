"""Where a line of Japanese and Latin text may end: the rules every printed page of the office keeps (kinsoku).

A Japanese text has no spaces; a line may end nearly anywhere, but closing marks and small kana never begin one, and
opening brackets never end one (JIS X 4051, the plain part of it). Latin words and numbers stay whole where they fit.
Pure. Must not know fonts or pages: the width of a text is a function that is passed in.
"""

from collections.abc import Callable, Iterator

NEVER_FIRST = frozenset(
    "、。,.・:;?!)]}」』】〉》〕’”ゝゞ々ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ)],.:;?!%％‐~〜"
)
NEVER_LAST = frozenset("([{「『【〈《〔‘“([{¥$￥№")
_FIRST_WIDE = 0x2E80  # from the CJK radicals on, characters stand alone

Width = Callable[[str], float]


def broken_into_lines(text: str, width: float, width_of: Width) -> list[str]:
    """Return the lines of a text none of which is wider than `width`; line feeds of the text are kept.

    A word wider than the line is cut. At least one line is returned.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.extend(_lines_of_paragraph(paragraph, width, width_of))
    return lines


def _lines_of_paragraph(text: str, width: float, width_of: Width) -> Iterator[str]:
    line = ""
    for piece in _pieces(text):
        if width_of((line + piece).rstrip()) <= width:
            line += piece
            continue
        if line.strip():
            yield line.rstrip()
        line = piece.lstrip()
        while line and width_of(line.rstrip()) > width:
            fitting = _fitting(line, width, width_of)
            yield line[:fitting]
            line = line[fitting:]
    yield line.rstrip()


def _fitting(text: str, width: float, width_of: Width) -> int:
    """How many characters of a text fit; at least one, so that something is always printed."""
    count = 1
    while count < len(text) and width_of(text[: count + 1]) <= width:
        count += 1
    return count


def _pieces(text: str) -> Iterator[str]:
    """Yield what must stay together: one wide character or one word with the spaces behind it, and its marks."""
    piece = ""
    for letter in text:
        if piece and _may_break(piece[-1], letter):
            yield piece
            piece = ""
        piece += letter
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in NEVER_FIRST or before in NEVER_LAST:
        return False
    return before == " " or ord(before) >= _FIRST_WIDE or ord(after) >= _FIRST_WIDE
