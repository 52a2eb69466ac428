"""What a custodian's client refuses to open, whatever a desk that is not to be trusted hands it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.desk.canonical_json import canonical
from kuramori.desk.granted import (
    GrantDecision,
    GrantedCamera,
    GrantedRequest,
    GrantedSegment,
    Recipient,
    sign_granted,
)
from kuramori.desk.merkle_log import MerkleLog, leaf_hash
from kuramori.desk.package import DecidedProof, Package, PackageRefused, approve, review
from kuramori.desk.register_entry import Entry, body_digest
from kuramori.desk.signed_note import Checkpoint
from kuramori_segments.custody import ExtractionBinding, combine, open_resealed
from kuramori_segments.header import SegmentHeader, header_digest
from tests.fakes.desk_room import NOW_UTC_MS, RECORDER_ID
from tests.fakes.desk_steps import EXTRACTION
from tests.fakes.fake_recorder import FakeRecorder, FakeSegment
from tests.fakes.key_holders import custodian, custodian_set, keys_of

SET = custodian_set(2, 3)
DEVICE = ec.generate_private_key(ec.SECP256R1())
FROM, TO = NOW_UTC_MS, NOW_UTC_MS + 600_000
SALT = bytes(32)


def recorder() -> FakeRecorder:
    """A recorder with two cameras and nothing recorded."""
    return FakeRecorder(RECORDER_ID, SET, {"gate": 1, "park": 2})


def granting(segments: Sequence[FakeSegment], **changes: Any) -> GrantedRequest:
    """Grant these segments of the gate."""
    granted = GrantedRequest(
        recorder_id=RECORDER_ID,
        site="site",
        request_id="20260101-1",
        revision=1,
        cameras=(GrantedCamera("gate", 1, "North gate"),),
        from_utc_ms=FROM,
        to_utc_ms=TO,
        rule_set="HOK",
        ground="urgent",
        document_number="",
        recipient=Recipient("authority", "", "", "name", "", ""),
        purpose="p",
        conditions="",
        requester="handler",
        decision=GrantDecision("granted", "manager", "r", 5),
        extraction_key=EXTRACTION.public_key().public_bytes_raw(),
        segments=tuple(
            GrantedSegment(
                SegmentHeader.unpack(segment.header).camera_number,
                segment.uid,
                segment.sequence,
                header_digest(segment.header),
                2,
            )
            for segment in segments
        ),
    )
    return replace(granted, **changes)


def packaged(granted: GrantedRequest, headers: Sequence[bytes]) -> tuple[Package, Checkpoint]:
    """Return the package of a grant that stands in a register of two entries."""
    body = canonical({"granted": granted.document()})
    entry = Entry(1, 5, "decided", granted.request_id, granted.decision.person, body_digest(SALT, body)).to_bytes()
    tree = MerkleLog([leaf_hash(b"before"), leaf_hash(entry)])
    proof = DecidedProof(entry, SALT, body, tuple(tree.inclusion_proof(1)))
    document = granted.to_bytes()
    package = Package(document, sign_granted(document, DEVICE), proof, tuple(headers), "")
    return package, Checkpoint("register", 2, tree.root())


def refusal(package: Package, checkpoint: Checkpoint, **options: Any) -> str:
    """Return why a package is refused."""
    with pytest.raises(PackageRefused) as caught:
        review(package, device_key=DEVICE.public_key(), checkpoint=checkpoint, **{"camera_names": {}, **options})
    assert caught.value.japanese
    return caught.value.reason


def test_an_honest_package_is_approved_and_two_approvals_open_it() -> None:
    """Shares of two custodians, re-sealed for this request, give the DEK of each granted segment."""
    source = recorder()
    segments = [source.record("gate", FROM - 1000, FROM + 300_000), source.record("gate", FROM + 300_000, TO)]
    granted = granting(segments)
    package, checkpoint = packaged(granted, [segment.header for segment in segments])
    reviewed = review(package, device_key=DEVICE.public_key(), checkpoint=checkpoint, camera_names={1: "gate"})
    approvals = [approve(reviewed, key, 7)[0] for key in keys_of(SET)[1:]]
    for segment in segments:
        binding = ExtractionBinding(granted.digest, segment.uid)
        shares = [
            open_resealed(share.sealed, EXTRACTION.private_bytes_raw(), binding, approval.custodian_id)
            for approval in approvals
            for share in approval.shares
            if share.segment_uid == segment.uid
        ]
        assert combine(shares, 2) == segment.dek


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [
        (FROM - 1000, FROM + 1000, True),
        (TO - 1, TO + 1000, True),
        (TO, TO + 1000, False),
        (FROM - 3_600_000, FROM, True),  # an hour at most, then the epoch ends
        (FROM - 3_700_000, FROM - 100_000, False),
        (FROM + 86_400_000, FROM + 86_500_000, False),
    ],
)
def test_a_segment_of_another_time_is_refused_even_if_the_desk_says_it_was_granted(
    start: int, end: int, fits: bool
) -> None:
    """The client judges by the header's own time, which the shares are bound to."""
    source = recorder()
    segment = source.record("gate", start, end)
    package, checkpoint = packaged(granting([segment]), [segment.header])
    if fits:
        review(package, device_key=DEVICE.public_key(), checkpoint=checkpoint, camera_names={})
    else:
        assert refusal(package, checkpoint) == "outside"


