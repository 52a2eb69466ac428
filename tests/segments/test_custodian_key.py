"""A custodian's key file and public card: what they prove, and what a hostile one cannot do."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments import custodian_key, es256
from kuramori_segments.custodian_card import CustodianCard, new_card, read_card
from kuramori_segments.custodian_key import (
    LEAST_COST,
    MOST_COST,
    Argon2Cost,
    check_passphrase,
    new_custodian_key,
    open_key_file,
    read_key_file_card,
    seal_key_file,
)
from kuramori_segments.key_faults import (
    CardForged,
    CardRefused,
    CardUnreadable,
    KeyFileCostly,
    KeyFileRefused,
    KeyFileUnreadable,
    KeyFileWeak,
    PassphraseWeak,
    PassphraseWrong,
)
from kuramori_segments.opening_key import UnprovenKey, proof_holds, public_half
from tests.fakes.key_holders import CREATED_UTC_MS, PASSPHRASE, YEAR_MS, custodian

KEY = custodian("佐藤 花子", "市民安全課長")
FILE = seal_key_file(KEY, PASSPHRASE, LEAST_COST)


def changed(**fields: Any) -> bytes:
    document = json.loads(FILE)
    for name, value in fields.items():
        document[name] = value
    return json.dumps(document).encode()


def with_kdf(**fields: Any) -> bytes:
    return changed(kdf=json.loads(FILE)["kdf"] | fields)


# ---- the key file ------------------------------------------------------------------------------------------


def test_the_passphrase_opens_the_file() -> None:
    """Both private keys come back, and they are the card's."""
    key = open_key_file(FILE, PASSPHRASE)
    assert key.card == KEY.card
    assert key.opening_private == KEY.opening_private
    assert es256.verify(key.card.public_signing_key(), key.sign(b"message"), b"message")


def test_the_spelling_of_the_file_does_not_matter() -> None:
    """Indented by an editor it still opens: what is authenticated is the content, not the blanks."""
    assert open_key_file(json.dumps(json.loads(FILE), indent=4).encode(), PASSPHRASE).card == KEY.card


def test_a_wrong_passphrase_is_named() -> None:
    """One clear event, no detail."""
    with pytest.raises(PassphraseWrong):
        open_key_file(FILE, PASSPHRASE + "!")


@pytest.mark.parametrize("passphrase", ["", "\ud800 half a character", "x" * 2000])
def test_a_passphrase_that_cannot_be_one_is_wrong(passphrase: str) -> None:
    """Nothing odd that a terminal delivers raises anything else."""
    with pytest.raises(PassphraseWrong):
        open_key_file(FILE, passphrase)


def test_full_width_and_half_width_letters_are_the_same() -> None:
    """A Japanese keyboard may write either."""
    half = "Kagi wo azukaru 2026"
    full = half.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000})
    assert open_key_file(seal_key_file(KEY, full, LEAST_COST), half).card == KEY.card


@pytest.mark.parametrize(
    "passphrase",
    ["short", "aaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabcabc", "fourteen chars", "\ud800" * 20, "x y" * 600],
)
def test_weak_passphrases_are_refused_with_what_is_expected(passphrase: str) -> None:
    """At least 15 characters, 8 of them different; the error says both numbers."""
    with pytest.raises(PassphraseWeak) as caught:
        seal_key_file(KEY, passphrase, LEAST_COST)
    assert (caught.value.least_characters, caught.value.least_different) == (15, 8)


def test_a_japanese_sentence_is_a_passphrase() -> None:
    """No rule about letters and digits: length and variety."""
    check_passphrase("秋の夕暮れに鍵を預かる者は二人いる")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("memory_kib", 100 * 1024 * 1024), ("iterations", 1_000_000), ("lanes", 200), ("memory_kib", 1 << 50)],
)
def test_a_file_that_asks_for_too_much_is_refused_at_once(parameter: str, value: int) -> None:
    """A hostile file cannot take 100 GB or an hour: refused before any work."""
    began = time.perf_counter()
    with pytest.raises(KeyFileCostly) as caught:
        open_key_file(with_kdf(**{parameter: value}), PASSPHRASE)
    assert caught.value.parameter == parameter
    assert caught.value.value == value
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(("parameter", "value"), [("memory_kib", 8), ("iterations", 1), ("lanes", 0)])
def test_a_file_weaker_than_the_floor_is_refused(parameter: str, value: int) -> None:
    """Nobody can slip in a file whose passphrase is cheap to guess."""
    with pytest.raises(KeyFileWeak) as caught:
        open_key_file(with_kdf(**{parameter: value}), PASSPHRASE)
    assert caught.value.parameter == parameter


