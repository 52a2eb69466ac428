"""Canonical JSON as signed documents are read: one spelling only for every value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.canonical_json import JsonRefused, canonical, parse_canonical

INTEGER_MOST = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MOST, INTEGER_MOST) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_every_value_has_one_form_and_comes_back(value: object) -> None:
    """What is encoded parses to the same value, and is the only accepted spelling of it."""
    document = canonical(value)
    assert parse_canonical(document) == value
    loose = json.dumps(value, indent=1).encode()
    if loose != document:
        with pytest.raises(JsonRefused):
            parse_canonical(loose)


@pytest.mark.parametrize("document", [b'{"a":1,"a":1}', b'{"b":1,"a":1}', b"1.0", b"1e2", b" 1", b"-0", b"NaN"])
def test_other_spellings_are_refused(document: bytes) -> None:
    """Doubled keys, another order, spaces and other number forms are refused."""
    with pytest.raises(JsonRefused):
        parse_canonical(document)


def test_size_and_depth_are_limited() -> None:
    """A document that is too long or nested too deeply is refused before it can exhaust anything."""
    with pytest.raises(JsonRefused):
        parse_canonical(b"[" * 100_000)
    with pytest.raises(JsonRefused):
        parse_canonical(b'"' + b"a" * 100 + b'"', limit_bytes=50)
