"""CMS signatures as strangers bring them: ours are accepted, any other bytes are refused in one way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori.clips.cms import SignatureRefused, sign_detached, verify_detached
from kuramori.clips.der import DerInvalid, elements, only
from kuramori.device_certificate import new_certificate, new_device_key

KEY = new_device_key()
CERTIFICATE = new_certificate(KEY, "Site", b"r" * 16, 1_764_000_000_000)
CONTENT = b'{"kuramori":"clip manifest"}'
SIGNATURE = sign_detached(CONTENT, CERTIFICATE, KEY)


def test_our_own_is_accepted_and_names_its_signer() -> None:
    """The signer's key is the device key."""
    assert verify_detached(CONTENT, SIGNATURE).public_key == KEY.public_key()


@given(st.binary(max_size=60))
def test_other_content_is_refused(content: bytes) -> None:
    """A signature fits one content only."""
    with pytest.raises(SignatureRefused):
        verify_detached(content, SIGNATURE)


def test_a_foreign_certificate_in_it_is_refused() -> None:
    """The signature must be by the key in its certificate."""
    stranger = new_certificate(new_device_key(), "Site", b"r" * 16, 1_764_000_000_000)
    with pytest.raises(SignatureRefused):
        verify_detached(CONTENT, sign_detached(CONTENT, stranger, KEY))


@settings(max_examples=150)
@given(position=st.integers(0, len(SIGNATURE) - 1), value=st.integers(1, 255))
def test_any_changed_byte_is_refused_or_changes_nothing_signed(position: int, value: int) -> None:
    """Either it is refused, or the byte was outside of what is signed and the signer's key is the same."""
    changed = bytearray(SIGNATURE)
    changed[position] ^= value
    try:
        signer = verify_detached(CONTENT, bytes(changed))
    except SignatureRefused:
        return
    assert signer.public_key == KEY.public_key()


@given(st.one_of(st.binary(max_size=200), st.integers(0, len(SIGNATURE)).map(lambda length: SIGNATURE[:length])))
def test_any_bytes_are_refused_in_one_way(data: bytes) -> None:
    """No bytes raise anything but SignatureRefused."""
    if data == SIGNATURE:
        return
    with pytest.raises(SignatureRefused):
        verify_detached(CONTENT, data)


@given(st.binary(max_size=80))
def test_der_of_any_bytes(data: bytes) -> None:
    """Walking any bytes gives elements that are inside them, or DerInvalid."""
    try:
        inside = elements(only(data, 0x30))
    except DerInvalid:
        return
    assert b"".join(element.whole for element in inside) in data
