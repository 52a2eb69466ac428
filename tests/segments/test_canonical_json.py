"""JSON in one spelling: what RFC 8785 writes, and what is refused from strangers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.canonical_json import MAX_INTEGER, JsonRefused, canonical, parse_strict

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


def test_names_are_sorted_by_utf16_units() -> None:
    """RFC 8785 section 3.2.3: its own example, where code points would sort otherwise."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = canonical(dict.fromkeys(names, 0)).decode()
    order = ["\\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert written == "{" + ",".join(f'"{name}":0' for name in order) + "}"


def test_texts_are_escaped_as_little_as_possible() -> None:
    """RFC 8785 section 3.2.2.2: short escapes, lower-case hexadecimal, everything else as it is."""
    assert canonical('€$\u000f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


@given(VALUES)
def test_what_is_written_reads_back(value: object) -> None:
    """Reading gives the value back, and writing that gives the same bytes."""
    data = canonical(value)
    again = parse_strict(data, limit_bytes=1 << 20)
    assert again == value
    assert canonical(again) == data


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_our_refusal(data: bytes) -> None:
    """Nothing else ever comes out."""
    try:
        parse_strict(data, limit_bytes=1 << 20)
    except JsonRefused:
        return


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        "1.0",
        "1e3",
        "NaN",
        "Infinity",
        str(MAX_INTEGER + 1),
        "9" * 5000,
        '"\\ud800"',
        "[" * 17 + "]" * 17,
        "[" * 100000,
        "",
        "{",
    ],
)
def test_what_readers_could_understand_differently_is_refused(text: str) -> None:
    """Doubled names, fractions, large numbers, half characters, deep nesting, and damage."""
    with pytest.raises(JsonRefused):
        parse_strict(text.encode(), limit_bytes=1 << 20)


def test_too_long_is_refused_before_it_is_read() -> None:
    """The limit comes first."""
    with pytest.raises(JsonRefused, match="at most 3"):
        parse_strict(b"[1,2]", limit_bytes=3)


@pytest.mark.parametrize("value", [1.5, b"bytes", {1: 2}, {"a": object()}, MAX_INTEGER + 1, "\ud800"])
def test_what_has_no_spelling_is_not_written(value: object) -> None:
    """A programming mistake shows at once."""
    with pytest.raises(JsonRefused):
        canonical(value)
