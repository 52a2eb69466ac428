"""What stands inside a backup: listed, digested, and nothing that is not named."""

import hashlib
import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.backup.archive import OPTIONAL_PARTS, REQUIRED_PARTS, Content, Part, is_part, pack, parse_list, unpack
from kuramori.backup.fault import BackupUnreadable


def content_of(parts: dict[str, bytes]) -> Content:
    listed = tuple(Part(name, len(data), hashlib.sha256(data).digest()) for name, data in parts.items())
    return Content(bytes(16), "駅前 North gate", 1_790_000_000_000, "1.0", "/etc/kuramori/kuramori.toml", listed)


PARTS = {name: name.encode() * 3 for name in (*REQUIRED_PARTS, "register.db", "secrets/gate")} | {"streams.json": b""}
PLAIN = b"".join(pack(content_of(PARTS), PARTS.values()))


def taken_from(pieces: Iterable[bytes]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}

    def take(part: Part, piece: bytes) -> None:
        found[part.name] = found.get(part.name, b"") + piece

    unpack(pieces, lambda _content: take)
    return found


@given(st.lists(st.integers(1, len(PLAIN)), max_size=8))
def test_parts_come_back_however_the_stream_is_cut(cuts: list[int]) -> None:
    """Pieces of any size give the same parts, the empty one too."""
    places = [0, *sorted(cuts), len(PLAIN)]
    pieces = [PLAIN[start:end] for start, end in itertools.pairwise(places)]
    assert taken_from(pieces) == PARTS


@pytest.mark.parametrize(
    "name",
    [
        "keystore/snapshot-a",
        "cell-a",
        "tpm_password",
        "../device_key.pem",
        "secrets/../identity.json",
        "secrets/",
        "spool/x",
        "volume0",
        "",
    ],
)
def test_only_named_parts_exist(name: str) -> None:
    """Keystore, cells, the TPM's password and paths that lead elsewhere are no parts; a list with one is refused."""
    assert not is_part(name)
    with pytest.raises(BackupUnreadable):
        parse_list(content_of({**PARTS, name: b"x"}).to_bytes())


def test_no_part_is_a_key_of_recordings() -> None:
    """The names that a backup knows hold neither keystore nor cell nor root."""
    names = " ".join((*REQUIRED_PARTS, *OPTIONAL_PARTS))
    assert not [word for word in ("keystore", "cell", "root", "epoch", "snapshot", "journal", "tpm") if word in names]


def test_a_list_that_lacks_a_part_is_refused() -> None:
    """Without the ledger it is no backup."""
    with pytest.raises(BackupUnreadable):
        parse_list(content_of({name: data for name, data in PARTS.items() if name != "ledger.db"}).to_bytes())


@pytest.mark.parametrize("cut", [0, 3, 40, len(PLAIN) - 1])
def test_a_content_that_ends_early_is_refused(cut: int) -> None:
    """Also when every byte that is there is right."""
    with pytest.raises(BackupUnreadable):
        taken_from([PLAIN[:cut]])


def test_a_part_that_differs_from_its_digest_is_refused() -> None:
    """And so is something behind the last part."""
    with pytest.raises(BackupUnreadable):
        taken_from([PLAIN[:-1] + bytes([PLAIN[-1] ^ 1])])
    with pytest.raises(BackupUnreadable, match="end"):
        taken_from([PLAIN, b"x"])


@given(st.binary(max_size=400))
def test_any_list_is_read_or_refused(data: bytes) -> None:
    """Any bytes as a list give a content or our fault."""
    try:
        parse_list(data)
    except BackupUnreadable:
        return
