"""The custody vectors open, or are refused, as they say: by our code, and by a browser's WebCrypto."""

import json
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from kuramori_segments import custody
from kuramori_segments.custodian_card import card_from_value
from kuramori_segments.custodian_set import read_set
from kuramori_segments.custody import ExtractionBinding, ShareBinding
from kuramori_segments.hand_on import (
    Contribution,
    HandOnBinding,
    check_contribution,
    recover_handed_on,
    take_over,
)
from kuramori_segments.header import SealedShare
from kuramori_segments.key_faults import CardForged, CardUnreadable, SealNotOurs
from kuramori_segments.recovery_key import recovery_card_from_value
from kuramori_segments.shamir import Share
from tests.segments.make_custody_vectors import VECTORS_FILE, make_vectors

VECTORS: dict[str, Any] = json.loads(VECTORS_FILE.read_bytes())
SEGMENTS: list[dict[str, Any]] = VECTORS["segments"]
REFUSALS = {"forged": CardForged, "unreadable": CardUnreadable}


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


def binding_of(segment: dict[str, Any]) -> ShareBinding:
    facts = segment["binding"]
    return ShareBinding(**{name: octets(value) if isinstance(value, str) else value for name, value in facts.items()})


def sealed_shares(segment: dict[str, Any]) -> list[SealedShare]:
    return [SealedShare.from_sealed(octets(one["custodian_id"]), octets(one["sealed"])) for one in segment["shares"]]


def test_the_generator_reproduces_the_file_byte_for_byte() -> None:
    """What lies in segments/vectors is what make_custody_vectors makes."""
    assert make_vectors() == VECTORS_FILE.read_bytes()


def test_the_generator_uses_none_of_our_code() -> None:
    """Or it would prove our code with our code."""
    source = (Path(__file__).parent / "make_custody_vectors.py").read_text()
    assert "kuramori_segments" not in source.replace("kuramori custody", "")
    assert "import kuramori" not in source


@pytest.mark.parametrize("sharing", VECTORS["sharings"], ids=lambda one: f"{one['k']} of {one['n']}")
def test_sharings_combine(sharing: dict[str, Any]) -> None:
    """First k, last k, and all."""
    shares = [Share(x, octets(y)) for x, y in enumerate(sharing["shares"], start=1)]
    for some in (shares[: sharing["k"]], shares[-sharing["k"] :], shares):
        assert custody.combine(some, sharing["k"]) == octets(sharing["secret"])


@pytest.mark.parametrize("segment", SEGMENTS)
def test_sealed_shares_open(segment: dict[str, Any]) -> None:
    """Every custodian opens the own share, any two have the DEK, and each info is the expected bytes."""
    binding = binding_of(segment)
    shares = []
    for person, expected in zip(VECTORS["custodians"], segment["shares"], strict=True):
        assert binding.share_info(expected["x"]).hex() == expected["info"]
        own = octets(person["custodian_id"]), octets(person["opening_private"])
        share = custody.open_share(sealed_shares(segment), *own, binding)
        assert (share.x, share.y.hex()) == (expected["x"], expected["y"])
        shares.append(share)
    for some in combinations(shares, 2):
        assert custody.combine(some, 2).hex() == segment["dek"]


@pytest.mark.parametrize("segment", SEGMENTS)
def test_the_recovery_seal_opens(segment: dict[str, Any]) -> None:
    """With the private half that the paper gives."""
    binding = binding_of(segment)
    assert binding.recovery_info().hex() == segment["recovery_info"]
    private = octets(VECTORS["recovery"]["opening_private"])
    assert custody.open_recovery_seal(octets(segment["recovery_seal"]), private, binding).hex() == segment["dek"]


@pytest.mark.parametrize("segment", SEGMENTS)
def test_resealed_shares_open(segment: dict[str, Any]) -> None:
    """With the extraction key of the request."""
    binding = ExtractionBinding(octets(segment["request_digest"]), octets(segment["binding"]["segment_uid"]))
    private = octets(segment["extraction_private"])
    for expected in segment["shares"]:
        custodian_id = octets(expected["custodian_id"])
        assert binding.share_info(custodian_id).hex() == expected["extraction_info"]
        share = custody.open_resealed(octets(expected["resealed"]), private, binding, custodian_id)
        assert (share.x, share.y.hex()) == (expected["x"], expected["y"])
    assert binding.recovery_info().hex() == segment["extraction_recovery_info"]
    assert custody.open_resealed_dek(octets(segment["resealed_dek"]), private, binding).hex() == segment["dek"]


