"""Signed notes and checkpoints: how the register says, in a few lines of text, what it holds.

C2SP signed-note (text, blank line, signature lines) with Ed25519, and C2SP tlog-checkpoint (origin, size, root) as
its text. Pure: keys and text in, text out. Must not know where a note is stored or who compares it.
"""

import base64
import binascii
import hashlib
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NOTE_LIMIT_BYTES = 16 * 1024
SIGNATURES_MOST = 16
ED25519 = b"\x01"  # signature type in key ids (C2SP signed-note, "Signatures")
_DASH = "\u2014 "
_HASH_BYTES = 32


class NoteInvalid(ValueError):
    """A note is not in its form, or the signature asked for is missing or wrong."""


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """Whose signature to look for: a key name and an Ed25519 public key (32 bytes)."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes before each signature: SHA-256(name, newline, type, key), cut."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:4]

    def encode(self) -> str:
        """Return the usual text form: name+key id+base64(type || key)."""
        key = base64.b64encode(ED25519 + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> "NoteVerifier":
        """Return the verifier of a text form; its key id must be right. Raises NoteInvalid."""
        parts = text.split("+", 2)  # base64 may hold a plus; names may not
        try:
            name, key_id, encoded = parts
            key = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise NoteInvalid("not a verifier key") from None
        verifier = cls(name, key[1:])
        if key[:1] != ED25519 or len(key) != 33 or verifier.key_id.hex() != key_id or not _name_fits(name):
            raise NoteInvalid("not a verifier key")
        return verifier


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """Signs notes under a key name."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def verifier(self) -> NoteVerifier:
        """What others need to check this signer's notes."""
        return NoteVerifier(self.name, self.private_key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Return the signed note over `text` (ends with a newline, no control characters)."""
        _check_text(text)
        if not _name_fits(self.name):
            raise NoteInvalid("a key name is not empty and has no space and no plus")
        signature = self.verifier.key_id + self.private_key.sign(text.encode("utf-8"))
        return f"{text}\n{_DASH}{self.name} {base64.b64encode(signature).decode('ascii')}\n"


def open_note(note: str, verifier: NoteVerifier) -> str:
    """Return the text of a note that `verifier` has signed; other signatures are ignored. Raises NoteInvalid."""
    if len(note.encode("utf-8", "surrogatepass")) > NOTE_LIMIT_BYTES:
        raise NoteInvalid("a note beyond the limit")
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise NoteInvalid("a note without signatures")
    text += "\n"
    _check_text(text)
    lines = signatures.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MOST:
        raise NoteInvalid("a note with too many signatures")
    key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
    found = False
    for line in lines:
        name, signature = _signature(line)
        if name == verifier.name and signature[:4] == verifier.key_id:
            try:
                key.verify(signature[4:], text.encode("utf-8"))
            except InvalidSignature:
                raise NoteInvalid("the signature is wrong") from None
            found = True
    if not found:
        raise NoteInvalid("not signed by the expected key")
    return text


def _signature(line: str) -> tuple[str, bytes]:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not separator or not _name_fits(name):
        raise NoteInvalid("a signature line that is none")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise NoteInvalid("a signature that is not base64") from None
    if len(signature) < 5 or base64.b64encode(signature).decode("ascii") != encoded:
        raise NoteInvalid("a signature that is not base64")
    return name, signature


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteInvalid("the text of a note ends with a newline")
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n" for letter in text):
        raise NoteInvalid("a note holds no control characters")


def _name_fits(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() for letter in name)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log held at one size (C2SP tlog-checkpoint)."""

    origin: str  # names this register, one recorder's, for ever
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Return the checkpoint of a note text; extension lines are allowed and ignored. Raises NoteInvalid."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0] or not lines[1].isascii() or not lines[1].isdecimal():
            raise NoteInvalid("not a checkpoint")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (ValueError, binascii.Error):
            raise NoteInvalid("a root that is not base64") from None
        canonical_size = lines[1] == "0" or not lines[1].startswith("0")
        if len(root) != _HASH_BYTES or not canonical_size or len(lines[1]) > 16:
            raise NoteInvalid("not a checkpoint")
        return cls(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, verifier: NoteVerifier) -> Checkpoint:
    """Return the checkpoint that a note holds; its origin must be the verifier's name. Raises NoteInvalid."""
    checkpoint = Checkpoint.parse(open_note(note, verifier))
    if checkpoint.origin != verifier.name:
        raise NoteInvalid("a checkpoint of another register")
    return checkpoint
