"""The keys of a segment, the sealing of chunks, and the device's signature."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.cipher import ChunkCipher, check_commitment, data_key, key_commitment, segment_key
from kuramori_segments.codes import Suite
from kuramori_segments.device_key import DeviceSigner, verify_footer
from kuramori_segments.footer import ChunkTally, build_recovered
from kuramori_segments.segment_error import ChunkForged, KeyCommitmentMismatch, SignatureInvalid
from tests.fakes import fixed_hpke
from tests.fakes.segments import DEVICE_KEY, SIGNER, make_header

KEY = bytes(range(32))
UID = bytes(range(16))


@pytest.mark.parametrize("suite", list(Suite), ids=lambda suite: suite.name)
@given(plaintext=st.binary(min_size=1, max_size=300), index=st.integers(0, 2**32 - 1), final=st.booleans())
def test_a_chunk_opens_only_where_it_belongs(suite: Suite, plaintext: bytes, index: int, final: bool) -> None:
    """What was sealed opens under the same index, final flag and head, and under no other."""
    cipher = ChunkCipher(suite, KEY)
    body = bytearray(len(plaintext) + 16)
    cipher.seal_into(index, final, plaintext, b"head", memoryview(body))
    assert cipher.open(index, final, body, b"head") == plaintext
    for other in ((index ^ 1, final, b"head"), (index, not final, b"head"), (index, final, b"haed")):
        with pytest.raises(ChunkForged) as caught:
            cipher.open(other[0], other[1], body, other[2])
        assert caught.value.index == other[0]


def test_a_body_shorter_than_a_tag_is_forged() -> None:
    """A body of a few bytes is refused like any other forgery."""
    with pytest.raises(ChunkForged):
        ChunkCipher(Suite.AES_256_GCM, KEY).open(0, False, b"short", b"")


def test_every_lock_and_the_header_go_into_the_data_key() -> None:
    """Another DEK, another segment key or another header gives another data key."""
    keys = {data_key(KEY, KEY, KEY), data_key(UID * 2, KEY, KEY), data_key(KEY, UID * 2, KEY)}
    assert len(keys | {data_key(KEY, KEY, UID * 2), key_commitment(KEY, KEY, UID), segment_key(KEY, UID)}) == 6


def test_wrong_keys_are_refused_before_any_chunk() -> None:
    """The commitment fits its two keys and no others; a key of the wrong length is a programming error."""
    commitment = key_commitment(KEY, UID * 2, UID)
    check_commitment(commitment, KEY, UID * 2, UID)
    for dek, k_seg, uid in ((UID * 2, KEY, UID), (KEY, KEY, UID), (KEY, UID * 2, KEY[16:])):
        with pytest.raises(KeyCommitmentMismatch):
            check_commitment(commitment, dek, k_seg, uid)
    with pytest.raises(ValueError):
        data_key(KEY, UID, KEY)


def test_the_vectors_seals_are_ordinary_hpke() -> None:
    """What the vectors' fixed sealing makes, the library's HPKE opens."""
    recipient = X25519PrivateKey.from_private_bytes(KEY)
    ephemeral = X25519PrivateKey.from_private_bytes(bytes(reversed(KEY)))
    sealed = fixed_hpke.seal(b"a share", recipient.public_key(), b"info", ephemeral)
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    assert suite.decrypt(sealed, recipient, b"info") == b"a share"


def test_a_footer_is_the_device_keys_or_refused() -> None:
    """The signature fits the footer and the key that made it, and nothing else."""
    footer = build_recovered(make_header(), bytes(32), ChunkTally(bytes(32)), SIGNER)
    verify_footer(footer, DEVICE_KEY.public_key())
    other = ec.derive_private_key(77, ec.SECP256R1())
    for forged in (
        replace(footer, lost_packets=1),
        replace(footer, signature=bytes(64)),
        replace(footer.signed_by(DeviceSigner(other)), device_key_id=SIGNER.key_id),
        footer.signed_by(DeviceSigner(other)),
    ):
        with pytest.raises(SignatureInvalid):
            verify_footer(forged, DEVICE_KEY.public_key())