def test_nothing_is_sealed_outside_the_limits() -> None:
    """What could not be opened again is not written."""
    with pytest.raises(KeyFileCostly):
        seal_key_file(KEY, PASSPHRASE, replace(MOST_COST, iterations=MOST_COST.iterations + 1))
    with pytest.raises(KeyFileWeak):
        seal_key_file(KEY, PASSPHRASE, Argon2Cost(1024, 3, 1))


def test_a_swapped_card_does_not_open() -> None:
    """The card is bound to the sealed keys: another's card under the same passphrase is refused."""
    other = custodian("someone else")
    with pytest.raises(PassphraseWrong):
        open_key_file(changed(card=other.card.document()), PASSPHRASE)


def test_keys_that_are_not_the_cards_are_refused() -> None:
    """Sealed by somebody who knows the passphrase, but with other keys than the card shows."""
    other = custodian("someone else")
    mixed = custodian_key.CustodianKey(KEY.card, other.opening_private, other.signing_private)
    with pytest.raises(KeyFileUnreadable):
        open_key_file(seal_key_file(mixed, PASSPHRASE, LEAST_COST), PASSPHRASE)


def test_the_card_is_read_without_the_passphrase() -> None:
    """`show` needs no secret."""
    assert read_key_file_card(FILE) == KEY.card


def test_the_file_holds_no_private_key_in_clear() -> None:
    """Neither raw, nor as base64, nor as hexadecimal digits."""
    scalar = KEY.signing_private.private_numbers().private_value.to_bytes(32, "big")
    for secret in (KEY.opening_private, scalar):
        for spelling in (secret, custodian_key.to_base64(secret).encode(), secret.hex().encode()):
            assert spelling not in FILE


def test_keys_do_not_show_in_logs() -> None:
    """The representation of open keys holds the card only."""
    assert KEY.opening_private.hex() not in repr(KEY)
    assert "private" not in repr(KEY)


@given(st.data())
def test_any_damage_to_a_key_file_gives_our_error(data: st.DataObject) -> None:
    """Cut anywhere or changed anywhere, reading without the passphrase gives a whole card or our error."""
    place = data.draw(st.integers(0, len(FILE) - 2))
    if data.draw(st.booleans()):
        damaged = FILE[:place]
    else:
        damaged = FILE[:place] + data.draw(st.binary(min_size=1, max_size=3)) + FILE[place + 1 :]
    try:
        card = read_key_file_card(damaged)
    except KeyFileRefused:
        return
    assert card == KEY.card


# ---- the card ----------------------------------------------------------------------------------------------


def test_a_card_reads_back_with_its_proofs_checked() -> None:
    """What is written is what is read."""
    assert read_card(KEY.card.to_bytes()) == KEY.card


@pytest.mark.parametrize(
    "change",
    [
        {"name": "山田 太郎"},
        {"title": "市長"},
        {"created_utc_ms": CREATED_UTC_MS + 1},
        {"expires_utc_ms": CREATED_UTC_MS + 9 * YEAR_MS},
        {"opening_key": custodian("someone else").card.opening_key},
        {"signing_key": custodian("someone else").card.signing_key},
        {"possession": custodian("someone else").card.possession},
        {"signature": custodian("someone else").card.signature},
    ],
)
def test_every_field_of_a_card_is_proven(change: dict[str, Any]) -> None:
    """Change any: the card is forged."""
    with pytest.raises(CardForged):
        read_card(replace(KEY.card, **change).to_bytes())


def test_another_opening_key_cannot_be_claimed() -> None:
    """Publishing someone else's X25519 key under one's own name fails: possession cannot be shown."""
    victim = X25519PrivateKey.generate().public_key().public_bytes_raw()
    signing = ec.generate_private_key(ec.SECP256R1())
    mine, _ = new_card("mallory", "none", 0, YEAR_MS, UnprovenKey(), signing)
    claimed = replace(mine, opening_key=victim)
    resigned = replace(claimed, signature=es256.sign(signing, claimed._signed()))
    with pytest.raises(CardForged) as caught:
        read_card(resigned.to_bytes())
    assert caught.value.proof == "possession"


