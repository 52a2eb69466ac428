"""Signed notes: the published example verifies, every changed byte is refused, checkpoints say what they hold."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.signed_note import (
    Checkpoint,
    NoteInvalid,
    NoteSigner,
    NoteVerifier,
    open_checkpoint,
    open_note,
)

# The example of Go's golang.org/x/mod/sumdb/note package, which signed-note was written from.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = NoteSigner("kuramori/register/v1/00", Ed25519PrivateKey.from_private_bytes(bytes(32)))
ROOT = bytes(range(32))


def test_the_published_note_verifies() -> None:
    """A note made by another implementation opens, and its verifier key survives our parser."""
    verifier = NoteVerifier.parse(PETER)
    assert verifier.encode() == PETER
    assert open_note(PETER_NOTE, verifier).endswith("your problem is.\n")


def test_every_changed_byte_of_a_note_is_refused() -> None:
    """Flip any bit of any byte: the note does not open."""
    note = SIGNER.sign(Checkpoint(SIGNER.name, 7, ROOT).text()).encode()
    assert open_checkpoint(note.decode(), SIGNER.verifier) == Checkpoint(SIGNER.name, 7, ROOT)
    for position in range(len(note)):
        for bit in (1, 0x20, 0x80):
            changed = bytearray(note)
            changed[position] ^= bit
            with pytest.raises(NoteInvalid):
                open_checkpoint(changed.decode("utf-8", "replace"), SIGNER.verifier)


def test_a_note_of_another_key_or_register_is_refused() -> None:
    """The right name with another key, and another register's checkpoint under our name, do not pass."""
    other = NoteSigner(SIGNER.name, Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
    text = Checkpoint(SIGNER.name, 1, ROOT).text()
    with pytest.raises(NoteInvalid, match="expected key"):
        open_note(other.sign(text), SIGNER.verifier)
    with pytest.raises(NoteInvalid, match="another register"):
        open_checkpoint(SIGNER.sign(Checkpoint("elsewhere", 1, ROOT).text()), SIGNER.verifier)


def test_a_note_may_carry_other_signatures_too() -> None:
    """A witness that signs below ours disturbs nobody."""
    text = Checkpoint(SIGNER.name, 1, ROOT).text()
    witness = NoteSigner("witness", Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32))
    both = SIGNER.sign(text) + witness.sign(text).rpartition("\n\n")[2]
    assert open_note(both, SIGNER.verifier) == open_note(both, witness.verifier) == text


@given(st.text(max_size=120))
def test_any_text_is_a_note_or_our_error(text: str) -> None:
    """Opening and parsing fail with NoteInvalid only."""
    with pytest.raises(NoteInvalid):
        open_note(text, SIGNER.verifier)
    with pytest.raises(NoteInvalid):
        NoteVerifier.parse(text)


@given(st.lists(st.text(max_size=50), max_size=5))
def test_any_lines_are_a_checkpoint_or_our_error(lines: list[str]) -> None:
    """Parsing a checkpoint's text returns one or raises NoteInvalid."""
    try:
        checkpoint = Checkpoint.parse("\n".join(lines))
    except NoteInvalid:
        return
    assert len(checkpoint.root) == 32


@pytest.mark.parametrize(
    "text",
    [
        "o\n01\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n1\nAAAA\n",
        "\n1\n" + "A" * 43 + "=\n",
        "o\n" + "9" * 17 + "\n" + "A" * 43 + "=\n",
        "o\n１\n" + "A" * 43 + "=\n",
    ],
)
def test_a_checkpoint_has_one_spelling(text: str) -> None:
    """Leading zeros, signs, full-width digits, short roots and missing origins are refused."""
    with pytest.raises(NoteInvalid):
        Checkpoint.parse(text)


def test_control_characters_and_bad_names_are_not_signed() -> None:
    """What could not be opened is not signed."""
    with pytest.raises(NoteInvalid):
        SIGNER.sign("a\tb\n")
    with pytest.raises(NoteInvalid):
        SIGNER.sign("no newline")
    with pytest.raises(NoteInvalid):
        NoteSigner("two words", SIGNER.private_key).sign("text\n")