def test_what_was_handed_on_opens() -> None:
    """New custodians add pieces up to shares of the same key, the recovery key the old shares; signatures hold."""
    handed = VECTORS["handed_on"]
    segment, new_set = SEGMENTS[handed["segment"] - 1], read_set(json.dumps(handed["set"]).encode())
    binding = HandOnBinding.to(new_set, binding_of(segment))
    assert new_set.set_id.hex() == handed["set_id"]
    given = [
        Contribution(one["number"], octets(one["pieces"]), octets(one["signature"])) for one in handed["contributions"]
    ]
    for one, expected in zip(given, handed["contributions"], strict=True):
        assert binding.recovery_info(one.number).hex() == expected["recovery_info"]
        infos = [binding.piece_info(one.number, place).hex() for place in (1, 2)]
        assert infos == expected["piece_infos"]
        check_contribution(one, binding, card_from_value(VECTORS["custodians"][one.number - 1]["card"]))
    shares = [
        take_over(
            {one.number: one.piece(place) for one in given},
            binding,
            place,
            octets(VECTORS["custodians"][position]["opening_private"]),
        )
        for place, position in enumerate(handed["receivers"], start=1)
    ]
    assert custody.combine(shares, 2).hex() == segment["dek"]
    paper = octets(VECTORS["recovery"]["opening_private"])
    assert recover_handed_on({one.number: one.piece(0) for one in given}, binding, paper).hex() == segment["dek"]


@pytest.mark.parametrize("bad", VECTORS["bad_shares"], ids=lambda one: one["what"])
def test_bad_shares_are_refused(bad: dict[str, str]) -> None:
    """Each by the same name: what is wrong with a sealed share is nobody's business."""
    segment, person = SEGMENTS[0], VECTORS["custodians"][0]
    shares = sealed_shares(segment)
    own = octets(person["custodian_id"]), octets(person["opening_private"])
    shares[0] = SealedShare.from_sealed(own[0], octets(bad["sealed"]))
    with pytest.raises(SealNotOurs):
        custody.open_share(shares, *own, binding_of(segment))


def test_cards_and_set_are_what_they_say() -> None:
    """Proofs hold; ids, fingerprints and the set's id are the expected ones."""
    for person in VECTORS["custodians"]:
        card = card_from_value(person["card"])
        assert (card.custodian_id.hex(), card.fingerprint) == (person["custodian_id"], person["fingerprint"])
        assert card.opening_key.hex() == person["opening_public"]
    paper = recovery_card_from_value(VECTORS["recovery"]["card"])
    assert paper.fingerprint == VECTORS["recovery"]["fingerprint"]
    custodians = read_set(json.dumps(VECTORS["custodian_set"]).encode())
    assert custodians.set_id.hex() == VECTORS["custodian_set_id"]
    assert [card.custodian_id.hex() for card in custodians.custodians] == [
        person["custodian_id"] for person in VECTORS["custodians"]
    ]


@pytest.mark.parametrize("bad", VECTORS["bad_cards"], ids=lambda one: one["what"])
def test_bad_cards_are_refused(bad: dict[str, Any]) -> None:
    """Forged ones and unreadable ones, each by its name."""
    with pytest.raises(REFUSALS[bad["refusal"]]):
        card_from_value(bad["card"])


@pytest.mark.skipif(shutil.which("node") is None, reason="missing: node, for WebCrypto")
def test_a_browser_can_do_all_of_it() -> None:
    """WebCrypto and integers suffice: every seal, sharing, card and set, by a program that has none of our code."""
    script = Path(__file__).parent / "custody_webcrypto.mjs"
    command = ["node", "--no-warnings", str(script), str(VECTORS_FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "ok 22\n", done.stderr