def test_the_proof_of_possession_belongs_to_its_statement() -> None:
    """It holds for what was signed, and for nothing else; a key signs once."""
    unproven = UnprovenKey()
    key = unproven.prove(b"statement")
    assert public_half(key.private_bytes) == key.public_bytes == unproven.public_bytes
    assert proof_holds(key.public_bytes, key.proof, b"statement")
    assert not proof_holds(key.public_bytes, key.proof, b"another")
    with pytest.raises(ValueError):
        unproven.prove(b"another")


@given(st.binary(max_size=40), st.binary(max_size=100))
def test_any_bytes_are_no_proof(public: bytes, proof: bytes) -> None:
    """No crash, no false yes."""
    assert not proof_holds(public, proof, b"statement")


@pytest.mark.parametrize("y", [0, 1, (1 << 255) - 20, (1 << 255) - 18, (1 << 255) - 1])
def test_points_of_small_order_prove_nothing(y: int) -> None:
    """Ed25519 would accept a forged signature for such a point; we do not accept the point."""
    edwards = y.to_bytes(32, "little")
    u = (1 + y) * pow(1 - y, -1, (1 << 255) - 19) % ((1 << 255) - 19) if y not in (1, (1 << 255) - 18) else 0
    assert not proof_holds(u.to_bytes(32, "little"), edwards + edwards + bytes(32), b"statement")


@pytest.mark.parametrize(
    "name",
    ["", " 佐藤", "佐藤\n花子", "\x1b[31m佐藤", "a\u202eb", "\u200b", "か\u3099", "x" * 65, "山" * 90, "\ud800"],
)
def test_names_that_do_not_show_as_written_are_refused(name: str) -> None:
    """No control, direction or invisible characters: a card is compared by eye."""
    with pytest.raises(CardUnreadable) as caught:
        new_custodian_key(name, "title", 0, YEAR_MS)
    assert caught.value.field == "name"


@pytest.mark.parametrize("name", ["佐藤 花子", "佐藤　花子", "O'Brien-Ångström", "𠮷田"])
def test_ordinary_names_are_taken(name: str) -> None:
    """Ideographic space and rare characters included."""
    assert new_custodian_key(name, "課長", 0, YEAR_MS).card.name == name


def test_a_card_that_expires_at_once_is_refused() -> None:
    """Less than a day is a slip."""
    with pytest.raises(CardUnreadable):
        new_custodian_key("name", "title", 1000, 2000)


def test_the_fingerprint_covers_the_name_and_the_keys() -> None:
    """Eight groups of four digits; the same keys under another name have another one."""
    prints = {KEY.card.fingerprint, replace(KEY.card, name="x").fingerprint, custodian("y").card.fingerprint}
    assert len(prints) == 3
    assert all([len(group) for group in text.split(" ")] == [4] * 8 for text in prints)


def test_the_id_stands_for_both_keys() -> None:
    """Another opening or signing key is another custodian."""
    other = custodian("y").card
    ids = {
        KEY.card.custodian_id,
        replace(KEY.card, opening_key=other.opening_key).custodian_id,
        replace(KEY.card, signing_key=other.signing_key).custodian_id,
    }
    assert len(ids) == 3
    assert {len(custodian_id) for custodian_id in ids} == {16}


@given(st.data())
def test_any_damage_to_a_card_gives_our_error(data: st.DataObject) -> None:
    """Cut or changed anywhere: refused, or (blanks between fields) the same card."""
    whole = KEY.card.to_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.binary(max_size=3)) + whole[place + data.draw(st.integers(0, 2)) :]
    try:
        card = read_card(damaged)
    except CardRefused:
        return
    assert card == KEY.card


def test_a_card_with_a_field_too_many_is_refused() -> None:
    """Nothing unsigned rides along."""
    document = KEY.card.document() | {"note": "trust me"}
    with pytest.raises(CardUnreadable) as caught:
        read_card(json.dumps(document).encode())
    assert caught.value.field == "note"


def test_a_point_off_the_curve_is_refused() -> None:
    """An invalid signing key is named as such."""
    card: CustodianCard = replace(KEY.card, signing_key=b"\x04" + b"\x01" * 64)
    with pytest.raises(CardForged):
        card.check()
    with pytest.raises(CardForged) as caught:
        card.public_signing_key()
    assert caught.value.proof == "key"
