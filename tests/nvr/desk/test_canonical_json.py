"""Canonical JSON: the published examples of RFC 8785, and one spelling only for every value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.canonical_json import DEPTH_MOST, INTEGER_MOST, NotCanonical, canonical, parse_canonical

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MOST, INTEGER_MOST) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def test_the_strings_of_the_rfc_are_escaped_as_published() -> None:
    """RFC 8785 section 3.2.2.2: short escapes, lower-case hexadecimal, everything else as it is."""
    value = {"string": '€$\u000f\nA\'B"\\\\"/'}
    expected = '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical(value) == expected.encode()


def test_the_keys_of_the_rfc_are_sorted_as_published() -> None:
    """RFC 8785 section 3.2.3: by UTF-16 code units, so the emoji comes before the Hebrew presentation form."""
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = list(json.loads(canonical(value)).values())
    assert order == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


@given(VALUES)
def test_every_value_has_one_form_and_comes_back(value: object) -> None:
    """What is encoded parses to the same value, and is the only accepted spelling of it."""
    document = canonical(value)
    assert parse_canonical(document) == value
    assert canonical(json.loads(document)) == document
    loose = json.dumps(value, indent=1).encode()
    if loose != document:
        with pytest.raises(NotCanonical):
            parse_canonical(loose)


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_our_error(document: bytes) -> None:
    """Parsing never fails in another way, and what parses is canonical."""
    try:
        value = parse_canonical(document)
    except NotCanonical:
        return
    assert canonical(value) == document


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), INTEGER_MOST + 1, -INTEGER_MOST - 1, b"bytes", {1: "key"}, {"a": object()}, "\ud800"],
)
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    """Fractions, large integers, bytes, other keys and half characters never get into a signed document."""
    with pytest.raises(NotCanonical):
        canonical(value)


@pytest.mark.parametrize("document", [b'{"a":1,"a":1}', b'{"b":1,"a":1}', b"1.0", b"1e2", b" 1", b"-0", b"NaN"])
def test_other_spellings_are_refused(document: bytes) -> None:
    """Doubled keys, another order, spaces and other number forms are refused."""
    with pytest.raises(NotCanonical):
        parse_canonical(document)


def test_depth_is_limited() -> None:
    """A document nested too deeply is refused before it can exhaust the stack."""
    nested: list[object] = []
    for _ in range(DEPTH_MOST + 1):
        nested = [nested]
    with pytest.raises(NotCanonical, match="nested"):
        canonical(nested)
    with pytest.raises(NotCanonical):
        parse_canonical(b"[" * 100_000)