def test_segments_before_the_one_with_the_first_granted_minute_are_refused() -> None:
    """A segment whose successor begins well before the granted time cannot be needed, not even for a key frame."""
    source = recorder()
    old = source.record("gate", FROM - 200_000, FROM - 100_000)
    before = source.record("gate", FROM - 100_000, FROM - 10_000)
    within = source.record("gate", FROM - 10_000, FROM + 10_000)
    package, checkpoint = packaged(granting([before, within]), [before.header, within.header])
    review(package, device_key=DEVICE.public_key(), checkpoint=checkpoint, camera_names={})
    package, checkpoint = packaged(granting([old, before, within]), [old.header, before.header, within.header])
    assert refusal(package, checkpoint) == "outside"


def test_headers_that_were_not_granted_changed_doubled_or_left_out_are_refused() -> None:
    """Exactly the granted headers, each once, byte for byte."""
    source = recorder()
    first, second = source.record("gate", FROM, FROM + 1000), source.record("gate", FROM + 1000, TO)
    other_camera = source.record("park", FROM, TO)
    granted = granting([first, second])
    flipped = bytearray(second.header)
    flipped[200] ^= 1
    for headers in (
        [first.header],
        [first.header, first.header],
        [first.header, second.header, other_camera.header],
        [first.header, bytes(flipped)],
        [first.header, bytes(4096)],
        [],
    ):
        assert refusal(*packaged(granted, headers)) == "outside"


def test_a_header_of_another_recorder_camera_or_number_is_refused() -> None:
    """What the grant says of a segment must stand in its header."""
    source = recorder()
    segment = source.record("gate", FROM, TO)
    park = source.record("park", FROM, TO)
    elsewhere = FakeRecorder(b"\x01" * 16, SET, {"gate": 1}).record("gate", FROM, TO)
    right = granting([segment]).segments[0]
    for grant, header in (
        (granting([elsewhere]), elsewhere.header),
        (replace(granting([segment]), segments=(replace(right, sequence=9),)), segment.header),
        (replace(granting([segment]), segments=(replace(right, threshold=3),)), segment.header),
        (granting([park], cameras=(GrantedCamera("gate", 2, ""),)), park.header),
    ):
        assert refusal(*packaged(grant, [header])) == "outside"


def test_a_camera_that_changed_its_name_is_noticed() -> None:
    """Shares are bound to the camera's number: calling it by another name fools nobody who has seen it before."""
    source = recorder()
    segment = source.record("gate", FROM, TO)
    package, checkpoint = packaged(granting([segment]), [segment.header])
    assert refusal(package, checkpoint, camera_names={1: "playground"}) == "camera-renamed"


def test_a_grant_that_is_forged_or_not_in_the_register_is_refused() -> None:
    """Another key's signature, changed bytes, another decision in the register, another root: nothing is opened."""
    source = recorder()
    segment = source.record("gate", FROM, TO)
    granted = granting([segment])
    package, checkpoint = packaged(granted, [segment.header])
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert refusal(replace(package, signature=sign_granted(package.granted, stranger)), checkpoint) == "grant"
    assert refusal(replace(package, granted=package.granted[:-1]), checkpoint) == "grant"
    wider = replace(granted, to_utc_ms=TO + 1)
    resigned = replace(package, granted=wider.to_bytes(), signature=sign_granted(wider.to_bytes(), DEVICE))
    assert refusal(resigned, checkpoint) == "not-registered"
    assert refusal(package, replace(checkpoint, root=bytes(32))) == "not-registered"
    assert refusal(replace(package, decided=replace(package.decided, salt=b"\1" * 32)), checkpoint) == "not-registered"
    assert refusal(replace(package, decided=replace(package.decided, body=b"[]")), checkpoint) == "not-registered"
    assert refusal(replace(package, decided=replace(package.decided, entry=b"{}")), checkpoint) == "not-registered"


def test_what_was_recorded_without_a_known_time_takes_a_word_more() -> None:
    """Undated segments are refused unless the custodian says that they are meant."""
    source = recorder()
    segment = source.record("gate", 1000, 2000, time_unknown=True)
    package, checkpoint = packaged(granting([segment]), [segment.header])
    assert refusal(package, checkpoint) == "undated"
    device = DEVICE.public_key()
    reviewed = review(package, device_key=device, checkpoint=checkpoint, camera_names={}, allow_undated=True)
    assert reviewed.undated == 1


def test_who_holds_no_share_is_told() -> None:
    """A key outside the set, and one whose shares were swapped, approve nothing."""
    source = recorder()
    segment = source.record("gate", FROM, TO)
    package, checkpoint = packaged(granting([segment]), [segment.header])
    reviewed = review(package, device_key=DEVICE.public_key(), checkpoint=checkpoint, camera_names={})
    with pytest.raises(PackageRefused) as caught:
        approve(reviewed, custodian("a stranger"), 7)
    assert caught.value.reason == "no-share"
    (header,) = reviewed.headers
    swapped = replace(header, shares=(replace(header.shares[0], ciphertext=header.shares[1].ciphertext),))
    key = next(key for key in keys_of(SET) if key.custodian_id == header.shares[0].custodian_id)
    with pytest.raises(PackageRefused) as caught:
        approve(replace(reviewed, headers=(swapped,)), key, 7)
    assert caught.value.reason == "share"
